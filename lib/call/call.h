/*
 * Running the helper: fork, exec with an empty environment, one request, log lines, one reply.
 *
 * Used inside sshd, login, su and cron, so it changes nothing of its caller but what fork and wait
 * must: SIGCHLD is default during the call and restored (sent again if a child of the caller's own
 * ended meanwhile), SIGPIPE cannot arrive, no descriptor stays but those of the reply. Only one
 * whose effective group is not root's becomes undumpable, if it was not, as by setegid(2). The
 * child has all three uids and gids 0, no supplementary groups, rlimits raised as far as the hard
 * limits go, PID 1's CPUs, normal priorities, signals blocked and default, umask 022, / as its
 * directory, the root of cgroup v2 as its cgroup (where there is one), and descriptors 0 (the
 * socket), 1 and 2 (/dev/null).
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
