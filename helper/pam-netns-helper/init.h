/*
 * Process 1 of a user's PID namespace.
 *
 * init_start() clones it from the helper, which is in the user's network, UTS and IPC namespaces
 * then. It serves the helper over a socket: it makes the user's /proc, since a new procfs shows the
 * PID namespace of the process that makes it, and enters the mount namespace. Then it gives up all
 * that it has, and sleeps until it is killed. It needs no work: the kernel reaps its children,
 * because it ignores SIGCHLD.
 *
 * As long as it has the socket, it ends with the helper. Before that the pins name it (pins_init_*),
 * so a helper that is killed leaves no process 1 that is not found.
 */
#ifndef PAM_NETNS_INIT_H
#define PAM_NETNS_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* *out: a socket for the other functions; closing it before init_settle() ends the process. Returns its
 * pid, or -errno. hide, watchers: see proc_open() of ns/kernfs.h. Logs errors. */
pid_t init_start(bool hide, gid_t watchers, int *out) MUST_CHECK;
/* A new detached procfs of its PID namespace. Logs errors. */
int init_proc(int socket) MUST_CHECK;
/* It enters the mount namespace that is pinned on the path, and gives up the rest. Logs errors. */
int init_settle(int socket, const char *mnt) MUST_CHECK;

#endif
