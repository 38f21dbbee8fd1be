/*
 * A chain of another program that drops users' traffic, and the command that lets it through, in the style
 * of that firewall. A shell can run the command as it is printed; what it cannot do follows as a comment.
 */
#ifndef PAM_NETNS_FOREIGN_REPORT_H
#define PAM_NETNS_FOREIGN_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/dump.h"
#include "rules/ruleset.h"

struct reporter {
	ruleset_report *report;
	void *context;
	const char *bridge;  /* the network's first one, for the commands */
	const char *dropped; /* the one that loses traffic */
	char *line;	     /* being written: the finding, NUL, the remedy */
	size_t line_size;
	bool ufw_reported; /* the command is for both families */
	int count;	   /* or -ENOMEM */
};

/*
 * in: no rule accepts packets of users; out: no rule accepts replies. At the input hook the command
 * accepts all packets of users: host_access in our own table decides which may pass.
 */
void foreign_report(struct reporter *to, const struct chain *base, bool in, bool out);

#endif
