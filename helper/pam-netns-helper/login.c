/*
 * Opens a session: request -> profile -> set-up -> lock -> resources -> record -> descriptors.
 *
 * A user with a whole set of pins is active, and a further login gets the same namespaces.
 * Otherwise what is left of the user is removed, and all resources are made (resource.h). The login
 * holds the user's lock from the check of the pins until the session is recorded. The reaper needs
 * that lock and an empty list of sessions, so it cannot remove what a login has just handed out.
 */
#include "resource.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "note.h"
#include "state/lock.h"
#include "base/files.h"
#include "base/log.h"

static int leader_read(const struct host *host, struct process *leader)
{
	int result = process_read(host->proc, host->caller, leader, NULL);

	return result < 0 ? log_errno(-result, "look at the caller, process %d", host->caller) : 0;
}

/* The profile of the request, and its network set up as the conf file says. */
static int profile_choose(struct user *user, struct setup *setup)
{
	const struct request *r = user->request;

	user->profile = conf_match(user->conf, &r->who);
	if (!user->profile) {
		log_error("no profile in %s matches %s: add one (pam-netns explain %s)", r->conf,
			  r->who.user, r->who.user);
		return -EACCES;
	}
	if (!user->profile->isolate)
		return 0;
	setup->network = user->profile->network;
	return setup_ensure(user->host, setup);
}

static int session_record(const struct user *user, const struct process *leader, bool first)
{
	const struct request *r = user->request;
	struct session session = {.leader = *leader, .since = time(NULL)};
	int error;

	memcpy(session.service, r->service, sizeof(session.service));
	memcpy(session.tty, r->tty, sizeof(session.tty));
	memcpy(session.rhost, r->rhost, sizeof(session.rhost));
	error = session_add(user->host->run, user->uid, &session);
	if (error)
		return log_errno(-error, "record the session");
	/* Before a first login user_remove() has removed it. */
	if (!first)
		note_forget(user->host, user->uid);
	return 0;
}

/* The caller joins the PID namespace by its process 1, so that it sees whether that lives. */
static void init_hand(const struct user *user, struct reply *reply)
{
	for (size_t i = 0; i < reply->handed_count; i++)
		if (reply->handed[i].kind == KIND_PID)
			reply->handed[i].fd = user->init_pidfd;
}

/*
 * systemd looks for itself in /proc after PAM, so a manager cannot be in a mount namespace with the /proc
 * of a PID namespace. pam-netns-manager enters the rest.
 */
#define MANAGER_FIRST (NAMESPACE_NET | NAMESPACE_UTS | NAMESPACE_IPC)

static bool is_manager(const struct user *user)
{
	return strcmp(user->request->service, "systemd-user") == 0;
}

/*
 * The namespaces of the user's record. A login from another user's session leaves all of that
 * user's: for a kind that this user does not have it gets the host's.
 */
static int login_reply(const struct user *user, struct reply *reply)
{
	struct namespaces joined = user->pins;
	int error;

	for (int i = 0; user->host->nested && i < NAMESPACE_KINDS; i++)
		if (joined.fd[i] < 0)
			joined.fd[i] = user->host->ns.fd[i];
	user_tell(user, reply->line, sizeof(reply->line));
	reply->outcome = OUTCOME_ISOLATED;
	reply->image = *user->state.root;
	error = reply_hand(reply, &joined,
			   user->pins.fd[KIND_PID] >= 0 && is_manager(user) ? MANAGER_FIRST
									    : NAMESPACES_ALL);
	init_hand(user, reply);
	return error;
}

/*
 * A process cannot leave its PID namespace, nor can its children. So a login from a session with
 * one can only be the same user's.
 */
static int pid_namespace_check(const struct user *user, int error)
{
	struct host *host = user->host;
	struct stat st;
	int unknown = error == -ENOENT && (user->profile->namespaces & NAMESPACE_PID)
			  ? host_pid_namespace(host)
			  : 0;

	if (unknown || !host->pid_namespace)
		return unknown ?: error;
	if (!error && user->pins.fd[KIND_PID] >= 0 && fstat(user->pins.fd[KIND_PID], &st) == 0 &&
	    st.st_ino == host->pid_namespace)
		return 0;
	log_error("%s cannot log in from here: this session is in a PID namespace, which no "
		  "process can leave; log in from outside of it, for example with ssh",
		  user->request->who.user);
	return -EXDEV;
}

/*
 * Until systemd runs the unit's program, its child has the program's name in parentheses, or the last
 * letters of it. Only root chooses it.
 */
static bool manager_enters(const struct host *host)
{
	static const char end[] = "-manager)\n";
	char path[32], name[32];
	ssize_t length;

	snprintf(path, sizeof(path), "%d/comm", (int)host->caller);
	length = files_read(host->proc, path, name, sizeof(name));
	return length >= (ssize_t)sizeof(end) && name[0] == '(' &&
	       strcmp(name + length - strlen(end), end) == 0;
}

/*
 * A manager is no child of the process that logs in, so only its unit can bring it into the PID
 * namespace. It is the host's program, which needs the host's libraries and units, so it cannot run
 * in an image.
 */
static int manager_check(const struct user *user, bool first)
{
	unsigned namespaces = first ? user->profile->namespaces : user->state.namespaces;
	bool image = first ? user->profile->root != NULL : *user->state.root;

	if (!is_manager(user) ||
	    (!image && (!(namespaces & NAMESPACE_PID) || manager_enters(user->host))))
		return 0;
	log_error("%s has no systemd user manager, because %s: user@%u.service is refused",
		  user->request->who.user,
		  image ? "root is an image's"
			: "namespaces has pid and the unit does not start pam-netns-manager",
		  user->uid);
	return -EOPNOTSUPP;
}

/* Does the service run jobs? Their last logout logs all that the first login would. */
static bool service_runs_jobs(const char *service)
{
	static const char *const services[] = {"cron", "crond", "atd"};

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(service, services[i]) == 0)
			return true;
	return false;
}

static void first_login_log(const struct user *user, const struct process *leader, const char *line)
{
	const struct request *r = user->request;

	if (user->conf->log == CONF_LOG_LOGINS && !service_runs_jobs(r->service))
		log_account("first login: user=%s uid=%u service=%s tty=%s rhost=%s leader=%d %s",
			    r->who.user, r->who.uid, r->service, r->tty[0] ? r->tty : "-",
			    r->rhost[0] ? r->rhost : "-", (int)leader->pid, line);
}

static int first_attempt(struct user *user, struct setup *setup)
{
	struct host *host = user->host;
	int error = setup_has_ipv6(setup->network, &setup->state);

	/* The host may have other name servers since the set-up, and gc may not have run. */
	error = error ?: setup_resolv(host, setup->network);
	return error ?: user_make(user);
}

/*
 * A login does not check whether IPv6 was disabled since the set-up: that would cost every login
 * some system calls. If it was, the kernel answers EACCES, and the login is built once more.
 */
static int first_login(struct user *user, struct setup *setup)
{
	int error = user_remove(user->host, user->uid, NULL);

	if (!error && !setup->state.subnet6.address.family)
		error = setup_follow_ipv6(user->host, setup);
	error = error ?: first_attempt(user, setup);
	if (error != -EACCES || !setup->state.subnet6.address.family)
		return error;
	error = setup_follow_ipv6(user->host, setup);
	return error ?: first_attempt(user, setup);
}

static int login_locked(struct user *user, struct setup *setup, const struct process *leader,
			bool *first)
{
	int error = pid_namespace_check(user, user_check(user)), refused = 0;

	if (!error || error == -ENOENT)
		refused = manager_check(user, error == -ENOENT);
	if (refused)
		error = refused;
	*first = error == -ENOENT;
	if (*first) {
		user_close(user);
		error = first_login(user, setup);
	}
	if (error)
		return error;
	error = session_record(user, leader, *first);
	if (error && *first) {
		user_close(user);
		(void)!user_remove(user->host, user->uid, &user->state);
	}
	return error;
}

static int login_isolated(struct user *user, struct setup *setup, const struct process *leader,
			  struct reply *reply)
{
	struct host *host = user->host;
	bool first = false;
	int error = lock_take(host->lock, host->proc, user->uid);

	if (error)
		return error;
	error = login_locked(user, setup, leader, &first);
	error = error ?: login_reply(user, reply);
	if (!error && first)
		first_login_log(user, leader, reply->line);
	/* Closing the lock, before the caller is answered, releases it (main.c). */
	return error;
}

int verb_open(struct host *host, const struct request *request, struct reply *reply)
{
	struct setup setup = {0};
	struct process leader = {0};
	struct conf *conf = NULL;
	struct user user;
	int error;

	user_init(&user, host, request->who.uid);
	error = conf_read(request->conf, &conf);
	log_set_quiet(conf && conf->log != CONF_LOG_ALL);
	if (error)
		return error;
	user.request = request;
	user.conf = setup.conf = conf;
	setup.version = setup_version(conf);
	user.setup = &setup;
	error = leader_read(host, &leader);
	error = error ?: profile_choose(&user, &setup);
	if (error)
		return error;
	/* The reply has the pins' descriptors. The end of the process closes and frees the rest. */
	return user.profile->isolate ? login_isolated(&user, &setup, &leader, reply)
				     : reply_host(host, NAMESPACES_ALL, reply);
}
