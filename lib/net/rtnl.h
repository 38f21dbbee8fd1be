/*
 * Waits for rtnl, the kernel's one lock of all network configuration (T40).
 *
 * A user who may make user namespaces can hold it: a network namespace that ends with many links
 * holds it for some 16 ms a link. A first login needs it, a further login and a logout do not.
 * Nothing can take it away, so the log at least names it.
 */
#ifndef PAM_NETNS_RTNL_H
#define PAM_NETNS_RTNL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* proc: a procfs that has the process, whose call of the kernel is looked at. In doubt false. */
bool rtnl_awaited(int proc, pid_t pid);
/* Logs a wait if the call of the kernel that began then (clock_ms()) took long. */
void rtnl_tell(int64_t since);

#endif
