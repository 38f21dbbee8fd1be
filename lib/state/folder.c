/* The folder of a user's records; see state/folder.h. */
#include "state/folder.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"

#define FOLDER_MODE 0755

#define ENTRY(tag, perm, id)                                                                       \
	{                                                                                          \
		htole16(tag), htole16(perm), htole32(id)                                           \
	}

void state_folder_share(int folder, uid_t uid)
{
	const uint16_t all = ACL_READ | ACL_WRITE | ACL_EXECUTE, enter = ACL_READ | ACL_EXECUTE;
	const struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = {
	    {htole32(POSIX_ACL_XATTR_VERSION)},
	    {ENTRY(ACL_USER_OBJ, all, ACL_UNDEFINED_ID), ENTRY(ACL_USER, enter, uid),
	     ENTRY(ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID), ENTRY(ACL_MASK, enter, ACL_UNDEFINED_ID),
	     ENTRY(ACL_OTHER, 0, ACL_UNDEFINED_ID)},
	};
	char path[32];

	/* The descriptor is for the path alone: there is no call that takes such a one. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) < 0)
		log_debug("cannot let uid %u read %s/%u: %s", uid, USERS_DIR, uid, strerror(errno));
}

int state_folder_in(int parent, const char *name, const char *path)
{
	int fd = files_make_dir(parent, name, FOLDER_MODE);

	/* Something else that has the name holds no record of ours: it must not keep a user out. */
	if ((fd == -ENOTDIR || fd == -ELOOP) && files_remove_tree(parent, name) == 0)
		fd = files_make_dir(parent, name, FOLDER_MODE);
	return fd < 0 ? log_errno(-fd, "make the folder %s/%s", path, name) : fd;
}

/* users is what state_folder_in() takes: root's. 1: it was open, and is closed now. */
static int folder_close(int users, const char *name, uid_t uid)
{
	CLEANUP_FD int folder = openat(users, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (folder < 0 || fstat(folder, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	/* What others may write in, or is another's, is not of an older version. */
	if (st.st_uid != 0 || !(st.st_mode & S_IRWXO) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	if (fchmodat(users, name, STATE_FOLDER_MODE, 0) < 0)
		return -errno;
	state_folder_share(folder, uid);
	return 1;
}

int state_folder_make(int run, uid_t uid)
{
	char path[32], *name = path + sizeof("users");
	int fd;

	/* Of users itself, entering the host has made sure. */
	snprintf(path, sizeof(path), "users/%u", uid);
	fd = files_open_below(run, path, STATE_FOLDER_MODE);
	if (fd >= 0)
		return fd;

	CLEANUP_FD int users = state_folder_in(run, "users", RUN_DIR);

	if (users < 0)
		return users;
	fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	if ((fd == -ENOTDIR || fd == -ELOOP) && files_remove_tree(users, name) == 0)
		fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	if (fd == -EPERM && folder_close(users, name, uid) == 1)
		fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	return fd < 0 ? log_errno(-fd, "make the folder %s/%s", USERS_DIR, name) : fd;
}

int state_folder_close(int run, uid_t uid)
{
	CLEANUP_FD int users = openat(run, "users", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[16];
	int result;

	if (users < 0)
		return errno == ENOENT ? 0 : log_errno(errno, "open %s", USERS_DIR);
	snprintf(name, sizeof(name), "%u", uid);
	result = folder_close(users, name, uid);
	return result < 0 ? log_errno(-result, "close %s/%u to others", USERS_DIR, uid) : 0;
}
