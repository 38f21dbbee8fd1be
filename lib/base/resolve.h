/*
 * Resolves a path that an administrator wrote, in folders that other users may be able to change.
 *
 * Links are followed only if root owns them: a user who can write to a folder of the path can
 * replace what is there, but not lead a mount elsewhere. The kernel resolves each part without
 * links (openat2(2)), so a folder that becomes a link meanwhile is not followed either (T17).
 */
#ifndef PAM_NETNS_RESOLVE_H
#define PAM_NETNS_RESOLVE_H

#include <limits.h>
#include <stdbool.h>

#include "base/cleanup.h"

struct resolved {
	int fd;		     /* O_PATH */
	char path[PATH_MAX]; /* without links */
};

/* What a link on the way is told to: where it is, without links above it, and its target. */
typedef int resolve_link(void *context, const char *path, const char *target);

/*
 * Resolves an absolute, normalised path. flags: O_DIRECTORY (which lets autofs mount it), or 0.
 * link may be NULL; if it does not return 0, that is the result. -ENOENT, -ENOTDIR: it does not
 * exist. -EPERM: a link on the way is not root's. -ELOOP: too many links, or a link's target has
 * ".." after a name. Not logged. The caller closes out->fd.
 */
int path_resolve(const char *path, unsigned flags, resolve_link *link, void *context,
		 struct resolved *out) MUST_CHECK;

/* The part of path below dir, without the slash; "": it is dir itself; NULL: it is elsewhere. */
const char *path_below(const char *path, const char *dir);

/* What went wrong, for a message: "does not exist", ...; and what an administrator can do. */
const char *path_resolve_error(int error);
const char *path_resolve_remedy(int error);
bool path_is_missing(int error);

#endif
