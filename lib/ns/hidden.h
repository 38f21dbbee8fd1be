/*
 * Hidden paths of a user's mount namespace (hide = PATH...).
 *
 * A file is covered by an empty file, a folder by an empty, read-only folder, both from a small
 * tmpfs on PINS_DIR, which only root can enter. If the user's home is below a hidden folder, the
 * folder that covers it has the way to the home, with links that lead there, and the home itself.
 * Targets of bind that are below are made there.
 *
 * All of this happens in the user's mount namespace.
 */
#ifndef PAM_NETNS_HIDDEN_H
#define PAM_NETNS_HIDDEN_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/resolve.h"
#include "conf/conf.h"
#include "ns/bind.h"

#define HOME_LINKS_MAX 40

/* The user's home, and the links on the way to it. */
struct home {
	struct resolved at; /* fd -1: there is none */
	struct {
		char *path, *target;
	} links[HOME_LINKS_MAX];
	size_t count;
};

struct covers {
	dev_t device; /* of the tmpfs */
	struct home home;
	const struct bound *bound; /* borrowed */
	size_t bound_count;
};

/* Mounts the tmpfs, once. */
int covers_mount(void) MUST_CHECK;
/* home "": the user has none. covers_close() in any case. */
int covers_open(struct covers *covers, const char *home) MUST_CHECK;
void covers_close(struct covers *covers);

/* Hides the path of a word of hide, unless it is hidden, or is the user's home. */
int path_hide(const struct covers *covers, const char *word, bool optional) MUST_CHECK;

#endif
