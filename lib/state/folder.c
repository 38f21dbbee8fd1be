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

#define FOLDER_MODE	0755
#define FOLDER_PATH_MAX 32
#define SESSIONS	"/sessions" /* below a user's folder */

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

	/* An O_PATH descriptor has no such call, so the path serves. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) < 0)
		log_debug("cannot let uid %u read %s/%u: %s", uid, USERS_DIR, uid, strerror(errno));
}

/* Makes a folder in a user's folder, or users itself; path is for messages. */
static int folder_in(int parent, const char *name, const char *path)
{
	int fd = files_make_dir(parent, name, FOLDER_MODE);

	/* Another object with the name holds no record of ours, and must not keep the user out. */
	if ((fd == -ENOTDIR || fd == -ELOOP) && files_remove_tree(parent, name) == 0)
		fd = files_make_dir(parent, name, FOLDER_MODE);
	return fd < 0 ? log_errno(-fd, "make the folder %s/%s", path, name) : fd;
}

/* users is what folder_in() takes: root's. 1: it was open, and is closed now. */
static int folder_close(int users, const char *name, uid_t uid)
{
	CLEANUP_FD int folder = openat(users, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (folder < 0 || fstat(folder, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	/* If other users can write it, or own it, it is not from an older version. */
	if (st.st_uid != 0 || !(st.st_mode & S_IRWXO) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	if (fchmodat(users, name, STATE_FOLDER_MODE, 0) < 0)
		return -errno;
	state_folder_share(folder, uid);
	return 1;
}

/* Of users itself, entering the host has made sure. */
static const char *folder_path(uid_t uid, char path[FOLDER_PATH_MAX])
{
	snprintf(path, FOLDER_PATH_MAX, "users/%u", uid);
	return path;
}

/* One that is not there. What is in the way, or fails, state_folder_make() finds. */
static int folder_new(int run, uid_t uid)
{
	char path[FOLDER_PATH_MAX];

	if (mkdirat(run, folder_path(uid, path), STATE_FOLDER_MODE) < 0)
		return -errno;
	strcat(path, SESSIONS);
	(void)mkdirat(run, path, FOLDER_MODE);
	return files_directory_below(run, folder_path(uid, path), O_PATH);
}

int state_folder_make(int run, uid_t uid)
{
	char path[FOLDER_PATH_MAX], name[16];
	int fd = folder_new(run, uid);

	if (fd == -EEXIST)
		fd = files_open_below(run, folder_path(uid, path), STATE_FOLDER_MODE);
	if (fd >= 0)
		return fd;

	CLEANUP_FD int users = folder_in(run, "users", RUN_DIR);

	if (users < 0)
		return users;
	snprintf(name, sizeof(name), "%u", uid);
	fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	if ((fd == -ENOTDIR || fd == -ELOOP) && files_remove_tree(users, name) == 0)
		fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	if (fd == -EPERM && folder_close(users, name, uid) == 1)
		fd = files_make_dir(users, name, STATE_FOLDER_MODE);
	return fd < 0 ? log_errno(-fd, "make the folder %s/%s", USERS_DIR, name) : fd;
}

int state_folder_sessions(int run, uid_t uid)
{
	char path[FOLDER_PATH_MAX], above[64];
	int sessions;

	if (files_is_folder(run, folder_path(uid, path), STATE_FOLDER_MODE)) {
		strcat(path, SESSIONS);
		sessions = files_directory_below(run, path, O_PATH);
		if (sessions >= 0)
			return sessions;
	}

	CLEANUP_FD int user = state_folder_make(run, uid);

	if (user < 0)
		return user;
	snprintf(above, sizeof(above), USERS_DIR "/%u", uid);
	return folder_in(user, &SESSIONS[1], above);
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
