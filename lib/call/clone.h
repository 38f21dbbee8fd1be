/* The start of the helper's process; private to call.c. */
#ifndef PAM_NETNS_CALL_CLONE_H
#define PAM_NETNS_CALL_CLONE_H

#include <sys/types.h>

/*
 * Runs run(argument), which never returns, in a child process in the cgroup (a descriptor of its
 * folder), whose end sends SIGCHLD. Returns the child's pid with *pidfd filled; -1 with errno set.
 *
 * As vfork(2), where this is known to the program for the processor: the child has the caller's
 * memory, and the caller goes on when the child has called execve(2) or ended. So run may change
 * nothing but what is its own, needs no more stack than 12 KiB, and the caller has all signals
 * blocked and cannot be cancelled. Elsewhere as fork(2). No privilege but to write to the cgroup.
 */
pid_t call_clone(int cgroup, int *pidfd, void (*run)(void *argument), void *argument);

#endif
