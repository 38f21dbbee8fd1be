/* A table of a section's keys; see conf_key.h. */
#include "conf_key.h"

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

/* Sets one key from its entry or its default. */
static int key_read(const struct conf_section *section, const struct conf_key *key, void *target,
		    struct conf_report *report)
{
	const struct conf_entry *first = NULL;
	struct conf_reason why;

	for (size_t i = 0; i < section->entries_count; i++) {
		const struct conf_entry *entry = &section->entries[i];
		const struct conf_place place = {entry->line, section->title, entry->key,
						 entry->value};

		if (strcmp(entry->key, key->name) != 0)
			continue;
		if (first)
			conf_report_add(report, &place,
					"is given a second time (line %u is the first); keep one",
					first->line);
		else
			first = entry;
	}
	if (first)
		return entry_read(section, first, key, target, report);
	if (key->fallback)
		return key->set(target, key->fallback, &why);
	const struct conf_place place = {section->line, section->title, key->name, NULL};

	conf_report_add(report, &place, "is missing; this section must have it");
	return 0;
}

int conf_section_read(const struct conf_section *section, const struct conf_key *keys, size_t count,
		      void *target, struct conf_report *report)
{
	for (size_t i = 0; i < section->entries_count; i++) {
		const struct conf_entry *entry = &section->entries[i];
		size_t known = 0;

		while (known < count && strcmp(keys[known].name, entry->key) != 0)
			known++;
		if (known == count)
			report_unknown(section, entry, keys, count, report);
	}
	for (size_t i = 0; i < count; i++) {
		int error = key_read(section, &keys[i], target, report);

		if (error)
			return error;
	}
	return 0;
}
