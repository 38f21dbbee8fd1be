/*
 * The helper uses no NSS, and this is the proof: libcap-ng's capng_change_id(), which the helper
 * never calls, refers to these. They are defined here to fail, so that libc's, which would load
 * shared objects into a static root program, are not linked at all.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOSYS;
	return NULL;
}

int initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	errno = ENOSYS;
	return -1;
}
