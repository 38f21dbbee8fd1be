/* The users that a profile is for; see conf/match.h. NSS is not asked: the user comes resolved. */
#include "conf/match.h"

#include <errno.h>
#include <string.h>

#include "conf/report.h"

#define UID_LAST   (UINT32_MAX - 1) /* no user has uid -1: calls take it for "no change" */
#define NAME_BYTES 255

bool match_name_valid(const char *name)
{
	if (!*name || *name == '-' || *name == '@' || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) > NAME_BYTES)
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("/:*=\"'", *c))
			return false;
	return true;
}

/* "1000" or "1-999". 0, -ENOENT: it is something else, or -EINVAL. */
static int uids_parse(const char *item, struct match *match, struct conf_reason *why)
{
	size_t digits = strspn(item, "0123456789");
	const char *dash = item + digits;
	char first[12] = "";
	uint64_t from, to;

	if (!digits || (*dash && (*dash != '-' || dash[1 + strspn(dash + 1, "0123456789")])))
		return -ENOENT;
	if (digits < sizeof(first))
		memcpy(first, item, digits);
	if (!conf_digits(first, UID_LAST, &from) ||
	    !conf_digits(*dash ? dash + 1 : first, UID_LAST, &to))
		return conf_wrong(why, "'%.32s' is not a uid or a range of uids from 0 to %u", item,
				  UID_LAST);
	if (from > to)
		return conf_wrong(why, "'%s' is a range that ends before it begins; write %u-%u",
				  item, (unsigned)to, (unsigned)from);
	match->kind = MATCH_UIDS;
	match->first = (uid_t)from;
	match->last = (uid_t)to;
	return 0;
}

static int item_parse(const char *item, struct match *match, struct conf_reason *why)
{
	const char *name = *item == '@' ? item + 1 : item;
	char shown[64];
	int error;

	if (!*item)
		return conf_wrong(why,
				  "an item between commas is empty; write users, @groups, uids, "
				  "ranges such as 1-999, or *");
	if (!strcmp(item, "*")) {
		match->kind = MATCH_ALL;
		return 0;
	}
	error = uids_parse(item, match, why);
	if (error != -ENOENT)
		return error;
	if (!match_name_valid(name))
		return conf_wrong(why,
				  "'%s' is not a user, @group, uid, range such as 1-999, or *; put "
				  "commas between them",
				  conf_printable(item, shown, sizeof(shown)));
	match->kind = *item == '@' ? MATCH_GROUP : MATCH_USER;
	match->name = strdup(name);
	return match->name ? 0 : -ENOMEM;
}

int match_parse(const char *value, struct match **out, size_t *count, struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words items = {0};
	int error = conf_items_split(value, &items);

	if (error)
		return error;
	*out = calloc(items.count, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	*count = items.count;
	for (size_t i = 0; !error && i < items.count; i++)
		error = item_parse(items.words[i], &(*out)[i], why);
	return error;
}

void match_free(struct match *matches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(matches[i].name);
	free(matches);
}

bool match_who(const struct match *match, const struct who *who)
{
	switch (match->kind) {
	case MATCH_ALL:
		return true;
	case MATCH_USER:
		return !strcmp(match->name, who->user);
	case MATCH_UIDS:
		return who->uid >= match->first && who->uid <= match->last;
	case MATCH_GROUP:
		return who_in_group(who, match->name);
	}
	return false;
}
