/*
 * Who a user is, asked of NSS once per login, by the callers of the helper (which has no NSS).
 */
#ifndef PAM_NETNS_IDENTITY_H
#define PAM_NETNS_IDENTITY_H

#include "base/cleanup.h"
#include "base/who.h"

/*
 * Fills *who from getpwnam_r, getpwuid_r, getgrouplist and getgrgid_r.
 * Names that are empty, ".", "..", begin with '-', hold '/', white space or control characters or
 * are too long, and uid or gid -1, are refused with -EINVAL (T5). -ENOENT: no such user. A group
 * without a name counts as its number. Logged. *who is zeroed or from a former call; the caller
 * frees it: who_free(). After an error it is zeroed.
 */
int identity_resolve(const char *user, struct who *who) MUST_CHECK;

#endif
