/* A table of a section's keys; see conf/key.h. */
#include "conf/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct conf_place conf_section_place(const struct conf_section *section, const char *key)
{
	const struct conf_entry *entry = conf_section_entry(section, key);

	return (struct conf_place){
	    .line = entry ? entry->line : section->line,
	    .section = section->title,
	    .key = key,
	    .value = entry ? entry->value : NULL,
	};
}

static void report_unknown(const struct conf_section *section, const struct conf_entry *entry,
			   const struct conf_key *keys, size_t count, struct conf_report *report)
{
	const struct conf_place place = {entry->line, section->title, entry->key, entry->value};
	char known[256] = "";

	for (size_t i = 0; i < count; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			 i ? ", " : "", keys[i].name);
	conf_report_add(report, &place, "unknown key; this section has: %s", known);
}

static int entry_read(const struct conf_section *section, const struct conf_entry *entry,
		      const struct conf_key *key, void *target, struct conf_report *report)
{
	const struct conf_place place = {entry->line, section->title, entry->key, entry->value};
	struct conf_reason why;
	int error;

	if (!*entry->value) {
		conf_report_add(report, &place, "has no value; give one, or remove the line%s%s",
				key->fallback ? " for the default: " : "",
				key->fallback ? key->fallback : "");
		return 0;
	}
	error = key->set(target, entry->value, &why);
	if (error != -EINVAL)
		return error;
	conf_report_add(report, &place, "%s%s", why.text,
			strstr(entry->value, " #") ? "; a comment after a value begins with ;"
						   : "");
	return 0;
}

/* Index of a key in the table, count if it is not there. */
static size_t key_find(const struct conf_key *keys, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(keys[i].name, name) != 0)
		i++;
	return i;
}

/* Sets a key that is not given. */
static int fallback_read(const struct conf_section *section, const struct conf_key *key,
			 void *target, struct conf_report *report)
{
	const struct conf_place place = {section->line, section->title, key->name, NULL};
	struct conf_reason why;

	if (key->fallback)
		return key->set(target, key->fallback, &why);
	conf_report_add(report, &place, "is missing; this section must have it");
	return 0;
}

int conf_section_read(const struct conf_section *section, const struct conf_key *keys, size_t count,
		      void *target, struct conf_report *report)
{
	const struct conf_entry *given[CONF_KEYS_MAX] = {NULL};
	int error = 0;

	for (size_t i = 0; i < section->entries_count; i++) {
		const struct conf_entry *entry = &section->entries[i];
		const struct conf_place place = {entry->line, section->title, entry->key,
						 entry->value};
		size_t known = key_find(keys, count, entry->key);

		if (known == count)
			report_unknown(section, entry, keys, count, report);
		else if (given[known])
			conf_report_add(report, &place,
					"is given a second time (line %u is the first); keep one",
					given[known]->line);
		else
			given[known] = entry;
	}
	for (size_t i = 0; !error && i < count; i++)
		error = given[i] ? entry_read(section, given[i], &keys[i], target, report)
				 : fallback_read(section, &keys[i], target, report);
	return error;
}
