/* bind = of a profile: its words, for one user. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/value.h"

/* A name that is a part of a path; so no user or group can lead it elsewhere. */
static bool name_fits(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The text for the escape. NULL: there is no such one, or its name is no part of a path. */
static const char *escape_text(char escape, const struct who *who, char number[16])
{
	switch (escape) {
	case 'u':
		return name_fits(who->user) ? who->user : NULL;
	case 'g':
		return name_fits(who->group) ? who->group : NULL;
	case 'U':
		snprintf(number, 16, "%u", who->uid);
		return number;
	default:
		return NULL;
	}
}

/* Expands the text up to end. */
static int path_expand(const char *text, const char *end, const struct who *who,
		       char out[CONF_BIND_MAX])
{
	size_t used = 0;
	char number[16];

	for (; text < end; text++) {
		const char single[2] = {*text}, *part = single;

		if (*text == '%')
			part = ++text < end ? escape_text(*text, who, number) : NULL;
		if (!part)
			return -EINVAL;
		if (used + strlen(part) >= CONF_BIND_MAX)
			return -ENAMETOOLONG;
		strcpy(out + used, part);
		used += strlen(part);
	}
	out[used] = '\0';
	return conf_path_normal(out) ? 0 : -EINVAL;
}

int conf_bind(const char *word, const struct who *who, struct bind *out)
{
	const char *end, *colon;
	int error;

	out->optional = *word == '?';
	word += out->optional;
	end = word + strlen(word);
	out->read_only = end - word > 3 && !strcmp(end - 3, ":ro");
	end -= out->read_only ? 3 : 0;
	colon = memchr(word, ':', (size_t)(end - word));
	error = path_expand(word, colon ?: end, who, out->source);
	return error ?: path_expand(colon ? colon + 1 : word, end, who, out->target);
}
