/* The identity of a user; see who.h. */
#include "base/who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/characters.h"

bool who_set(struct who *who, uid_t uid, const char *name)
{
	*who = (struct who){.uid = uid, .gid = uid};
	return text_set(who->user, sizeof(who->user), name) &&
	       text_set(who->account, sizeof(who->account), name) &&
	       text_set(who->group, sizeof(who->group), name);
}

int who_add_group(struct who *who, const char *name)
{
	size_t size = strlen(name) + 1;
	char *more;

	if (who->groups_count == WHO_GROUPS_MAX || size > WHO_GROUPS_SIZE - who->groups_size)
		return -E2BIG;
	more = realloc(who->groups, who->groups_size + size);
	if (!more)
		return -ENOMEM;
	memcpy(more + who->groups_size, name, size);
	who->groups = more;
	who->groups_size += size;
	who->groups_count++;
	return 0;
}

const char *who_next_group(const struct who *who, const char *group)
{
	const char *next = group ? group + strlen(group) + 1 : who->groups;

	return who->groups_count && next < who->groups + who->groups_size ? next : NULL;
}

bool who_in_group(const struct who *who, const char *group)
{
	for (const char *name = NULL; (name = who_next_group(who, name));)
		if (strcmp(name, group) == 0)
			return true;
	return false;
}

void who_free(struct who *who)
{
	free(who->groups);
	*who = (struct who){0};
}
