/*
 * Persistent private directories: PRIVATE_DIR/UID/PATH for each path in /var.
 *
 * PRIVATE_DIR/UID/account is a link that names the owner. If the uid was given to another account,
 * that account does not inherit the directories: they are moved aside to PRIVATE_DIR/UID.NAME.TIME,
 * which only root can read.
 */
#ifndef PAM_NETNS_PERSISTENT_H
#define PAM_NETNS_PERSISTENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Is a private directory persistent (in /var), or new at each first login? */
bool persistent_path(const char *path);

/*
 * A detached mount (open_tree(2)) of the user's directory for path. If it is missing, it is made
 * with the owner and mode of the host's path. The caller is in the host's mount namespace, holds
 * the user's lock, and has CAP_SYS_ADMIN.
 */
int persistent_open(uid_t uid, const char *account, const char *path) MUST_CHECK;

/*
 * The folders of the user's changes to an image, for an overlay: PRIVATE_DIR/UID/image/NAME/upper and
 * work, NAME being the image's path with % for /. The caller closes both.
 */
int persistent_changes(uid_t uid, const char *account, const char *image, int *upper,
		       int *work) MUST_CHECK;

#endif
