/*
 * Waits for rtnl, the kernel's one lock of all network configuration (T40).
 *
 * A user who may make user namespaces can hold it: a network namespace that ends with many links
 * holds it for some 16 ms a link. A first login needs rtnl, a further login and a logout do not.
 * The lock cannot be taken away, but the log can name it.
 */
#ifndef PAM_NETNS_RTNL_H
#define PAM_NETNS_RTNL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Does the process wait for rtnl? proc is a procfs that has it. In doubt false. */
bool rtnl_awaited(int proc, pid_t pid);
/* Logs the wait if a system call that began at that time (clock_ms()) took long. */
void rtnl_tell(int64_t since);

#endif
