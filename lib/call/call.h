/*
 * Runs the helper: start with an empty environment, one request, log lines, one reply.
 *
 * This runs inside sshd, login, su and cron, so it changes nothing of its caller except what start
 * and wait require. SIGCHLD is default during the call and restored then (and sent again if a child
 * of the caller's own ended meanwhile). SIGPIPE cannot arrive. No descriptor stays but those of the
 * reply. start.h describes the helper's start.
 */
#ifndef PAM_NETNS_CALL_H
#define PAM_NETNS_CALL_H

#include "base/cleanup.h"
#include "call/message.h"

/*
 * verb: "open", "close", "host", "up", "down", "kick", "gc". The helper's log lines go to log.h's
 * sink. Returns 0 with *reply filled, whatever its outcome; the caller owns the reply's descriptors
 * (reply_close()). -errno, logged: no reply came. -ETIMEDOUT: after deadline_ms, and the helper was
 * killed; -ENOEXEC: it could not be run; -EPIPE: it ended without a reply; -EBADMSG, …. A helper
 * that has replied and does not end by the deadline is killed too. -EBUSY: the helper waits in the
 * kernel, ends when the kernel lets it, and keeps its locks until then.
 */
int helper_call(const char *verb, const struct request *request, unsigned deadline_ms,
		struct reply *reply) MUST_CHECK;

#endif
