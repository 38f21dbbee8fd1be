/*
 * Opens and closes a session, in this order:
 *
 * 1. request_fill: the user, resolved once
 * 2. open_decided: conf and profile; an exempt login ends here (open_exempt)
 * 3. call_and_join: the helper, then the verified join
 * 4. session_log
 *
 * If a step fails, the login is refused. The exception: the conf says on_error = host, and the
 * caller is provably in its old namespaces.
 */
#include "session.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "call/call.h"
#include "conf/conf.h"
#include "call/identity.h"
#include "join.h"
#include "base/characters.h"
#include "base/log.h"

#define DATA_NAME	  "pam_netns_session"
#define CLOSE_DEADLINE_MS 10000	       /* the deadline, if no conf was read */
#define HELPER_REFUSED	  (-EREMOTEIO) /* the helper failed and has undone what it began */

/* What a PAM handle remembers from open to close. A forked child need not release it (T4). */
struct session_data {
	pid_t opener;
	bool isolated;
	struct request request;
	unsigned deadline_ms; /* of the conf file at the open */
	enum conf_log log;
	char line[sizeof(((struct reply *)0)->line)]; /* what the helper reported for the log */
};

static void data_free(pam_handle_t *pamh, void *data, int status)
{
	struct session_data *session = data;

	(void)pamh;
	(void)status;
	request_free(&session->request);
	free(session);
}

static void item_copy(pam_handle_t *pamh, int item, char *field, size_t size)
{
	const void *value = NULL;

	if (pam_get_item(pamh, item, &value) != PAM_SUCCESS || !value)
		value = "";
	if (!text_set(field, size, value))
		(void)text_set(field, size, "?"); /* for people to read only */
	/* The client chooses the remote host's name. It must not look like further
	 * fields of a log line. */
	for (char *p = field; *p; p++)
		if (*p == ' ')
			*p = '?';
}

/* Collects the user and the PAM items. PAM_USER is resolved here, once; all
 * later steps use the uid. */
static int request_fill(pam_handle_t *pamh, const struct arguments *arguments,
			struct request *request)
{
	const void *user = NULL;
	int error;

	if (pam_get_item(pamh, PAM_USER, &user) != PAM_SUCCESS || !user) {
		log_error("the application set no PAM_USER");
		return -EINVAL;
	}
	error = identity_resolve(user, &request->who);
	if (error)
		return error;
	error = request_set_conf(request, arguments->conf);
	if (error)
		return log_errno(-error, "use conf=%s", arguments->conf);
	item_copy(pamh, PAM_SERVICE, request->service, sizeof(request->service));
	item_copy(pamh, PAM_TTY, request->tty, sizeof(request->tty));
	item_copy(pamh, PAM_RHOST, request->rhost, sizeof(request->rhost));
	if (arguments->debug)
		request->flags |= REQUEST_DEBUG;
	return 0;
}

/* After the join: what the log says, and the namespaces from which the close goes back. */
static void session_remember(struct session_data *session, const struct reply *reply)
{
	memcpy(session->line, reply->line, sizeof(session->line));
	session->request.image = reply->image;
	for (size_t i = 0; i < reply->handed_count; i++)
		session->request.namespaces |= namespace_kinds[reply->handed[i].kind].bit;
}

/* Asks the helper, and joins the namespaces that it hands over. opened: NULL, or the session. The
 * helper does not work in a user's PID namespace. */
static int call_and_join(const char *verb, enum outcome expected, const struct request *request,
			 unsigned deadline_ms, struct session_data *opened)
{
	CLEANUP_FREE struct reply *reply = calloc(1, sizeof(*reply));
	int error = reply ? 0 : log_errno(ENOMEM, "receive the helper's reply");

	if (request->namespaces & NAMESPACE_PID)
		error = error ?: join_pid_leave();
	error = error ?: helper_call(verb, request, deadline_ms, reply);

	if (error)
		return error;
	if (reply->outcome != expected || !reply->handed_count) {
		/* The helper has logged the cause already: it is the last of its lines. */
		if (!reply->cause[0])
			log_error("the helper refused the login and gave no reason");
		error = HELPER_REFUSED;
	} else {
		error = join_namespaces(reply);
		if (!error && opened)
			session_remember(opened, reply);
	}
	reply_close(reply);
	return error;
}

/* Undoes a login that failed after or while the helper made something. */
static void open_undo(const struct request *request, unsigned deadline_ms)
{
	CLEANUP_FREE struct reply *reply = calloc(1, sizeof(*reply));

	if (reply && helper_call("close", request, deadline_ms, reply) == 0)
		reply_close(reply);
}

/* Open and close log the same fields, so either line tells which user had an address. */
static void session_log(const char *what, const struct session_data *session, enum conf_log log)
{
	const struct request *r = &session->request;

	if (log == CONF_LOG_LOGINS)
		return; /* the helper itself logs first logins */
	log_account("session %s: user=%s uid=%u service=%s tty=%s rhost=%s leader=%d %s", what,
		    r->who.user, r->who.uid, r->service, r->tty[0] ? r->tty : "-",
		    r->rhost[0] ? r->rhost : "-", (int)getpid(), session->line);
}

static int open_isolated(struct session_data *session, const struct conf *conf)
{
	const struct request *request = &session->request;
	int error = call_and_join("open", OUTCOME_ISOLATED, request, conf->deadline_ms, session);

	if (error) {
		/* The helper did not run; or it is stuck and holds the user's lock, for which
		 * undoing would wait. */
		if (error != HELPER_REFUSED && error != -ENOEXEC && error != -EBUSY)
			open_undo(request, conf->deadline_ms);
		return error;
	}
	session->isolated = true;
	session->deadline_ms = conf->deadline_ms;
	session->log = conf->log;
	session_log("opened", session, conf->log);
	return 0;
}

/* The helper has no NSS, so the group of processes = own GROUP is resolved here. */
static int watchers_find(const struct profile *profile, struct request *request)
{
	int error = profile->watchers ? identity_group(profile->watchers, &request->watchers) : 0;

	if (error)
		log_errno(-error, "find group %s of processes = own %s in [profile %s]",
			  profile->watchers, profile->watchers, profile->name);
	return error;
}

/* hide leaves the user's own home visible. An image gets the home, and must have the shell. */
static int home_find(const struct profile *profile, struct request *request)
{
	int error = 0;

	if (profile->hide.count || profile->root)
		error = identity_home(request->who.user, &request->home, &request->shell);
	return error ? log_errno(-error, "find the home of %s", request->who.user) : 0;
}

/* An exempt user stays where the session began, unless the profile moves it to the host. */
static int open_exempt(struct request *request, const struct conf *conf,
		       const struct profile *profile)
{
	request->flags |= REQUEST_SESSION;
	if (profile && profile->nested == NESTED_HOST)
		return call_and_join("host", OUTCOME_HOST, request, conf->deadline_ms, NULL);
	return 0;
}

static int open_decided(struct session_data *session, const struct conf *conf)
{
	const struct request *request = &session->request;
	const struct who *who = &request->who;
	const struct profile *profile = conf_match(conf, who);
	int error;

	if (conf_service_exempt(conf, request->service)) {
		log_account("service %s is exempt: user=%s uid=%u stays on the host",
			    request->service, who->user, who->uid);
		return 0;
	}
	if (!profile) {
		log_error("no profile in %s matches user %s: add one, or match = * last",
			  request->conf, who->user);
		return -EACCES;
	}
	if (!profile->isolate) {
		log_debug("user=%s uid=%u profile=%s is not isolated", who->user, who->uid,
			  profile->name);
		return open_exempt(&session->request, conf, profile);
	}
	error = watchers_find(profile, &session->request);
	error = error ?: home_find(profile, &session->request);
	error = error ?: open_isolated(session, conf);
	if (error && error != -ENOTRECOVERABLE && conf->on_error_host) {
		log_warning("NOT ISOLATED: user=%s uid=%u service=%s continues in the caller's "
			    "namespaces, because on_error = host",
			    who->user, who->uid, request->service);
		return 0;
	}
	return error;
}

/* Closes the session if it cannot be kept: no later call would. */
static int data_keep(pam_handle_t *pamh, struct session_data *session)
{
	int result;

	session->opener = getpid();
	result = pam_set_data(pamh, DATA_NAME, session, data_free);
	if (result == PAM_SUCCESS)
		return 0;
	log_error("cannot keep the session's data: %s", pam_strerror(pamh, result));
	if (session->isolated &&
	    call_and_join("close", OUTCOME_HOST, &session->request, CLOSE_DEADLINE_MS, NULL))
		log_error("the refused session could not be closed; pam-netns gc will remove it");
	return -ENOMEM;
}

static int open_and_keep(pam_handle_t *pamh, const struct arguments *arguments,
			 struct session_data *session)
{
	CLEANUP_CONF struct conf *conf = NULL;
	int error = host_network_leave(pamh);

	if (error)
		return error;
	error = request_fill(pamh, arguments, &session->request);
	if (error)
		return error;
	error = conf_read(arguments->conf, &conf);
	if (error)
		return error;
	error = open_decided(session, conf);
	return error ? error : data_keep(pamh, session);
}

int session_refuse(pam_handle_t *pamh, int flags)
{
	log_error("login refused: see the lines above, or run pam-netns doctor");
	if (!(flags & PAM_SILENT))
		pam_error(pamh, "Login refused: your private network could not be set up. Please "
				"tell the administrator of this machine.");
	return SESSION_REFUSED;
}

int session_open(pam_handle_t *pamh, int flags, const struct arguments *arguments)
{
	struct session_data *session = calloc(1, sizeof(*session));

	if (!session)
		log_errno(ENOMEM, "keep the session's data");
	else if (open_and_keep(pamh, arguments, session) == 0)
		return PAM_SUCCESS;
	else
		data_free(pamh, session, 0);
	return session_refuse(pamh, flags);
}

int session_close(pam_handle_t *pamh, const struct arguments *arguments)
{
	const void *data = NULL;
	const struct session_data *session;
	CLEANUP_CONF struct conf *conf = NULL;
	unsigned deadline_ms;
	enum conf_log log;

	if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS || !data)
		return PAM_SUCCESS; /* no session was opened with this handle */
	session = data;
	/* A session ends with its leader. A child that closes the handle on its way
	 * out ends nothing (T4). */
	if (!session->isolated || session->opener != getpid())
		return PAM_SUCCESS;
	/* An image has another conf file, or none. */
	deadline_ms = session->request.image ? session->deadline_ms : CLOSE_DEADLINE_MS;
	log = session->request.image ? session->log : CONF_LOG_ALL;
	if (!session->request.image && conf_read(arguments->conf, &conf) == 0) {
		deadline_ms = conf->deadline_ms;
		log = conf->log;
	}
	if (call_and_join("close", OUTCOME_HOST, &session->request, deadline_ms, NULL)) {
		log_error("session not closed cleanly: user=%s uid=%u; pam-netns gc will remove "
			  "its leftovers",
			  session->request.who.user, session->request.who.uid);
		return PAM_SESSION_ERR;
	}
	session_log("closed", session, log);
	return PAM_SUCCESS;
}
