/*
 * `auth requisite pam_netns.so host`, the first line of su's and sudo's stack.
 *
 * Authentication then asks the LDAP or RADIUS server from the host's network. In their own network,
 * a user could answer in the server's place. The process goes back when credentials are set, at the
 * latest when a session opens.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "call/call.h"
#include "conf/conf.h"
#include "base/characters.h"
#include "base/log.h"
#include "session.h"

#define DATA_NAME "pam_netns_origin"

struct origin_net {
	pid_t pid;
	int fd; /* close-on-exec; the network namespace of the process before */
};

static void origin_free(pam_handle_t *pamh, void *data, int status)
{
	struct origin_net *origin = data;

	(void)pamh;
	(void)status;
	cleanup_fd(&origin->fd);
	free(origin);
}

/* Finds the host's network namespace among those that the helper handed over. */
static int enter_net(const struct reply *reply)
{
	struct stat now;

	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *h = &reply->handed[i];

		if (h->kind != KIND_NET)
			continue;
		if (setns(h->fd, CLONE_NEWNET) < 0)
			return log_errno(errno, "enter the host's network namespace");
		if (stat("/proc/self/ns/net", &now) < 0 || now.st_dev != h->device ||
		    now.st_ino != h->inode)
			return log_errno(EPROTO, "verify the host's network namespace");
		return 0;
	}
	return log_errno(EBADMSG, "find the host's network namespace");
}

static int host_join(const struct arguments *arguments)
{
	CLEANUP_REQUEST struct request request = {0};
	CLEANUP_FREE struct reply *reply = calloc(1, sizeof(*reply));
	CLEANUP_CONF struct conf *conf = NULL;
	int error;

	if (!reply)
		return log_errno(ENOMEM, "ask for the host's network");
	error = conf_read(arguments->conf, &conf);
	if (error)
		return error;
	error = request_set_conf(&request, arguments->conf);
	if (error || !who_set(&request.who, 0, "root"))
		return log_errno(error ? -error : EINVAL, "use conf=%s", arguments->conf);
	error = helper_call("host", &request, conf->deadline_ms, reply);
	if (error)
		return error;
	error = reply->outcome == OUTCOME_HOST ? enter_net(reply) : -EACCES;
	reply_close(reply);
	return error;
}

/* The namespace of this process before its first authentication, or NULL. */
static const struct origin_net *origin_kept(pam_handle_t *pamh)
{
	const void *data = NULL;
	const struct origin_net *origin;

	if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS || !data)
		return NULL;
	origin = data;
	return origin->pid == getpid() ? origin : NULL;
}

/* The old data, if any, is freed with its descriptor. */
static int origin_set(pam_handle_t *pamh, struct origin_net *origin)
{
	int result = pam_set_data(pamh, DATA_NAME, origin, origin ? origin_free : NULL);

	if (result == PAM_SUCCESS)
		return 0;
	log_error("cannot change the way back from the host's network: %s",
		  pam_strerror(pamh, result));
	return -ENOMEM;
}

static int origin_keep(pam_handle_t *pamh)
{
	struct origin_net *origin = calloc(1, sizeof(*origin));
	int result;

	if (!origin)
		return log_errno(ENOMEM, "keep the way back from the host's network");
	*origin = (struct origin_net){.pid = getpid(),
				      .fd = namespace_open(AT_FDCWD, "/proc/self", KIND_NET)};
	result = origin->fd < 0 ? origin->fd : origin_set(pamh, origin);
	if (result < 0)
		origin_free(pamh, origin, 0);
	return result;
}

int host_network_enter(pam_handle_t *pamh, const struct arguments *arguments)
{
	/*
	 * Saved before the join: once the process is in the host's network, the way back must
	 * exist. Saved only once: after a wrong password sudo authenticates again, and the process
	 * is then already there.
	 */
	if (!origin_kept(pamh) && origin_keep(pamh) < 0)
		return PAM_AUTHINFO_UNAVAIL;
	return host_join(arguments) < 0 ? PAM_AUTHINFO_UNAVAIL : PAM_IGNORE;
}

int host_network_leave(pam_handle_t *pamh)
{
	const void *data = NULL;
	const struct origin_net *origin;
	int result = 0;

	if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS || !data)
		return 0;
	origin = data;
	if (origin->pid == getpid() && setns(origin->fd, CLONE_NEWNET) < 0)
		result = log_errno(errno, "go back from the host's network namespace");
	return result ?: origin_set(pamh, NULL);
}
