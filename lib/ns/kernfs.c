/* A user's own procfs and sysfs; see kernfs.h. */
#include "ns/kernfs.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/files.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/resolve.h"
#include "ns/mounts.h"

#define LIST_NAME  "sys" /* older versions wrote only the mounts below /sys */
#define LIST_MAX   32768 /* its bytes */
#define MOUNTS_MAX 256	 /* its lines, and descriptors of the helper */

static void list_path(char *path, size_t size, const char *network)
{
	snprintf(path, size, NETWORKS_DIR "/%s/" LIST_NAME, network);
}

/* Adds the path of a mount. -E2BIG: the list is full. */
static int list_add(char list[LIST_MAX], size_t *used, const char *path)
{
	size_t length = strlen(path);

	if (*used + length + 2 > LIST_MAX)
		return -E2BIG;
	*used += (size_t)snprintf(list + *used, LIST_MAX - *used, "%s\n", path);
	return 0;
}

/* A mount that is below a listed one comes with it. */
static int list_read(FILE *mounts, char list[LIST_MAX], size_t *used)
{
	char last[256] = "";
	struct mntent *entry;
	int count = 0;

	while ((entry = getmntent(mounts))) {
		const char *path = entry->mnt_dir;

		if ((strncmp(path, "/sys/", 5) != 0 && strncmp(path, "/proc/", 6) != 0) ||
		    (*last && path_below(path, last)))
			continue;
		if (count++ == MOUNTS_MAX || strlen(path) >= sizeof(last) ||
		    list_add(list, used, path) < 0)
			return -E2BIG;
		snprintf(last, sizeof(last), "%s", path);
	}
	return 0;
}

int kernfs_list_write(const char *network)
{
	CLEANUP_FILE FILE *mounts = setmntent("/proc/self/mounts", "re");
	char list[LIST_MAX] = "", path[128];
	size_t used = 0;
	int result;

	if (!mounts)
		return log_errno(errno, "open /proc/self/mounts");
	result = list_read(mounts, list, &used);
	if (result < 0) {
		log_error("too many mounts are below /proc and /sys (at most %d, and %d bytes of "
			  "paths); unmount some",
			  MOUNTS_MAX, LIST_MAX);
		return result;
	}
	snprintf(path, sizeof(path), NETWORKS_DIR "/%s", network);
	CLEANUP_FD int dir = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	result = files_write_atomic(dir, LIST_NAME, 0644, list, used, false);
	list_path(path, sizeof(path), network);
	return result < 0 ? log_errno(-result, "write %s", path) : 0;
}

/* Sets an option of a file system that is being made. */
static int option_set(int fs, const char *name, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, name, value, 0) < 0 ? -errno : 0;
}

int proc_open(bool hide, gid_t watchers)
{
	CLEANUP_FD int fs = fsopen("proc", FSOPEN_CLOEXEC);
	int error = fs < 0 ? -errno : 0, proc = -1;
	char number[16];

	snprintf(number, sizeof(number), "%u", watchers);
	if (hide) {
		error = error ?: option_set(fs, "hidepid", "invisible");
		error = error ?: option_set(fs, "gid", number);
	}
	if (!error && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		error = -errno;
	if (!error) {
		proc = fsmount(fs, FSMOUNT_CLOEXEC,
			       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
		error = proc < 0 ? -errno : 0;
	}
	return error ? log_errno(-error, "make a /proc of the user's own") : proc;
}

static int root_attach(const char *root, int tree)
{
	if (tree >= 0)
		return mount_attach(tree, -1, root, (struct mount_attr){0});
	return mount("sysfs", root, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, NULL) <
		       0
		   ? log_errno(errno, "mount sysfs")
		   : 0;
}

/* The caller frees *out. */
static int list_load(const char *network, char **out)
{
	CLEANUP_FREE char *list = malloc(LIST_MAX);
	char path[128];
	ssize_t length;

	list_path(path, sizeof(path), network);
	length = list ? files_read(AT_FDCWD, path, list, LIST_MAX) : -ENOMEM;
	if (length < 0)
		return log_errno((int)-length, "read %s", path);
	*out = realloc(list, (size_t)length + 1) ?: list;
	list = NULL;
	return 0;
}

/*
 * Is that mount gone, or one that cannot be cloned (unbindable)? Without memory, for one, it may still
 * be there, and hide something.
 */
static bool is_gone(int error)
{
	return path_is_missing(error) || error == -EINVAL;
}

int kernfs_attach(const char *network, const char *root, int tree)
{
	CLEANUP_FREE char *list = NULL;
	CLEANUP_FREE struct {
		int tree;
		const char *path;
	} *bound = NULL;
	int result = list_load(network, &list);
	char *path, *rest = list;
	size_t n = 0;

	if (result)
		return result;
	bound = malloc(MOUNTS_MAX * sizeof(*bound));
	if (!bound)
		return log_errno(ENOMEM, "list the mounts below %s", root);
	while (!result && n < MOUNTS_MAX && (path = strsep(&rest, "\n"))) {
		if (!path_below(path, root))
			continue;
		/* An automount that no program has used yet stays one. */
		bound[n].tree = mount_clone(path, AT_RECURSIVE | AT_NO_AUTOMOUNT);
		if (bound[n].tree >= 0)
			bound[n++].path = path;
		else if (!is_gone(bound[n].tree))
			result = log_errno(-bound[n].tree, "clone the mount on %s", path);
	}
	result = result ?: root_attach(root, tree);
	for (size_t i = 0; i < n; i++) {
		result = result
			     ?: mount_attach(bound[i].tree, -1, bound[i].path,
					     (struct mount_attr){.propagation = MS_SLAVE});
		close(bound[i].tree);
	}
	return result;
}
