/* Loaded before the C library (LD_PRELOAD): name services that cannot tell now who has a uid. */
#include <errno.h>
#include <pwd.h>
#include <stddef.h>

int getpwuid_r(uid_t uid, struct passwd *entry, char *text, size_t size, struct passwd **found)
{
	(void)uid;
	(void)entry;
	(void)text;
	(void)size;
	*found = NULL;
	return ECONNREFUSED;
}
