/* A network's template mount namespace, and files mounted over the host's; see mntns.h. */
#include "ns/mntns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "ns/mounts.h"
#include "ns/kernfs.h"
#include "ns/mntns_internal.h"

#define RUNTIME_ROOT "/run/user"
#define RESOLV_PATH  "/etc/resolv.conf"

/* The file may be missing just now: gc mounts over the next one. */
static int attach_if_there(int tree, const char *path)
{
	int result = mount_attach_file(tree, path);

	return result == -ENOENT ? 0 : result;
}

static void network_path(char *path, size_t size, const char *network, const char *name)
{
	snprintf(path, size, NETWORKS_DIR "/%s/%s", network, name);
}

static void unmount_all(const char *path)
{
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
}

/* Unmounts all mounts on the entries of a directory. */
static void unmount_entries(const char *directory)
{
	CLEANUP_DIR DIR *dir = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unmount_all(path);
	}
}

static int template_mount_resolv(const struct network *network)
{
	char path[128];

	if (network->dns == SOURCE_NONE)
		return 0;
	network_path(path, sizeof(path), network->name, "resolv.conf");
	CLEANUP_FD int tree = mount_clone(path, 0);

	if (tree < 0)
		return log_errno(-tree, "use %s", path);
	int result = mount_attach_file(tree, RESOLV_PATH);

	if (result != -ENOENT)
		return result;
	log_warning("there is no %s that the network's own file could cover", RESOLV_PATH);
	return 0;
}

/* In the namespace that becomes the template. */
static int template_fill(const struct network *network)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return log_errno(errno, "make the template's mounts slaves of the host's");
	unmount_all(PINS_DIR);
	if (mount(NULL, RUNTIME_ROOT, NULL, MS_PRIVATE, NULL) == 0)
		unmount_entries(RUNTIME_ROOT);
	return template_mount_resolv(network);
}

struct template_attempt {
	const struct network *network;
	int host_mnt;
};

static int template_attempt(void *context)
{
	const struct template_attempt *t = context;
	char name[64];
	int result = namespace_unshare(KIND_MNT), back;

	if (result < 0)
		return result;
	result = template_fill(t->network);
	CLEANUP_FD int mnt = namespace_open(AT_FDCWD, "/proc/self", KIND_MNT);

	back = mounts_enter(t->host_mnt, "the host's");
	if (result < 0 || back < 0 || mnt < 0)
		return result < 0 ? result : back < 0 ? back : mnt;
	snprintf(name, sizeof(name), "template.%s", t->network->name);
	return pin_named_set(name, mnt);
}

int mntns_template_make(const struct network *network, int host_mnt)
{
	struct template_attempt t = {network, host_mnt};
	int result = kernfs_list_write(network->name);

	return result < 0 ? result : pin_retry(template_attempt, &t);
}

int mntns_template_open(const struct network *network)
{
	char name[64];

	snprintf(name, sizeof(name), "template.%s", network->name);
	return pin_named_open(name, KIND_MNT);
}

bool mntns_template_exists(const struct network *network)
{
	char name[64];

	snprintf(name, sizeof(name), "template.%s", network->name);
	return pin_named_exists(name);
}

int mntns_template_remove(const char *network)
{
	char name[64];

	snprintf(name, sizeof(name), "template.%s", network);
	return pin_named_remove(name);
}

/* In a user's mount namespace: mounts source over path, unless the file at
 * path is source already. */
static int file_mend(int tree, const char *path)
{
	struct stat seen, ours;

	if (fstat(tree, &ours) < 0 || lstat(path, &seen) < 0 ||
	    (seen.st_dev == ours.st_dev && seen.st_ino == ours.st_ino))
		return 0;
	/* Our mount, from before the set-up was removed and made again. An unlinked file
	 * cannot be mounted on. */
	if (seen.st_nlink == 0)
		(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	return attach_if_there(tree, path);
}

int mntns_mend_resolv(const char *network)
{
	char path[128];
	struct stat seen, ours;

	network_path(path, sizeof(path), network, "resolv.conf");
	if (lstat(path, &ours) < 0 || lstat(RESOLV_PATH, &seen) < 0 ||
	    (seen.st_dev == ours.st_dev && seen.st_ino == ours.st_ino))
		return 0;
	CLEANUP_FD int tree = mount_clone(path, 0);

	return tree < 0 ? log_errno(-tree, "use %s", path) : attach_if_there(tree, RESOLV_PATH);
}

int mntns_mend_files(const char *network, uid_t uid, bool own_hosts, int mntns_mnt, int host_mnt)
{
	char path[128];
	int result, back;

	network_path(path, sizeof(path), network, "resolv.conf");
	CLEANUP_FD int resolv = mount_clone(path, 0);

	snprintf(path, sizeof(path), USERS_DIR "/%u/" MNTNS_HOSTS_NAME, uid);
	CLEANUP_FD int hosts = own_hosts ? mount_clone(path, 0) : -1;

	result = mounts_enter(mntns_mnt, "the user's");
	if (result < 0)
		return result;
	if (resolv >= 0)
		result = file_mend(resolv, RESOLV_PATH);
	if (hosts >= 0 && result == 0)
		result = file_mend(hosts, "/etc/hosts");
	back = mounts_enter(host_mnt, "the host's");
	return result < 0 ? result : back;
}

/* Attaches @tree, a clone of /run/user, over /run/user, and gives it a peer group of its own. */
static int runtime_root_attach(int tree)
{
	struct mount_attr private = {.propagation = MS_PRIVATE},
			  shared = {.propagation = MS_SHARED};

	if (move_mount(tree, "", AT_FDCWD, RUNTIME_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    mount_setattr(AT_FDCWD, RUNTIME_ROOT, 0, &private, sizeof(private)) < 0 ||
	    mount_setattr(AT_FDCWD, RUNTIME_ROOT, 0, &shared, sizeof(shared)) < 0)
		return -errno;
	return 0;
}

/* Makes the host's /run/user a mount of its own, with all mounts below it. */
int mntns_host_prepare(void)
{
	char covered_path[64];
	int error;

	/* A directory is the root of a mount if its ".." is in another mount; statx(2) tells. */
	struct statx stx;

	if (statx(AT_FDCWD, RUNTIME_ROOT, AT_SYMLINK_NOFOLLOW, 0, &stx) < 0)
		/* This host has no /run/user, so no mounts need to be kept apart. */
		return errno == ENOENT ? 0 : log_errno(errno, "look at %s", RUNTIME_ROOT);
	if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return 0;
	CLEANUP_FD int tree = mount_clone(RUNTIME_ROOT, AT_RECURSIVE);
	CLEANUP_FD int covered = open(RUNTIME_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (tree < 0 || covered < 0)
		return log_errno(tree < 0 ? -tree : errno, "clone %s", RUNTIME_ROOT);
	error = runtime_root_attach(tree);
	if (error)
		return log_errno(-error, "give %s a mount of its own", RUNTIME_ROOT);
	/*
	 * The covered mounts would stay after their owner's logout, and no program could see them.
	 * Until the clone has its own peer group, their unmounting would reach the clone too.
	 */
	snprintf(covered_path, sizeof(covered_path), "/proc/self/fd/%d", covered);
	unmount_entries(covered_path);
	return 0;
}
