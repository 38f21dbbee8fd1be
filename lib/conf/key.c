/* The table of all keys, and reading a section by it; see conf/key.h. */
#include "conf/key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/kind.h"
#include "conf/network.h"

#define ALSO(type, member) .also = offsetof(struct type, member)
#define FIELD(a_kind, type, member)                                                                \
	.kind = VALUE_##a_kind, .offset = offsetof(struct type, member),                           \
	.size = (uint8_t)sizeof(((struct type *)0)->member)
#define BOOL(type, member)	 FIELD(BOOL, type, member), .words = "yes no"
#define WORD(type, member, list) FIELD(WORD, type, member), .words = list
#define KEY(in, of, otherwise, sentence, explained, ...)                                           \
	[KEY_##of] = {.name = #of, .section = CONF_##in, .fallback = otherwise, __VA_ARGS__},

const struct conf_key conf_keys[CONF_KEYS_COUNT] = {
#include "conf/keys.def"
};

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
			   enum conf_section_kind kind, struct conf_report *report)
{
	const struct conf_place place = {entry->line, section->title, entry->key, entry->value};
	char known[512] = "";

	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		if (conf_keys[i].section == kind)
			snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%.*s",
				 *known ? ", " : "", (int)sizeof(conf_keys[i].name),
				 conf_keys[i].name);
	}
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
				*key->fallback ? " for the default: " : "", key->fallback);
		return 0;
	}
	error = conf_key_parse(key, target, entry->value, &why);
	if (error != -EINVAL)
		return error;
	conf_report_add(report, &place, "%s%s", why.text,
			strstr(entry->value, " #") ? "; a comment after a value begins with ;"
						   : "");
	return 0;
}

/* Index of a section's key in the table, CONF_KEYS_COUNT if it is not there. */
static size_t key_find(enum conf_section_kind kind, const char *name)
{
	size_t i = 0;

	while (i < CONF_KEYS_COUNT &&
	       (conf_keys[i].section != kind || strcmp(conf_keys[i].name, name) != 0))
		i++;
	return i;
}

/* Sets a key that is not given. */
static int fallback_read(const struct conf_section *section, const struct conf_key *key,
			 void *target, struct conf_report *report)
{
	const struct conf_place place = {section->line, section->title, key->name, NULL};
	struct conf_reason why;

	if (*key->fallback)
		return conf_key_parse(key, target, key->fallback, &why);
	conf_report_add(report, &place, "is missing; this section must have it");
	return 0;
}

int conf_section_read(const struct conf_section *section, enum conf_section_kind kind, void *target,
		      struct conf_report *report)
{
	const struct conf_entry *given[CONF_KEYS_COUNT] = {NULL};
	int error = 0;

	for (size_t i = 0; i < section->entries_count; i++) {
		const struct conf_entry *entry = &section->entries[i];
		const struct conf_place place = {entry->line, section->title, entry->key,
						 entry->value};
		size_t known = key_find(kind, entry->key);

		if (known == CONF_KEYS_COUNT)
			report_unknown(section, entry, kind, report);
		else if (given[known])
			conf_report_add(report, &place,
					"is given twice (first in line %u); keep one",
					given[known]->line);
		else
			given[known] = entry;
	}
	for (size_t i = 0; !error && i < CONF_KEYS_COUNT; i++) {
		if (conf_keys[i].section == kind)
			error = given[i]
				    ? entry_read(section, given[i], &conf_keys[i], target, report)
				    : fallback_read(section, &conf_keys[i], target, report);
	}
	return error;
}
