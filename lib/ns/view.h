/*
 * What a user's mount namespace shows otherwise than the host does: read_only, hide and bind.
 *
 * In this order: the sources of bind are opened; / becomes an image's, if root names one; paths
 * become read-only; then the namespace gets its other mounts (private directories among them, which
 * stay writable); paths are hidden; and the sources are mounted, also below read-only and hidden
 * paths.
 *
 * The words of hide and read_only are kept in PINS_DIR of the user's mount namespace, which only
 * root can enter. A mount vanishes with the file or folder below it, so each further login and gc
 * look at these paths again. bind is not looked at again.
 */
#ifndef PAM_NETNS_VIEW_H
#define PAM_NETNS_VIEW_H

#include "conf/conf.h"
#include "ns/bind.h"
#include "ns/hidden.h"

struct view {
	const struct profile *profile;
	const struct who *who;
	const char *home; /* stays visible; "": none */
	struct bound *bound;
	size_t count; /* of bound */
};

/* In the new mount namespace: while its / is the host's, before and after its other mounts.
 * view_close() in any case. */
int view_open(struct view *view) MUST_CHECK;
int view_begin(struct view *view) MUST_CHECK;
int view_finish(struct view *view) MUST_CHECK;
void view_close(struct view *view);

/* The number of paths that view_mend() looks at. 0: there is nothing to look at. */
unsigned view_count(const struct profile *profile);
/* Changes again what is as the host's, in a user's mount namespace; then returns to the host's. */
int view_mend(int mntns_mnt, int host_mnt) MUST_CHECK;

#endif
