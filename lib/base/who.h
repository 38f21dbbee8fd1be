/* Who a user is, as NSS told it (identity.h): what profiles are matched by and requests are about. */
#ifndef PAM_NETNS_WHO_H
#define PAM_NETNS_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

#define WHO_NAME_MAX 256 /* bytes of a name, with its NUL */
/* Profiles are matched by the first groups of a user who is in more than these. */
#define WHO_GROUPS_MAX	1024
#define WHO_GROUPS_SIZE 49152 /* bytes of all names with their NULs */

/* Strings are never NULL ("" is none), but groups is NULL if there is none. */
struct who {
	uid_t uid;
	gid_t gid;
	char user[WHO_NAME_MAX];    /* as NSS spells it */
	char account[WHO_NAME_MAX]; /* the uid's own name: two names of one uid are one user */
	char group[WHO_NAME_MAX];   /* the primary group's name, or its number */
	size_t groups_count;
	size_t groups_size;
	char *groups; /* names of all groups, each closed by a NUL; owned */
};

/* A user who is in no group, and whose names are all the same. False: it does not fit. */
bool who_set(struct who *who, uid_t uid, const char *name) MUST_CHECK;
/* -E2BIG: there are too many. */
int who_add_group(struct who *who, const char *name) MUST_CHECK;
/* The group after that one, or the first after NULL; NULL: there are no more. */
const char *who_next_group(const struct who *who, const char *group);
bool who_in_group(const struct who *who, const char *group);
void who_free(struct who *who); /* leaves it zeroed */
#define CLEANUP_WHO __attribute__((cleanup(who_free)))

#endif
