/*
 * Closes a session: removes its record, and hands the host's namespaces to the caller. If no other
 * session's leader lives, the reaper does the rest after the reply.
 */
#include <errno.h>
#include <fcntl.h>

#include "closing.h"
#include "note.h"
#include "helper.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"

#define REAP_UNIT "/run/systemd/units/invocation:pam-netns-gc.path"

static int session_end(struct host *host, uid_t uid, bool *live)
{
	struct process leader;
	int result = process_read(host->proc, host->caller, &leader, NULL);

	result = result ?: session_remove(host->run, uid, &leader);
	if (result < 0 && result != -ENOENT)
		return log_errno(-result, "remove the session's record");
	result = session_prune(host->run, host->proc, uid, live);
	return result == -ENOENT ? 0 : result;
}

int verb_close(struct host *host, const struct request *request, struct reply *reply)
{
	bool live = false;
	int result = reply_host(host, request->namespaces ?: NAMESPACES_FIRST, reply);

	result = result ?: lock_take(host->lock, host->proc, request->who.uid);
	if (result < 0)
		return result;
	/* systemd would count a child of ours to the session that is ending:
	 * its unit does it there. */
	bool unit = access(REAP_UNIT, F_OK) == 0;

	/* A reaper in a user's PID namespace would end with it; and process numbers differ there. */
	unit |= host->pid_namespace != 0;

	result = session_end(host, request->who.uid, &live);
	if (result == 0 && !live && note_make(host, request->who.uid) < 0)
		unit = true; /* gc checks all users, with or without a note */
	lock_release(host->lock, request->who.uid);
	if (result == 0 && !live && !unit)
		result = reaper_start(host);
	return result;
}

int verb_kick(struct host *host, const struct request *request, struct reply *reply)
{
	int result = reap(host, request->who.uid, 8000, true);

	if (result == -EBUSY)
		log_error("uid %u has processes that do not end, or has logged in again: run "
			  "pam-netns kick once more",
			  request->who.uid);
	reply->outcome = OUTCOME_DONE;
	return result;
}

int verb_host(struct host *host, const struct request *request, struct reply *reply)
{
	if (host->pid_namespace && (request->flags & REQUEST_SESSION)) {
		log_error("%s cannot go back to the host (nested = host): this session is in a PID "
			  "namespace, which no process can leave; log in from outside of it",
			  request->who.user);
		return -EXDEV;
	}
	return reply_host(host, NAMESPACES_ALL, reply);
}
