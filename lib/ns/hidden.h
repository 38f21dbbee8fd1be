/*
 * Hidden paths of a user's mount namespace (hide = PATH...).
 *
 * A file is covered by an empty file, a folder by an empty, read-only folder, both from a small tmpfs
 * on PINS_DIR, which only root can enter. If the user's home is below a hidden folder, the folder that
 * covers it has the way to the home, with links that lead there, and the home itself.
 *
 * A mount vanishes with the file or folder below it: if a service makes its socket anew, the user
 * sees the new one. So the list of paths is kept beside the covers, and each further login and gc
 * cover again what is not covered.
 */
#ifndef PAM_NETNS_HIDDEN_H
#define PAM_NETNS_HIDDEN_H

#include "base/cleanup.h"
#include "conf/conf.h"

/* In the user's new mount namespace, after all other mounts. home "": the user has none. */
int hidden_make(const struct path_list *hide, const char *home) MUST_CHECK;

/* Covers again what is not covered, in a user's mount namespace; then returns to the host's. */
int hidden_mend(int mntns_mnt, int host_mnt) MUST_CHECK;

#endif
