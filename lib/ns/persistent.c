/* Persistent private directories; see persistent.h. */
#include "ns/persistent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/files.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "conf/conf.h"

#define PERSISTENT_NAME_MAX 320

bool persistent_path(const char *path)
{
	return strncmp(path, "/var/", 5) == 0;
}

/* Moves another account's directories aside. */
static int persistent_set_aside(int private, const char *uid_name, const char *old,
				const char *account)
{
	char aside[PERSISTENT_NAME_MAX + 64];

	snprintf(aside, sizeof(aside), "%s.%s.%lld", uid_name, old, (long long)time(NULL));
	if (renameat(private, uid_name, private, aside) < 0)
		return log_errno(errno, "rename %s/%s to %s", PRIVATE_DIR, uid_name, aside);
	log_warning("uid %s was %s and is %s now: the persistent directories of %s are moved aside "
		    "to %s/%s",
		    uid_name, old, account, old, PRIVATE_DIR, aside);
	return 0;
}

/* Opens the user's own folder: a descriptor, or -errno. */
static int persistent_folder(int private, uid_t uid, const char *account)
{
	char name[16], owner[PERSISTENT_NAME_MAX];
	ssize_t length;

	snprintf(name, sizeof(name), "%u", uid);
	for (int attempt = 0; attempt < 2; attempt++) {
		CLEANUP_FD int folder = files_make_dir(private, name, 0700);

		if (folder < 0)
			return log_errno(-folder, "make %s/%s", PRIVATE_DIR, name);
		if (symlinkat(account, folder, "account") == 0)
			return steal_fd(&folder);
		if (errno != EEXIST)
			return log_errno(errno, "make %s/%s/account", PRIVATE_DIR, name);
		length = readlinkat(folder, "account", owner, sizeof(owner) - 1);
		if (length < 0) /* never moved aside because of a temporary lack of memory */
			return log_errno(errno, "read %s/%s/account", PRIVATE_DIR, name);
		owner[length] = '\0';
		if (strcmp(owner, account) == 0)
			return steal_fd(&folder);
		int result = persistent_set_aside(
		    private, name, *owner && !strchr(owner, '/') ? owner : "unknown", account);

		if (result < 0)
			return result;
	}
	return log_errno(EEXIST, "make %s/%s", PRIVATE_DIR, name);
}

/* Opens the folders of path in parent, down to the last one: a descriptor, or -errno. */
static int persistent_descend(int parent, const char *path)
{
	char component[NAME_MAX + 1];
	CLEANUP_FD int at = openat(parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return -errno;
	while (*(path += strspn(path, "/"))) {
		size_t length = strcspn(path, "/");
		int next;

		snprintf(component, sizeof(component), "%.*s", (int)length, path);
		path += length;
		if (*path) {
			next = files_make_dir(at, component, 0700);
		} else {
			/* The last folder is the user's, sticky and writable;
			 * the caller checks it. */
			if (mkdirat(at, component, 0700) < 0 && errno != EEXIST)
				return -errno;
			next =
			    openat(at, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (next < 0)
				return -errno;
		}
		if (next < 0)
			return next;
		close(at);
		at = next;
	}
	return steal_fd(&at);
}

static int persistent_make(int private, uid_t uid, const char *account, const char *path)
{
	CLEANUP_FD int folder = persistent_folder(private, uid, account);
	int dir = folder < 0 ? folder : persistent_descend(folder, path);

	return folder < 0 || dir >= 0 ? dir
				      : log_errno(-dir, "make %s/%u%s", PRIVATE_DIR, uid, path);
}

/* The user's folders, each checked by its path; -1: one is missing or needs a change. */
static int persistent_ready(int private, uid_t uid, const char *account, const char *path)
{
	char at[PERSISTENT_NAME_MAX], owner[PERSISTENT_NAME_MAX];
	size_t folder = (size_t)snprintf(at, sizeof(at), "%u/account", uid) - strlen("/account");
	ssize_t length = readlinkat(private, at, owner, sizeof(owner));
	char *end = at + folder;

	if (length < 0 || (size_t)length != strlen(account) ||
	    memcmp(owner, account, (size_t)length) != 0 || strlen(path) >= sizeof(at) - folder)
		return -1;
	strcpy(end, path);
	for (; end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (!files_is_folder(private, at, 0700))
			return -1;
		*end = '/';
	}
	return files_directory_below(private, at, O_RDONLY);
}

int persistent_open(uid_t uid, const char *account, const char *path)
{
	struct stat host, own;
	CLEANUP_FD int private = files_make_dir(AT_FDCWD, PRIVATE_DIR, 0700);

	if (private < 0)
		return log_errno(-private, "use %s: its owner must be root and its mode 0700",
				 PRIVATE_DIR);
	CLEANUP_FD int dir = persistent_ready(private, uid, account, path);

	if (dir < 0)
		dir = persistent_make(private, uid, account, path);
	if (dir < 0)
		return dir;
	CLEANUP_FD int shared = files_open_directory(path);

	if (shared < 0 || fstat(shared, &host) < 0 || fstat(dir, &own) < 0)
		return log_errno(shared < 0 ? -shared : errno, "use %s as a private directory",
				 path);
	if ((own.st_uid != host.st_uid || own.st_gid != host.st_gid) &&
	    fchown(dir, host.st_uid, host.st_gid) < 0)
		return log_errno(errno, "give %s/%u%s to %u:%u", PRIVATE_DIR, uid, path,
				 host.st_uid, host.st_gid);
	if ((own.st_mode ^ host.st_mode) & 07777 && fchmod(dir, host.st_mode & 07777) < 0)
		return log_errno(errno, "set the mode of %s/%u%s", PRIVATE_DIR, uid, path);
	int tree = open_tree(dir, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	return tree < 0 ? log_errno(errno, "clone the mount of %s/%u%s", PRIVATE_DIR, uid, path)
			: tree;
}

/* The folder of one image: a descriptor, or -errno. */
static int changes_folder(int folder, const char *image)
{
	CLEANUP_FD int images = files_make_dir(folder, "image", 0700);
	char name[CONF_PATH_MAX];

	snprintf(name, sizeof(name), "%s", image + 1);
	for (char *slash = name; (slash = strchr(slash, '/'));)
		*slash = '%';
	return images < 0 ? images : files_make_dir(images, name, 0700);
}

int persistent_changes(uid_t uid, const char *account, const char *image, int *upper, int *work)
{
	CLEANUP_FD int private = files_make_dir(AT_FDCWD, PRIVATE_DIR, 0700);

	*upper = *work = -1;
	if (private < 0)
		return log_errno(-private, "use %s: its owner must be root and its mode 0700",
				 PRIVATE_DIR);
	CLEANUP_FD int folder = persistent_folder(private, uid, account);

	if (folder < 0)
		return folder;
	CLEANUP_FD int changes = changes_folder(folder, image);

	if (changes >= 0) {
		*upper = files_make_dir(changes, "upper", 0755);
		*work = files_make_dir(changes, "work", 0700);
	}
	if (changes < 0 || *upper < 0 || *work < 0)
		return log_errno(-(changes < 0	? changes
				   : *upper < 0 ? *upper
						: *work),
				 "use %s/%u/image for changes to %s: its folders must be root's, "
				 "with mode 0700, and upper with 0755",
				 PRIVATE_DIR, uid, image);
	return 0;
}
