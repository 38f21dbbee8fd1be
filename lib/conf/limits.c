/* The value of the key limits: "memory=4G cpu=200% tasks=512 io=50". */
#include "conf/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/profile.h"

struct limit_word {
	char name[8];
	char units[8]; /* one of them follows the number; "": none does */
	uint32_t min, max;
	uint64_t least; /* bytes; a session needs this much */
	char form[80];	/* no pointer: the table needs no relocation */
};

static const struct limit_word words[LIMITS] = {
    [LIMIT_MEMORY] = {"memory", "KMGT", 1, 1U << 30, 16U << 20,
		      "must be memory=SIZE with K, M, G or T, at least 16M, such as memory=4G"},
    [LIMIT_CPU] = {"cpu", "%", 1, 1000000, 0,
		   "must be cpu=SHARE in percent of one CPU, such as cpu=50% or cpu=200%"},
    [LIMIT_TASKS] = {"tasks", "", 8, 4194304, 0,
		     "must be tasks=NUMBER from 8 to 4194304, such as tasks=512"},
    [LIMIT_IO] = {"io", "", 1, 10000, 0,
		  "must be io=WEIGHT from 1 to 10000 (100 if not given), such as io=50"},
};

static int limit_find(const char *word)
{
	size_t length = strcspn(word, "=");

	for (int i = 0; i < LIMITS; i++)
		if (word[length] && strlen(words[i].name) == length &&
		    !memcmp(words[i].name, word, length))
			return i;
	return LIMITS;
}

/* The number after '=', or 0: it is none. */
static uint64_t limit_number(const struct limit_word *word, const char *text)
{
	uint64_t value;
	const char *end = conf_number(text, word->max, &value);
	const char *unit = end && *end ? strchr(word->units, *end) : NULL;

	if (!end || value < word->min || (*word->units ? !unit || end[1] : *end))
		return 0;
	for (const char *u = word->units; word->least && u <= unit; u++) {
		if (value > INT64_MAX / 1024) /* more than the kernel counts */
			return 0;
		value *= 1024;
	}
	return value < word->least ? 0 : value;
}

static int limit_read(const char *text, struct limits *limits, struct conf_reason *why)
{
	int i = limit_find(text);
	uint64_t value;

	if (i == LIMITS)
		return conf_wrong(why,
				  "'%s' is no limit; write none, or some of memory=4G, "
				  "cpu=200%%, tasks=512 and io=50",
				  text);
	if (limits->values[i])
		return conf_wrong(why, "gives %s twice; keep one", words[i].name);
	value = limit_number(&words[i], text + strlen(words[i].name) + 1);
	if (!value)
		return conf_wrong(why, "'%s' %s", text, words[i].form);
	limits->values[i] = value;
	return 0;
}

int conf_limits_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words split = {0};
	struct limits limits = {0};
	struct profile *profile = target;
	int error = 0;

	if (!conf_word_index(key, value))
		return 0;
	error = conf_words_split(value, &split);
	if (!error && !split.count)
		return conf_wrong(why, "names no limit; write none");
	for (size_t i = 0; i < split.count && !error; i++)
		error = limit_read(split.words[i], &limits, why);
	if (!error)
		profile->limits = limits;
	return error;
}

const char *conf_limit_name(enum limit limit)
{
	return words[limit].name;
}

void conf_limit_format(enum limit limit, uint64_t value, char text[CONF_LIMIT_MAX])
{
	const char *unit = words[limit].units;

	if (words[limit].least) {
		for (value >>= 10; value % 1024 == 0 && unit[1]; unit++)
			value >>= 10;
	}
	snprintf(text, CONF_LIMIT_MAX, "%llu%.1s", (unsigned long long)value, unit);
}
