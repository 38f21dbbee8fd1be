/*
 * A user's mount namespace, made from the network's template; see mntns.h.
 * mntns_template.c makes the template.
 */
#include "ns/mntns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>

#include "base/files.h"
#include "ns/persistent.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/kernfs.h"
#include "ns/mounts.h"
#include "ns/mntns_internal.h"
#include "ns/root.h"
#include "ns/view.h"

#define PRIVATE_FLAGS (MS_NOSUID | MS_NODEV)
#define RUNTIME_ROOT  "/run/user"

/*
 * private_size = auto: the share of memory in percent, divided by the number of users who
 * are active when the user's namespace is made. The sum over n users is at most the share
 * times 1 + ln(n), in whatever order they come and go: when the k-th oldest of them came, at
 * least k were active.
 */
#define PRIVATE_SHARE		8 /* percent; 10 with the inodes, a quarter of the pages */
#define PRIVATE_BYTES_MIN	(1U << 20)
#define PRIVATE_BYTES_PER_INODE 4096 /* a page: files with content run out of pages before inodes */
#define PRIVATE_INODES_MIN	1024

struct private_dir {
	int tree; /* a detached mount; -1: a folder in memory, not made yet */
	struct mount_attr attr;
};

uint64_t mntns_private_bytes(const struct profile *profile, uint64_t users)
{
	struct sysinfo memory;
	uint64_t share = profile->private_percent, bytes;

	if (profile->private_bytes)
		return profile->private_bytes;
	if (sysinfo(&memory) < 0)
		return PRIVATE_BYTES_MIN;
	bytes = (uint64_t)memory.totalram * memory.mem_unit / 100 * (share ? share : PRIVATE_SHARE);
	if (!share && users)
		bytes /= users;
	return bytes > PRIVATE_BYTES_MIN ? bytes : PRIVATE_BYTES_MIN;
}

uint64_t mntns_private_inodes(uint64_t bytes)
{
	uint64_t inodes = bytes / PRIVATE_BYTES_PER_INODE;

	return inodes > PRIVATE_INODES_MIN ? inodes : PRIVATE_INODES_MIN;
}

/*
 * One tmpfs holds all of the user's private directories in memory, so one size limits them
 * together. It stays mounted on the pins' folder, which is empty in a user's mount namespace and
 * open only to root. The directories are cloned from its folders. Unmounting it would cost more
 * than all the rest, because the kernel then waits for every CPU.
 */
static int private_tmpfs(const struct mntns *mntns)
{
	uint64_t bytes = mntns_private_bytes(mntns->profile, mntns->users);
	char options[96];

	snprintf(options, sizeof(options), "mode=0700,size=%llu,nr_inodes=%llu",
		 (unsigned long long)bytes, (unsigned long long)mntns_private_inodes(bytes));
	return mount("pam_netns", PINS_DIR, "tmpfs", PRIVATE_FLAGS, options) < 0
		   ? log_errno(errno, "mount the tmpfs of private directories")
		   : 0;
}

/* Makes a folder of the tmpfs for path, with owner and mode of the host's,
 * dir: a detached mount. */
static int private_folder(size_t number, int dir, const char *path)
{
	char folder[64];
	struct stat st;
	int tree;

	if (fstat(dir, &st) < 0)
		return log_errno(errno, "look at %s", path);
	snprintf(folder, sizeof(folder), PINS_DIR "/%zu", number);
	if (mkdir(folder, 0700) < 0 ||
	    ((st.st_uid || st.st_gid) &&
	     fchownat(AT_FDCWD, folder, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) ||
	    chmod(folder, st.st_mode & 07777) < 0)
		return log_errno(errno, "make the folder of a private %s", path);
	tree = mount_clone(folder, 0);
	return tree < 0 ? log_errno(-tree, "clone the folder of a private %s", path) : tree;
}

/*
 * Checks the host's directory. Mounts that others made from the host's do not follow its flags, so
 * the template cannot tell whether the host's is noexec now. A persistent directory is mounted like
 * PRIVATE_DIR; noexec of that is undone only if the profile says so.
 */
static int private_prepare(const struct mntns *mntns, const char *path, struct private_dir *out)
{
	enum conf_exec exec = mntns->profile->private_exec;
	struct statvfs host = {.f_flag = 0};

	out->tree = -1;
	if (exec == EXEC_AUTO && statvfs(path, &host) < 0)
		return log_errno(errno, "use %s as a private directory", path);
	if (exec == EXEC_NO || (host.f_flag & ST_NOEXEC))
		out->attr.attr_set = MOUNT_ATTR_NOEXEC;
	if (!persistent_path(path))
		return 0;
	if (exec == EXEC_YES)
		out->attr.attr_clr = MOUNT_ATTR_NOEXEC;
	out->attr.attr_set |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	out->attr.propagation = MS_PRIVATE;
	out->tree = persistent_open(mntns->uid, mntns->account, path);
	return out->tree < 0 ? out->tree : 0;
}

/* Mounts a private directory. Without a tree it becomes a new folder in memory. */
static int private_attach(const char *path, size_t number, struct private_dir *out)
{
	CLEANUP_FD int dir = files_open_directory(path);

	if (dir < 0)
		return log_errno(-dir, "use %s as a private directory", path);
	/* Like the tmpfs: private, nosuid, nodev. */
	if (out->tree < 0)
		out->tree = private_folder(number, dir, path);
	return out->tree < 0 ? out->tree : mount_attach(out->tree, dir, path, out->attr);
}

static int private_mount(const struct mntns *mntns, struct private_dir *dirs)
{
	size_t count = mntns->profile->private_count;
	bool in_memory = false;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		in_memory |= dirs[i].tree < 0;
	if (in_memory)
		result = private_tmpfs(mntns);
	for (size_t i = 0; i < count && result == 0; i++)
		result = private_attach(mntns->profile->private_dirs[i], i, &dirs[i]);
	return result;
}

static int proc_mount(const struct mntns *mntns)
{
	CLEANUP_FD int proc = mntns->proc;

	if (proc < 0 && mntns->profile->processes == PROCESSES_ALL)
		return 0;
	if (proc < 0)
		proc = proc_open(true, mntns->watchers);
	return proc < 0 ? proc : kernfs_attach(mntns->profile->network->name, "/proc", proc);
}

uint64_t mntns_runtime_id(uid_t uid)
{
	char path[64];
	struct statx stx;

	snprintf(path, sizeof(path), RUNTIME_ROOT "/%u", uid);
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &stx) < 0 ||
	    !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor) +
	       (uint64_t)stx.stx_btime.tv_sec * 1000000000 + stx.stx_btime.tv_nsec;
}

/* The host's /run/user/UID as a detached mount. Negative, and *id 0: none, or it failed. */
static int runtime_clone(uid_t uid, uint64_t *id)
{
	char path[64];
	int tree;

	*id = mntns_runtime_id(uid);
	if (!*id)
		return -1;
	snprintf(path, sizeof(path), RUNTIME_ROOT "/%u", uid);
	tree = mount_clone(path, AT_RECURSIVE);
	if (tree < 0)
		*id = 0;
	return tree;
}

static int runtime_attach(uid_t uid, int tree)
{
	char path[64];

	snprintf(path, sizeof(path), RUNTIME_ROOT "/%u", uid);
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	return mount_attach(tree, -1, path, (struct mount_attr){.propagation = MS_SLAVE});
}

int mntns_graft_runtime(uid_t uid, int mntns_mnt, int host_mnt, uint64_t *id)
{
	CLEANUP_FD int tree = runtime_clone(uid, id);
	int result, back;

	if (tree < 0)
		return 0;
	result = mounts_enter(mntns_mnt, "the user's");
	if (result < 0)
		return result;
	result = runtime_attach(uid, tree);
	back = mounts_enter(host_mnt, "the host's");
	return result < 0 ? result : back;
}

static int hosts_clone(uid_t uid)
{
	char path[128];
	int tree;

	snprintf(path, sizeof(path), USERS_DIR "/%u/" MNTNS_HOSTS_NAME, uid);
	tree = mount_clone(path, 0);
	return tree < 0 ? log_errno(-tree, "use %s", path) : tree;
}

static int hosts_attach(int hosts)
{
	int result = mount_attach_file(hosts, "/etc/hosts");

	return result == -ENOENT ? log_errno(ENOENT, "mount over /etc/hosts") : result;
}

/*
 * Over the host's, whose queues can be opened by their files. If the host has no such directory or
 * kernel, there are no such files.
 */
static int mqueue_mount(const struct mntns *mntns)
{
	if (!(mntns->profile->namespaces & NAMESPACE_IPC) ||
	    mount("mqueue", "/dev/mqueue", "mqueue", PRIVATE_FLAGS | MS_NOEXEC, NULL) == 0 ||
	    errno == ENOENT || errno == ENODEV)
		return 0;
	return log_errno(errno, "mount the user's /dev/mqueue");
}

/* What a mount of cgroup v2 in the user's cgroup namespace would show, and no more. */
static int cgroup_mount(const struct mntns *mntns)
{
	int tree;

	if (!mntns->cgroup)
		return 0;
	tree = mount_clone(mntns->cgroup, 0);
	return tree < 0 ? log_errno(-tree, "clone %s", mntns->cgroup)
			: mount_attach(tree, -1, "/sys/fs/cgroup",
				       (struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY,
							   .propagation = MS_PRIVATE});
}

static int mntns_mount(const struct mntns *mntns, struct private_dir *dirs, int runtime, int hosts)
{
	int result = private_mount(mntns, dirs);

	result = result ?: proc_mount(mntns);
	result = result ?: mqueue_mount(mntns);
	result = result ?: kernfs_attach(mntns->profile->network->name, "/sys", -1);
	result = result ?: cgroup_mount(mntns);
	if (result == 0 && runtime >= 0)
		result = runtime_attach(mntns->uid, runtime);
	if (result == 0 && hosts >= 0)
		result = hosts_attach(hosts);
	if (result == 0 && mntns->profile->network->dns != SOURCE_NONE)
		result = mntns_mend_resolv(mntns->profile->network->name);
	return result;
}

/* In the new namespace: makes all differences from the template. */
static int mntns_fill(const struct mntns *mntns, struct private_dir *dirs, int runtime, int hosts)
{
	struct view view = {.profile = mntns->profile, .who = mntns->who, .home = mntns->home};
	int result = view_open(&view);

	if (result == 0 && mntns->profile->root)
		result = root_switch(mntns);
	result = result ?: view_begin(&view);
	result = result ?: mntns_mount(mntns, dirs, runtime, hosts);
	result = result ?: view_finish(&view);
	view_close(&view);
	/*
	 * Each mount gets a peer group of this namespace's own and stays a slave of the host's.
	 * Rootless podman demands that, and later mounts here reach namespaces that the user makes.
	 * The template's mounts have no peer group, so copies cannot share one.
	 */
	if (result == 0 && mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		result = log_errno(errno, "give the user's mounts peer groups of their own");
	return result;
}

static int mntns_build(struct mntns *mntns, int template, struct private_dir *dirs, int runtime,
		       int hosts)
{
	int result = mounts_enter(template, "the template's");

	if (result < 0)
		return result;
	result = namespace_unshare(KIND_MNT);
	if (result < 0)
		return result;
	result = mntns_fill(mntns, dirs, runtime, hosts);
	/* This process is not in the /proc of a user's own PID namespace. */
	return result < 0
		   ? result
		   : namespace_open(AT_FDCWD, mntns->proc < 0 ? "/proc/self" : HOSTPROC "/self",
				    KIND_MNT);
}

int mntns_make(struct mntns *mntns, int template, int host_mnt)
{
	const struct profile *profile = mntns->profile;
	CLEANUP_FREE struct private_dir *dirs = calloc(profile->private_count + 1, sizeof(*dirs));
	CLEANUP_FD int runtime = runtime_clone(mntns->uid, &mntns->runtime_dir);
	CLEANUP_FD int hosts = mntns->own_hosts ? hosts_clone(mntns->uid) : -1;
	size_t prepared = 0;
	int result = dirs ? 0 : -ENOMEM;
	struct stat pins;

	/* Counts the folders of active users. This user's was made before. */
	if (stat(PINS_DIR, &pins) < 0)
		return log_errno(errno, "look at %s", PINS_DIR);
	mntns->users = pins.st_nlink - 2;
	if (mntns->own_hosts && hosts < 0)
		return hosts;
	for (; result == 0 && prepared < profile->private_count; prepared++)
		result = private_prepare(mntns, profile->private_dirs[prepared], &dirs[prepared]);
	if (result == 0) {
		result = mntns_build(mntns, template, dirs, runtime, hosts);
		int back = mounts_enter(host_mnt, "the host's");

		if (back < 0 && result >= 0)
			close(result);
		result = back < 0 ? back : result;
	}
	return result;
}
