/*
 * Private directories that are kept between logins: PRIVATE_DIR/UID/PATH for each path below /var.
 * PRIVATE_DIR/UID/account is a link that says whose they are: a uid that was given to somebody
 * else does not inherit them. They are then set aside as PRIVATE_DIR/UID.NAME.TIME, for root alone.
 */
#ifndef PAM_NETNS_KEPT_H
#define PAM_NETNS_KEPT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

bool kept_path(
    const char *path); /* of a private directory: kept (below /var), or fresh each time */

/*
 * A detached mount (open_tree(2)) of the user's directory for path, made if missing with owner and
 * mode of the host's path. Caller: host's mount namespace, the user's lock, CAP_SYS_ADMIN.
 */
int kept_open(uid_t uid, const char *account, const char *path) MUST_CHECK;

#endif
