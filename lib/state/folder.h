/*
 * The folder of a user's records: root's, closed to all but root and, to read, that user.
 *
 * It belongs to root, since root acts on what is in it, and an owner could change its mode. Groups
 * are shared. So the user is let in by an access control list (acl(5)); the group's bits of the
 * mode, 0750, are its mask. On a file system without them the folder is root's alone.
 */
#ifndef PAM_NETNS_STATE_FOLDER_H
#define PAM_NETNS_STATE_FOLDER_H

#include <sys/types.h>

#include "base/cleanup.h"

#define STATE_FOLDER_MODE 0750

/* users/UID and all above it below run, made if missing. A descriptor, or -errno, logged. */
int state_folder_make(int run, uid_t uid) MUST_CHECK;
/*
 * The folder of the user's sessions in it. One that is there is opened without a look of its own:
 * only root can have put it into a folder that is as closed as it should be.
 */
int state_folder_sessions(int run, uid_t uid) MUST_CHECK;
/* Lets the user read what is in the folder. Failure is no reason to refuse a login. */
void state_folder_share(int folder, uid_t uid);
/* Closes a folder that an older version left open to all;
 * one that is closed or gone, or no folder, is fine. */
int state_folder_close(int run, uid_t uid) MUST_CHECK;

#endif
