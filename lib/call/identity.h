/*
 * Finds a user by NSS, once per login. The callers of the helper do this, because
 * the helper has no NSS.
 */
#ifndef PAM_NETNS_IDENTITY_H
#define PAM_NETNS_IDENTITY_H

#include "base/cleanup.h"
#include "base/who.h"

/*
 * Fills *who from getpwnam_r, getpwuid_r, getgrouplist and getgrgid_r. -EINVAL: a name is empty,
 * ".", "..", begins with '-', has '/', white space or control characters or is too long, or a uid
 * or gid is -1 (T5). -ENOENT: no such user. A group without a name counts as its number. Logs
 * errors. *who is zeroed or from an earlier call, and is zeroed after an error. The caller frees
 * it: who_free().
 */
int identity_resolve(const char *user, struct who *who) MUST_CHECK;
/* The gid of a group. -ENOENT: there is none. Does not log: the caller knows what it is for. */
int identity_group(const char *name, gid_t *gid) MUST_CHECK;
/* The user's home and shell, as the account has them. The caller frees both. Does not log either. */
int identity_home(const char *user, char **home, char **shell) MUST_CHECK;

#endif
