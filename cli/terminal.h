/*
 * A command gets a session and a terminal of its own, apart from root's.
 *
 * A user's process that has root's terminal could type into it (TIOCSTI), read what root types
 * next, or change its settings, even after the command has ended. So the command gets a session of
 * its own, and a pseudo-terminal in place of root's terminal. This process copies between the two.
 * The command inherits descriptors that are no terminal unchanged.
 */
#ifndef PAM_NETNS_TERMINAL_H
#define PAM_NETNS_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/cleanup.h"

struct terminal {
	int master, slave; /* -1: none of descriptors 0 to 2 is a terminal */
	int own;	   /* the one of them that gets the output */
	bool typed;	   /* the keyboard is for the command */
	struct termios before;
	int signals; /* signalfd(2) */
	sigset_t mask;
};

/* Before the fork. owner gets the pseudo-terminal. Blocks signals. Logs errors. */
int terminal_open(struct terminal *terminal, uid_t owner) MUST_CHECK;
/* In the child: makes a session with that terminal. Logs errors. */
int terminal_take(const struct terminal *terminal) MUST_CHECK;
/* In the parent, until the child has ended. Passes signals on to the child. Returns the child's
 * status as a shell does. */
int terminal_serve(struct terminal *terminal, pid_t child);

#endif
