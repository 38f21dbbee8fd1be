/*
 * The conf file's syntax: sections, and in them keys with their values and line numbers.
 */
#ifndef PAM_NETNS_CONF_TEXT_H
#define PAM_NETNS_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "conf/report.h"

#define CONF_SECTIONS_MAX 1024

struct conf_entry {
	char *key;
	char *value; /* continued lines are joined by one blank */
	unsigned line;
};

struct conf_section {
	char *title; /* "defaults", "network lab": words joined by one blank */
	unsigned line;
	struct conf_entry *entries;
	size_t entries_count;
};

struct conf_text {
	struct conf_section *sections;
	size_t sections_count;
};

/*
 * Changes text, which has room for one byte more, into the strings of *out. Errors of content only
 * go to report. Returns 0 or -ENOMEM. Free *out in both cases, before text.
 */
int conf_text_parse(char *text, size_t size, struct conf_report *report,
		    struct conf_text *out) MUST_CHECK;
void conf_text_free(struct conf_text *text);

/* The first entry with that key, or NULL. */
const struct conf_entry *conf_section_entry(const struct conf_section *section, const char *key);

#endif
