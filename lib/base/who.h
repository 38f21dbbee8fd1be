/*
 * The identity of a user: names, ids and groups, as NSS answered (identity.h). Profiles match it,
 * and requests to the helper carry it.
 */
#ifndef PAM_NETNS_WHO_H
#define PAM_NETNS_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

#define WHO_NAME_MAX 256 /* bytes of a name, with its NUL */
/* The most groups of a user; profiles ignore further ones. */
#define WHO_GROUPS_MAX	1024
#define WHO_GROUPS_SIZE 49152 /* bytes of all names with their NULs */

struct who {
	uid_t uid;
	gid_t gid;
	char user[WHO_NAME_MAX];    /* as NSS spells it */
	char account[WHO_NAME_MAX]; /* the uid's own name; several users can share one uid */
	char group[WHO_NAME_MAX];   /* the primary group's name, or its number */
	size_t groups_count;
	size_t groups_size;
	char *groups; /* their names, each ended by a NUL; NULL: none; free with who_free() */
};

/* Sets all three names to one, both ids to uid, and no groups. False: the name is not valid. */
bool who_set(struct who *who, uid_t uid, const char *name) MUST_CHECK;
/* Copies the name. -E2BIG: the user has too many groups. */
int who_add_group(struct who *who, const char *name) MUST_CHECK;
/* Iterates: returns the group after this one, the first one for NULL, or NULL at the end. */
const char *who_next_group(const struct who *who, const char *group);
bool who_in_group(const struct who *who, const char *group);
void who_free(struct who *who); /* leaves it zeroed */
#define CLEANUP_WHO __attribute__((cleanup(who_free)))

#endif
