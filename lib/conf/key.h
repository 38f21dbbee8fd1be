/* A table of a section's keys, with their defaults, and what reads a section by it. */
#ifndef PAM_NETNS_CONF_KEY_H
#define PAM_NETNS_CONF_KEY_H

#include "base/cleanup.h"
#include "conf/report.h"
#include "conf/text.h"
#include "conf/value.h"

#define CONF_KEYS_MAX 32 /* a table has no more */

struct conf_key {
	const char *name;
	const char *fallback; /* the value of a key that is not given; NULL: it must be given */
	int (*set)(void *target, const char *value, struct conf_reason *why);
};

/*
 * Sets all keys of the table in target, each once. Unknown, double, missing keys and bad values go
 * to report; target keeps its zeros there. 0 or -ENOMEM.
 */
int conf_section_read(const struct conf_section *section, const struct conf_key *keys, size_t count,
		      void *target, struct conf_report *report) MUST_CHECK;

/* Where a key stands: its line and value, or the section's line and no value if it is not given. */
struct conf_place conf_section_place(const struct conf_section *section, const char *key);

#endif
