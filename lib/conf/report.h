/*
 * What is wrong with a conf file: collected while it is read, logged once at the end in the order
 * of its lines. Every report is one line: "PATH:LINE: [section] key = value: what is wrong; what
 * would be right".
 */
#ifndef PAM_NETNS_CONF_REPORT_H
#define PAM_NETNS_CONF_REPORT_H

#include <stddef.h>

#include "base/cleanup.h"

#define CONF_PROBLEMS_MAX 100 /* logged; a file of noise must not fill the log */

struct conf_problem {
	unsigned line; /* 0: the file as a whole */
	unsigned order;
	char *text;
};

struct conf_report {
	const char *file; /* borrowed */
	struct conf_problem problems[CONF_PROBLEMS_MAX];
	size_t count; /* of all that were found, the unlogged ones among them */
};

/* Where a problem is. What is NULL (or line 0) is left out of the message. */
struct conf_place {
	unsigned line;
	const char *section;
	const char *key;
	const char *value;
};

void conf_report_add(struct conf_report *report, const struct conf_place *place, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

/* Logs and forgets all problems. */
void conf_report_log(struct conf_report *report);

/* Text for a message: at most size - 1 bytes,
 * what is not printable ASCII as \xNN, cut with "...". */
const char *conf_printable(const char *text, char *out, size_t size);

#endif
