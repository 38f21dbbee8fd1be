/* The subcommands: what each gets from the command line, and what main.c knows about it. */
#ifndef PAM_NETNS_COMMAND_H
#define PAM_NETNS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses; exec ends with its command's, or 126 and 127 as shells do. */
enum { STATUS_FINE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct arguments {
	const char *operand; /* the one operand any subcommand takes, or NULL */
	bool drop, json, force, root, wide;
	char **tail; /* what follows "--", or NULL without it */
};

/* The log of all subcommands: a sink, see log.h. */
void log_to_terminal(void *context, int level, const char *text);

int command_up(const struct arguments *arguments);
int command_down(const struct arguments *arguments);
int command_kick(const struct arguments *arguments);
int command_gc(const struct arguments *arguments);
int command_list(const struct arguments *arguments);
int command_status(const struct arguments *arguments);
int command_explain(const struct arguments *arguments);
int command_exec(const struct arguments *arguments);
int command_check(const struct arguments *arguments);
int command_doctor(const struct arguments *arguments);

#endif
