/*
 * Errors in a conf file: collected while it is read, and logged once at the end in the order of its
 * lines. Every report is one line: "PATH:LINE: [section] key = value: ERROR; CORRECTION".
 */
#ifndef PAM_NETNS_CONF_REPORT_H
#define PAM_NETNS_CONF_REPORT_H

#include <stddef.h>

#include "base/cleanup.h"

#define CONF_PROBLEMS_MAX 100 /* number of logged errors; a file of noise must not fill the log */

struct conf_problem {
	unsigned line; /* 0: the file as a whole */
	unsigned order;
	char *text;
};

struct conf_report {
	const char *file; /* borrowed */
	struct conf_problem problems[CONF_PROBLEMS_MAX];
	size_t count; /* number of all errors, also those that are not logged */
};

/* The place of an error. The message leaves out NULL (or line 0). */
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

/* Text for a message: at most size - 1 bytes; bytes that are not printable ASCII become
 * \xNN; cut with "...". */
const char *conf_printable(const char *text, char *out, size_t size);

#endif
