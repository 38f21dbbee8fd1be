/* Namespaces kept alive by bind mounts; see pins.h. */
#include "ns/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/files.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"

#define PIN_PATH_MAX 128

/* Is it the user namespace that pin_owner_set() has written into the folder? */
static bool owner_recorded(const struct stat *owner, int dir, const char *folder)
{
	char path[PIN_PATH_MAX], text[24] = "", wanted[24];

	snprintf(path, sizeof(path), "%s/" PIN_OWNER, folder);
	snprintf(wanted, sizeof(wanted), "%ju", (uintmax_t)owner->st_ino);
	return readlinkat(dir, path, text, sizeof(text) - 1) > 0 && strcmp(text, wanted) == 0;
}

/* 0; -ENOENT: it is another object; or the errno of a failed look. folder "": of no user. */
static int pin_check(int fd, enum namespace_kind kind, int dir, const char *folder)
{
	static struct stat own; /* of this process, which never leaves it */
	struct stat owner;
	int type;

	/* Only a namespace answers this ioctl(2) and has an owner: the pins'
	 * folder has no devices. */
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0 && errno != ENOTTY)
		return -errno;
	if (type != namespace_kinds[kind].clone_flag)
		return -ENOENT;
	CLEANUP_FD int user = ioctl(fd, NS_GET_USERNS);

	if (user < 0 || fstat(user, &owner) < 0 ||
	    (!own.st_ino && stat("/proc/self/ns/user", &own) < 0))
		return -errno;
	if (owner.st_dev == own.st_dev && owner.st_ino == own.st_ino)
		return 0;
	return *folder && owner_recorded(&owner, dir, folder) ? 0 : -ENOENT;
}

bool pin_valid(int fd, enum namespace_kind kind, int dir, const char *folder)
{
	return pin_check(fd, kind, dir, folder) == 0;
}

static const char *pin_dir(uid_t uid, bool begun, char path[PIN_PATH_MAX])
{
	snprintf(path, PIN_PATH_MAX, PINS_DIR "/%s%u", begun ? "." : "", uid);
	return path;
}

int pins_setup(void)
{
	struct statfs fs;
	struct statx stx;

	if (statx(AT_FDCWD, PINS_DIR, AT_SYMLINK_NOFOLLOW, 0, &stx) < 0 &&
	    (errno != ENOENT || (mkdir(PINS_DIR, 0700) < 0 && errno != EEXIST) ||
	     statx(AT_FDCWD, PINS_DIR, AT_SYMLINK_NOFOLLOW, 0, &stx) < 0))
		return log_errno(errno, "make %s", PINS_DIR);
	if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
		/* In doubt not mounted anew: that would hide the pins of all active users. */
		if (statfs(PINS_DIR, &fs) < 0)
			return log_errno(errno, "look at %s", PINS_DIR);
		if (fs.f_type == TMPFS_MAGIC)
			return 0;
	}
	if (mount("pam_netns", PINS_DIR, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700,size=16m") < 0)
		return log_errno(errno, "mount a tmpfs on %s", PINS_DIR);
	if (mount(NULL, PINS_DIR, NULL, MS_PRIVATE, NULL) < 0)
		return log_errno(errno, "make %s private", PINS_DIR);
	return 0;
}

/* -ENOENT: it does not exist, or is no namespace (a plain file: the mount is gone). */
static int pin_open(const char *path, enum namespace_kind kind, const char *folder)
{
	CLEANUP_FD int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO))
		return -ENOENT;
	error = fd < 0 ? -errno : pin_check(fd, kind, AT_FDCWD, folder);
	if (error && error != -ENOENT)
		log_errno(-error, "look at %s", path);
	return error ? error : steal_fd(&fd);
}

int pins_open(uid_t uid, unsigned namespaces, struct namespaces *out)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX + NAMESPACE_NAME_MAX];

	namespaces_init(out);
	pin_dir(uid, false, dir);
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(namespaces & namespace_kinds[i].bit))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, namespace_kinds[i].name);
		out->fd[i] = pin_open(path, i, dir);
		if (out->fd[i] < 0) {
			int error = out->fd[i];

			namespaces_close(out);
			return error;
		}
	}
	return 0;
}

bool pins_exist(uid_t uid)
{
	char path[PIN_PATH_MAX];

	return access(pin_dir(uid, false, path), F_OK) == 0 ||
	       access(pin_dir(uid, true, path), F_OK) == 0;
}

static void pin_unmount(const char *path)
{
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
}

/* Removes one handle: unmounts all mounts on it, then unlinks it. */
static int pin_remove(const char *path)
{
	pin_unmount(path);
	if (unlink(path) < 0 && errno != ENOENT)
		return log_errno(errno, "remove %s", path);
	return 0;
}

static void pins_unmount(const char *dir, unsigned namespaces)
{
	char path[PIN_PATH_MAX + NAMESPACE_NAME_MAX];

	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(namespaces & namespace_kinds[i].bit))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, namespace_kinds[i].name);
		pin_unmount(path);
	}
}

static int init_path(char *path, size_t size, const char *dir)
{
	return snprintf(path, size, "%s/init", dir);
}

int pins_init_write(uid_t uid, const struct process *init)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX + NAMESPACE_NAME_MAX], text[48];

	init_path(path, sizeof(path), pin_dir(uid, true, dir));
	snprintf(text, sizeof(text), "%d.%llu", (int)init->pid, init->start);
	return symlink(text, path) < 0 ? log_errno(errno, "make %s", path) : 0;
}

static int init_read(const char *dir, struct process *out)
{
	char path[PIN_PATH_MAX + NAMESPACE_NAME_MAX], text[48];
	ssize_t length;
	int pid;

	init_path(path, sizeof(path), dir);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0)
		return errno == ENOENT ? -ENOENT : log_errno(errno, "read %s", path);
	text[length] = '\0';
	if (sscanf(text, "%d.%llu", &pid, &out->start) != 2)
		return -ENOENT;
	out->pid = pid;
	return 0;
}

int pins_init_read(uid_t uid, struct process *out)
{
	char dir[PIN_PATH_MAX];

	return init_read(pin_dir(uid, false, dir), out);
}

/* The pidfd is opened before the look at the process, so it is that process, or one that ended. */
static void init_kill(const char *dir)
{
	struct process init = {0};

	if (init_read(dir, &init) < 0)
		return;
	CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, init.pid, 0);
	CLEANUP_FD int proc = openat(AT_FDCWD, HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (pidfd >= 0 && process_alive(proc, &init) &&
	    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
		log_errno(errno, "end process %d, which is process 1 of a user", (int)init.pid);
}

/* Anything else in the folder, or with its name, is removed too. */
static int pins_remove_dir(uid_t uid, bool begun, unsigned namespaces)
{
	char dir[PIN_PATH_MAX];
	int error;

	if (access(pin_dir(uid, begun, dir), F_OK) < 0)
		return 0;
	if (!namespaces || (namespaces & NAMESPACE_PID))
		init_kill(dir);
	pins_unmount(dir, namespaces ?: NAMESPACES_ALL);
	CLEANUP_FD int pins =
	    openat(AT_FDCWD, PINS_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	error = pins < 0 ? -errno : files_remove_tree(pins, dir + sizeof(PINS_DIR));
	if (error && namespaces) {
		/* There were other pins. */
		pins_unmount(dir, NAMESPACES_ALL & ~namespaces);
		error = files_remove_tree(pins, dir + sizeof(PINS_DIR));
	}
	return error ? log_errno(-error, "remove %s", dir) : 0;
}

int pins_remove(uid_t uid, unsigned namespaces)
{
	int error = pins_remove_dir(uid, false, namespaces);

	return error ? error : pins_remove_dir(uid, true, namespaces);
}

void pins_withdraw(uid_t uid)
{
	char from[PIN_PATH_MAX], to[PIN_PATH_MAX];

	pin_dir(uid, false, from);
	pin_dir(uid, true, to);
	if (rename(from, to) == 0 || errno == ENOENT)
		return;
	/* The leftover of an interrupted login is in the way. */
	if (pins_remove_dir(uid, true, 0) == 0)
		(void)!rename(from, to);
}

int pins_begin(uid_t uid)
{
	char path[PIN_PATH_MAX];
	int error;

	if (mkdir(pin_dir(uid, true, path), 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return log_errno(errno, "make %s", path);
	error = pins_remove_dir(uid, true, 0);
	if (error)
		return error;
	return mkdir(path, 0700) < 0 ? log_errno(errno, "make %s", path) : 0;
}

static int pin_mount(const char *path, int fd)
{
	char source[32];
	int error;

	if (mknod(path, S_IFREG | 0600, 0) < 0)
		return log_errno(errno, "make %s", path);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (mount(source, path, NULL, MS_BIND, NULL) == 0)
		return 0;
	error = errno;
	/* For the next attempt. */
	(void)unlink(path);
	return error == EINVAL ? PIN_ELSEWHERE : log_errno(error, "pin a namespace on %s", path);
}

int pin_add(uid_t uid, enum namespace_kind kind, int fd)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX + NAMESPACE_NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", pin_dir(uid, true, dir), namespace_kinds[kind].name);
	return pin_mount(path, fd);
}

int pin_owner_set(uid_t uid, int net)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX + sizeof(PIN_OWNER)], inode[24];
	struct stat owner;
	CLEANUP_FD int user = ioctl(net, NS_GET_USERNS);

	if (user < 0 || fstat(user, &owner) < 0)
		return log_errno(errno, "find the owner of a net namespace");
	snprintf(path, sizeof(path), "%s/" PIN_OWNER, pin_dir(uid, true, dir));
	snprintf(inode, sizeof(inode), "%ju", (uintmax_t)owner.st_ino);
	return symlinkat(inode, AT_FDCWD, path) < 0 ? log_errno(errno, "make %s", path) : 0;
}

int pin_retry(int (*attempt)(void *context), void *context)
{
	cpu_set_t before, one;
	int result = attempt(context);

	if (result != PIN_ELSEWHERE)
		return result;
	if (sched_getaffinity(0, sizeof(before), &before) < 0)
		return log_errno(errno, "pin a mount namespace on another CPU");
	for (int cpu = 0; cpu < CPU_SETSIZE && result == PIN_ELSEWHERE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) == 0)
			result = attempt(context);
	}
	(void)sched_setaffinity(0, sizeof(before), &before);
	if (result == PIN_ELSEWHERE)
		log_error("cannot pin a mount namespace on any CPU (kernel older than 6.19, and "
			  "this host is itself in a mount namespace)");
	return result;
}

int pins_publish(uid_t uid)
{
	char from[PIN_PATH_MAX], to[PIN_PATH_MAX];

	if (rename(pin_dir(uid, true, from), pin_dir(uid, false, to)) < 0)
		return log_errno(errno, "publish %s", to);
	return 0;
}

int pin_named_set(const char *name, int fd)
{
	char path[PIN_PATH_MAX];
	int error = pin_named_remove(name);

	if (error)
		return error;
	snprintf(path, sizeof(path), PINS_DIR "/%s", name);
	return pin_mount(path, fd);
}

int pin_named_open(const char *name, enum namespace_kind kind)
{
	char path[PIN_PATH_MAX];

	snprintf(path, sizeof(path), PINS_DIR "/%s", name);
	return pin_open(path, kind, "");
}

bool pin_named_exists(const char *name)
{
	char path[PIN_PATH_MAX];
	struct statfs fs;

	snprintf(path, sizeof(path), PINS_DIR "/%s", name);
	return statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

int pin_named_remove(const char *name)
{
	char path[PIN_PATH_MAX];

	snprintf(path, sizeof(path), PINS_DIR "/%s", name);
	return pin_remove(path);
}

int pins_list(uid_t **uids, size_t *count)
{
	CLEANUP_DIR DIR *dir = opendir(PINS_DIR);
	struct dirent *entry;

	*uids = NULL;
	*count = 0;
	if (!dir)
		return errno == ENOENT ? 0 : log_errno(errno, "open %s", PINS_DIR);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name + (entry->d_name[0] == '.');
		char *end;
		unsigned long uid = strtoul(name, &end, 10);

		if (end == name || *end || uid >= UINT32_MAX)
			continue;
		uid_t *more = reallocarray(*uids, *count + 1, sizeof(**uids));

		if (!more) {
			free(*uids);
			*uids = NULL;
			*count = 0;
			return -ENOMEM;
		}
		*uids = more;
		(*uids)[(*count)++] = (uid_t)uid;
	}
	return 0;
}
