/*
 * Running the helper: start with an empty environment, one request, log lines, one reply.
 *
 * Used inside sshd, login, su and cron, so it changes nothing of its caller but what start and wait
 * must: SIGCHLD is default during the call and restored (sent again if a child of the caller's own
 * ended meanwhile), SIGPIPE cannot arrive, no descriptor stays but those of the reply. How the
 * helper starts: start.h.
 */
#ifndef PAM_NETNS_CALL_H
#define PAM_NETNS_CALL_H

#include "base/cleanup.h"
#include "call/message.h"

/*
 * verb: "open", "close", "host", "up", "down", "kick", "gc". The helper's log lines go to log.h's
 * sink. Returns 0 with *reply filled, whatever its outcome (the caller owns the reply's
 * descriptors, reply_close()); -errno where no reply came: -ETIMEDOUT after deadline_ms (the helper
 * is killed then), -ENOEXEC if none could be run, -EPIPE if it ended without a reply, -EBADMSG, … ,
 * logged. A helper that has replied and does not end by the deadline is killed too. -EBUSY: the
 * helper waits in the kernel, ends when it is let, and keeps its locks until then.
 */
int helper_call(const char *verb, const struct request *request, unsigned deadline_ms,
		struct reply *reply) MUST_CHECK;

#endif
