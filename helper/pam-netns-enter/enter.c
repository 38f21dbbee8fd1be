/*
 * pam-netns-enter: an ordinary user's way into their own namespaces. Setuid root.
 *
 * It creates nothing, writes nothing and takes no lock. So a user who stops, kills or starves it at
 * any point harms no other user (T10). Only the real uid decides which namespaces it joins: no pid,
 * path or name is an argument (T11). The pins are in a folder that only root can reach, and each
 * pin's inode, type and owning user namespace are checked (T12). The stages:
 *
 * - descriptors: 0-2 are open, all others are closed;
 * - pins_open: through PID 1's root, which is the same in every session;
 * - pins_join: one flag a call, the mount namespace last; then this process's namespaces must be
 *   the pins, as they were before and as they are now, or a teardown came in between;
 * - privilege_drop: gid, uid, capabilities; then attempts to regain them must fail (T14);
 * - directory_restore, and exec with the user's own credentials. Only children of this process
 *   would be in a PID namespace: then it becomes pam-netns-wait, which runs the command (T54).
 *
 * The command inherits all on which no other user's safety depends: signals, timers, umask, rlimits
 * (before the drop a signal can only end this process), the caller's supplementary groups, and the
 * environment, which is not read before the drop. The loader has removed LD_*: this is setuid.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/command.h"
#include "base/paths.h"

#define EXIT_REFUSED 1

struct pin {
	const char *name; /* in the pins' folder and in /proc/PID/ns */
	int type, fd;	  /* fd -1: the profile does not isolate this namespace */
	dev_t device;
	ino_t inode;
};

enum { PIN_PID = 5, PINS_COUNT = 7 };
#define FOR_CHILDREN "pid_for_children"
struct pins {
	struct pin pin[PINS_COUNT]; /* in the order of joining: after mnt, paths are the user's */
};

static const struct pins pins_none = {
    .pin = {{"net", CLONE_NEWNET, .fd = -1},
	    {"uts", CLONE_NEWUTS, .fd = -1},
	    {"ipc", CLONE_NEWIPC, .fd = -1},
	    {"time", CLONE_NEWTIME, .fd = -1},
	    {"cgroup", CLONE_NEWCGROUP, .fd = -1},
	    {"pid", CLONE_NEWPID, .fd = -1},
	    {"mnt", CLONE_NEWNS, .fd = -1}},
};

struct directory {
	char path[PATH_MAX];
	struct stat stat;
};

/* The uid goes first: some files judge a write by the writer's credentials (CVE-2012-0056). */
static void __attribute__((noreturn)) refuse(const char *reason)
{
	if (setresuid(getuid(), getuid(), getuid()) == 0)
		dprintf(STDERR_FILENO, "pam-netns-enter: %s\n", reason);
	_exit(EXIT_REFUSED);
}

static void descriptors_sanitise(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_REFUSED);
	}
	if (syscall(SYS_close_range, 3U, ~0U, 0U))
		_exit(EXIT_REFUSED);
}

/* One component of the path to the pins: a folder of root, which no other user can write (T18). */
static int folder_open(int parent, const char *name)
{
	struct stat st;
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		refuse("cannot reach the pinned namespaces");
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))))
		refuse("other users than root can change the folder of the pinned namespaces");
	return fd;
}

/* The folder with the pins of uid, as PID 1 sees it. -1: there is none. */
static int pins_folder(int hostproc, uid_t uid)
{
	char path[sizeof(PINS_DIR "/4294967295")], *rest = NULL;
	int folder = openat(hostproc, "1/root", O_PATH | O_DIRECTORY | O_CLOEXEC), parent;

	if (folder < 0)
		refuse("cannot reach the host's root directory");
	snprintf(path, sizeof(path), PINS_DIR "/%u", uid);
	for (char *name = strtok_r(path, "/", &rest); name && folder >= 0;
	     name = strtok_r(NULL, "/", &rest)) {
		parent = folder;
		folder = folder_open(parent, name);
		close(parent);
	}
	return folder;
}

/*
 * A handle that is not nsfs is a leftover, not a namespace. A namespace owned by a user namespace
 * was made by a user (firejail, CVE-2022-31214), unless the helper recorded the owner (net_admin).
 */
static void pin_check(int hostproc, int folder, struct pin *pin)
{
	struct statfs fs;
	struct stat st, owner, own;
	char recorded[24] = "";
	int userns;

	if (fstatfs(pin->fd, &fs) || fs.f_type != NSFS_MAGIC || fstat(pin->fd, &st) ||
	    ioctl(pin->fd, NS_GET_NSTYPE) != pin->type)
		refuse("a pinned namespace is damaged; log in again");
	userns = ioctl(pin->fd, NS_GET_USERNS);
	if (userns < 0 || fstat(userns, &owner) || fstatat(hostproc, "self/ns/user", &own, 0) ||
	    owner.st_dev != own.st_dev ||
	    (owner.st_ino != own.st_ino &&
	     (readlinkat(folder, "owner", recorded, sizeof(recorded) - 1) < 0 ||
	      owner.st_ino != strtoul(recorded, NULL, 10))))
		refuse("a pinned namespace is not owned by the host");
	close(userns);
	pin->device = st.st_dev;
	pin->inode = st.st_ino;
}

/* False: this uid has no network now. */
static bool pins_open(int hostproc, uid_t uid, struct pins *pins)
{
	int folder = pins_folder(hostproc, uid);

	if (folder < 0)
		return false;
	for (int i = 0; i < PINS_COUNT; i++) {
		pins->pin[i].fd = openat(folder, pins->pin[i].name,
					 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (pins->pin[i].fd >= 0)
			pin_check(hostproc, folder, &pins->pin[i]);
		else if (errno != ENOENT)
			refuse("cannot open a pinned namespace");
	}
	close(folder);
	return pins->pin[0].fd >= 0;
}

/* Is this process in all of the pinned namespaces? pid: "pid" or, for its children, FOR_CHILDREN. */
static bool pins_joined(int hostproc, const struct pins *pins, const char *pid)
{
	for (int i = 0; i < PINS_COUNT; i++) {
		char path[sizeof("self/ns/" FOR_CHILDREN)];
		struct stat st;

		snprintf(path, sizeof(path), "self/ns/%s", i == PIN_PID ? pid : pins->pin[i].name);
		if (pins->pin[i].fd < 0)
			continue;
		if (fstatat(hostproc, path, &st, 0))
			refuse("cannot read which namespaces this process is in");
		if (st.st_dev != pins->pin[i].device || st.st_ino != pins->pin[i].inode)
			return false;
	}
	return true;
}

static void pins_join(int hostproc, uid_t uid, const struct pins *pins)
{
	struct pins now = pins_none;

	for (int i = 0; i < PINS_COUNT; i++) {
		if (pins->pin[i].fd >= 0 && setns(pins->pin[i].fd, pins->pin[i].type))
			refuse("cannot join a namespace");
	}
	if (!pins_joined(hostproc, pins, FOR_CHILDREN))
		refuse("the kernel did not join the requested namespaces");
	/* The last session may have ended meanwhile. Then our namespaces belong to no user. */
	if (!pins_open(hostproc, uid, &now) || !pins_joined(hostproc, &now, FOR_CHILDREN))
		refuse("your network was removed; log in again");
}

/*
 * Capabilities are cleared by hand, because securebits can keep setresuid from doing it. Bounding
 * set and no_new_privs stay as in a login shell: setuid programs such as sudo must work inside.
 */
static void privilege_drop(uid_t uid, gid_t gid)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {0}, none[2] = {0};
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	capng_clear(CAPNG_SELECT_CAPS);
	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid) || capng_apply(CAPNG_SELECT_CAPS))
		_exit(EXIT_REFUSED);
	if (getresuid(&ruid, &euid, &suid) || getresgid(&rgid, &egid, &sgid) ||
	    syscall(SYS_capget, &header, caps) || memcmp(caps, none, sizeof(none)) != 0)
		_exit(EXIT_REFUSED);
	if (ruid != uid || euid != uid || suid != uid || rgid != gid || egid != gid || sgid != gid)
		_exit(EXIT_REFUSED);
	/* With a real uid 0 there is nothing to regain; such a caller only gets the usage text. */
	if (uid != 0 &&
	    (setuid(0) == 0 || seteuid(0) == 0 || setgid(gid + 1) == 0 || setegid(gid + 1) == 0))
		_exit(EXIT_REFUSED);
}

/*
 * setns left us in the root of the user's mount namespace. We go back to the old directory only if
 * the same path, walked with the user's rights and without links, is that directory (T16).
 */
static void directory_restore(const struct directory *directory)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	struct stat st;
	int fd = -1;

	if (directory->path[0] == '/')
		fd = syscall(SYS_openat2, AT_FDCWD, directory->path, &how, sizeof(how));
	if ((fd < 0 || fstat(fd, &st) || st.st_dev != directory->stat.st_dev ||
	     st.st_ino != directory->stat.st_ino || fchdir(fd)) &&
	    chdir("/"))
		_exit(EXIT_REFUSED);
}

/* Reads the arguments. Returns only if there is a command to run. */
static char **arguments_read(int argc, char **argv)
{
	if (argc < 1) /* CVE-2021-4034 */
		_exit(EXIT_REFUSED);
	if (argc == 1 || argv[1][0] != '-')
		return argv + 1;
	if (strcmp(argv[1], "--") == 0)
		return argv + 2;
	privilege_drop(getuid(), getgid());
	if (strcmp(argv[1], "--help") == 0)
		_exit(dprintf(STDOUT_FILENO,
			      "Usage: pam-netns-enter [--] [COMMAND [ARGUMENT...]]\n") < 0);
	if (strcmp(argv[1], "--version") == 0)
		_exit(dprintf(STDOUT_FILENO, "pam-netns-enter %s\n", VERSION) < 0);
	refuse("unknown option; try --help");
}

int main(int argc, char **argv)
{
	struct pins pins = pins_none;
	struct directory directory;
	uid_t uid = getuid();
	char **command;
	int hostproc, waiter;

	descriptors_sanitise();
	command = arguments_read(argc, argv);
	if (uid == 0)
		refuse("root has no network of its own; use pam-netns exec USER");
	if (geteuid() != 0)
		refuse("not setuid root here (no_new_privs, nosuid or a user namespace)");
	hostproc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (hostproc < 0 || !pins_open(hostproc, uid, &pins))
		refuse("you have no network of your own at present; log in first");
	if (pins_joined(hostproc, &pins, "pid")) {
		privilege_drop(uid, getgid());
		command_exec(command);
	}
	waiter = pins.pin[PIN_PID].fd < 0 ? -1 : open(WAIT_PATH, O_PATH | O_CLOEXEC);
	if (!getcwd(directory.path, sizeof(directory.path)) || stat(".", &directory.stat))
		directory.path[0] = '\0';
	pins_join(hostproc, uid, &pins);
	privilege_drop(uid, getgid());
	directory_restore(&directory);
	if (pins.pin[PIN_PID].fd < 0)
		command_exec(command);
	command[-1] = (char[]){"pam-netns-wait"};
	fexecve(waiter, command - 1, environ);
	refuse("cannot run " WAIT_PATH "; is pam_netns installed whole?");
}
