/* The subcommands, and what main.c parses for each of them. */
#ifndef PAM_NETNS_COMMAND_H
#define PAM_NETNS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses. exec ends with the status of its command, or with 126 or 127, as shells do. */
enum { STATUS_FINE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct arguments {
	const char *operand; /* the operand, or NULL */
	bool drop, json, force, root, wide, namespaces;
	char **tail; /* the words after "--", or NULL */
};

/* The log sink of all subcommands; see log.h. */
void log_to_terminal(void *context, int level, const char *text);

int command_up(const struct arguments *arguments);
int command_down(const struct arguments *arguments);
int command_lab(const struct arguments *arguments);
int command_repair(const struct arguments *arguments);
int command_kick(const struct arguments *arguments);
int command_gc(const struct arguments *arguments);
int command_list(const struct arguments *arguments);
int command_status(const struct arguments *arguments);
int command_explain(const struct arguments *arguments);
int command_exec(const struct arguments *arguments);
int command_check(const struct arguments *arguments);
int command_doctor(const struct arguments *arguments);

#endif
