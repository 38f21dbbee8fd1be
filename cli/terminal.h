/*
 * A command's session and terminal, kept apart from root's.
 *
 * A process of a user's that has root's terminal could type into it (TIOCSTI), read what root types
 * next, or change its settings, also after the command is over. So the command gets a session of
 * its own, and in place of root's terminal a pseudo-terminal, from which this process copies to and
 * fro. Descriptors that are no terminal it gets as they are.
 */
#ifndef PAM_NETNS_TERMINAL_H
#define PAM_NETNS_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/cleanup.h"

struct terminal {
	int master, slave; /* -1: none of 0 to 2 is a terminal */
	int own;	   /* which of them is, for output */
	bool typed;	   /* what is typed there is for the command */
	struct termios before;
	int signals; /* signalfd(2) */
	sigset_t mask;
};

/* Before the fork; owner gets the pseudo-terminal. Blocks signals. Logged. */
int terminal_open(struct terminal *terminal, uid_t owner) MUST_CHECK;
/* In the child: a session of its own, with that terminal. Logged. */
int terminal_take(const struct terminal *terminal) MUST_CHECK;
/* In the parent, until the child has ended; signals go to it. Its status as a shell has it. */
int terminal_serve(struct terminal *terminal, pid_t child);

#endif
