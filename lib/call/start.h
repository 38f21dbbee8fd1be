/* The start of the helper's process; private to call.c. */
#ifndef PAM_NETNS_CALL_START_H
#define PAM_NETNS_CALL_START_H

#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Starts path as "pam-netns-helper VERB" in a child process, in the root of cgroup v2 if the C
 * library can, else "pam-netns-helper VERB move", which moves there (MESSAGE_MOVED): empty
 * environment, signals default but for the C library's own two, descriptors 0 (the socket, which is
 * 3 or higher), 1 and 2 (/dev/null). All else that it inherits it resets itself
 * (helper/pam-netns-helper/inherited.c). The caller has blocked all signals, and so they are
 * blocked in the child; the calling thread cannot be cancelled. Returns 0 with *pid filled, or
 * -errno. The caller of this function waits for the child.
 */
int call_start(int socket, const char *path, const char *verb, pid_t *pid) MUST_CHECK;

#endif
