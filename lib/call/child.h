/* The child between fork and exec; private to call.c. */
#ifndef PAM_NETNS_CALL_CHILD_H
#define PAM_NETNS_CALL_CHILD_H

/*
 * Makes the forked child a fit start for the helper and execs it with the verb as its argument;
 * socket becomes its descriptor 0. Never returns: what fails is told over the socket. All signals
 * are blocked, and stay so. Async-signal-safe, because the process may have other threads; and it
 * writes to no memory but its own stack and errno, because the caller may share it (call/clone.h).
 */
void call_child_exec(int socket, const char *path, const char *verb) __attribute__((noreturn));

#endif
