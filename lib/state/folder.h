/*
 * The folder of a user's records: only root can write it, and only root and that user can read it.
 *
 * It belongs to root, because root acts on its contents and an owner could change its mode. Groups
 * are shared, so an access control list (acl(5)) lets the user in; the mode's group bits, 0750, are
 * its mask. On a file system without lists only root can read it.
 */
#ifndef PAM_NETNS_STATE_FOLDER_H
#define PAM_NETNS_STATE_FOLDER_H

#include <sys/types.h>

#include "base/cleanup.h"

#define STATE_FOLDER_MODE 0750

/* Makes users/UID and all folders above it in run, if missing. A descriptor, or -errno, logged. */
int state_folder_make(int run, uid_t uid) MUST_CHECK;
/*
 * The folder of the user's sessions in it. One that is there is opened without a look of its own:
 * only root can have put it into a folder that is as closed as it should be.
 */
int state_folder_sessions(int run, uid_t uid) MUST_CHECK;
/* Lets the user read the folder's contents. A failure does not refuse the login. */
void state_folder_share(int folder, uid_t uid);
/* Closes a folder that an older version left open to all. Returns 0 if it is closed,
 * missing, or no folder. */
int state_folder_close(int run, uid_t uid) MUST_CHECK;

#endif
