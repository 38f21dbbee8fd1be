/*
 * Finds and enters the host; see helper.h.
 *
 * The helper may start inside a user's namespaces (alice types `su bob`). /run there is not the
 * host's, and in a PID namespace /proc is not either. So the helper reaches PID 1's namespaces
 * through HOSTPROC, a bind of the host's procfs. Set-up makes it in a folder that only root can
 * enter, and it exists in every mount namespace.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/files.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"

/* -ENOENT: it certainly does not exist. */
static int proc_open(const char *path)
{
	CLEANUP_FD int fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC ? steal_fd(&fd) : -ENOENT;
}

/* The bind of the host's procfs, which will exist in every mount namespace. */
static int hostproc_make(void)
{
	struct statfs fs = {0};

	if (statfs(HOSTPROC, &fs) < 0 && errno != ENOENT)
		return log_errno(errno, "look at %s", HOSTPROC);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	if (mkdir(HOSTPROC, 0700) < 0 && errno != EEXIST)
		return log_errno(errno, "make %s", HOSTPROC);
	if (mount("/proc", HOSTPROC, NULL, MS_BIND, NULL) < 0)
		return log_errno(errno, "mount the host's /proc on %s", HOSTPROC);
	return 0;
}

/* A folder of ours must belong to root, and its mode must be at least as strict. */
static int folder_refused(int error, const char *path, mode_t mode)
{
	return log_errno(-error, "use %s: its owner must be root and its mode %04o", path, mode);
}

/* Opens RUN_DIR and its folders, in the host's mount namespace. */
static int folders_make(struct host *host)
{
	static const struct {
		const char *name, *path;
		mode_t mode;
	} folders[] = {
	    {"users", USERS_DIR, 0755},
	    {"networks", NETWORKS_DIR, 0755},
	    {"closing", CLOSING_DIR, 0700},
	    {"hostproc", HOSTPROC_DIR, 0700},
	};
	int result;

	host->run = files_make_dir(AT_FDCWD, RUN_DIR, 0755);
	if (host->run < 0)
		return folder_refused(host->run, RUN_DIR, 0755);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		result = files_ensure_dir(host->run, folders[i].name, folders[i].mode,
					  i ? NULL : &host->users);
		if (result < 0)
			return folder_refused(result, folders[i].path, folders[i].mode);
	}
	result = hostproc_make();

	return result < 0 ? result : pins_setup();
}

/* Is this process in the namespace, and are its next children? */
static bool is_in(const struct host *host, int fd, const struct namespace_row *row)
{
	const char *const names[] = {row->name, row->made};
	struct stat st, own;

	if (fstat(fd, &st) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "self/ns/%s", names[i]);
		if (fstatat(host->proc, path, &own, 0) < 0 || own.st_ino != st.st_ino)
			return false;
	}
	return true;
}

/*
 * EUSERS: a child of ns/owned.c, which a user has stopped, still has this process's memory. Then the
 * kernel refuses a time namespace, also the one that this process is in.
 */
static int host_return_to(const struct host *host, enum namespace_kind kind)
{
	const struct namespace_row *row = &namespace_kinds[kind];
	int fd = host->ns.fd[kind];
	CLEANUP_FD int opened = fd < 0 ? namespace_open_host(host->proc, kind) : -1;

	if (fd < 0)
		fd = opened;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (setns(fd, row->clone_flag) == 0 || (errno == EUSERS && is_in(host, fd, row)))
		return 0;
	return log_errno(errno, "enter the host's %s namespace", row->name);
}

int host_return(const struct host *host, unsigned set)
{
	int result = 0;

	for (int i = 0; i < NAMESPACE_KINDS && result == 0; i++)
		if (set & ~NAMESPACE_PID & namespace_kinds[i].bit)
			result = host_return_to(host, i);
	return result;
}

static int namespaces_open(struct host *host, unsigned namespaces)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		if (host->ns.fd[i] >= 0 || !(namespaces & ~NAMESPACE_PID & namespace_kinds[i].bit))
			continue;
		host->ns.fd[i] = namespace_open_host(host->proc, i);
		if (host->ns.fd[i] < 0 && host->ns.fd[i] != -ENOENT)
			return host->ns.fd[i];
	}
	return 0;
}

/*
 * Opens the namespaces of the host that this process, as its caller, may not be in: a helper in a
 * user's would be taken for a process of theirs (members.c). Each user has a network namespace. A
 * service outside of these may have a mount or UTS namespace of its own; other kinds then cost no
 * system call.
 */
static int namespaces_find(struct host *host, unsigned namespaces)
{
	struct stat st, own;
	int error;

	if (namespaces)
		return namespaces_open(host, namespaces | NAMESPACES_FIRST);
	error = namespaces_open(host, NAMESPACES_FIRST);
	if (error)
		return error;
	if (fstat(host->ns.fd[KIND_NET], &st) < 0 ||
	    fstatat(host->proc, "self/ns/net", &own, 0) < 0)
		return log_errno(errno, "compare network namespaces with the host's");
	host->nested = st.st_ino != own.st_ino || st.st_dev != own.st_dev;
	return host->nested ? namespaces_open(host, NAMESPACES_ALL) : 0;
}

int host_sockets(struct host *host)
{
	int result = netlink_open(&host->route, NETLINK_ROUTE);

	return result < 0 ? result : netlink_open(&host->netfilter, NETLINK_NETFILTER);
}

int host_pid_namespace(struct host *host)
{
	pid_t caller = host->caller; /* in this PID namespace; 0: it is outside */
	struct stat st, own;
	char self[16];
	ssize_t length;
	int error;

	if (host->pid_namespace)
		return 0;

	if (fstatat(host->proc, "1/ns/pid", &st, 0) < 0 ||
	    fstatat(host->proc, "self/ns/pid", &own, 0) < 0)
		return log_errno(errno, "compare PID namespaces with the host's");
	if (st.st_ino == own.st_ino && st.st_dev == own.st_dev)
		return 0;
	length = readlinkat(host->proc, "self", self, sizeof(self) - 1);
	if (length < 0)
		return log_errno(errno, "find this process in the host's /proc");
	self[length] = '\0';
	host->self = atoi(self);
	error = process_parent(host->proc, host->self, &host->caller);
	/* Another process is the parent if the caller has ended. */
	if (!error && getppid() != caller)
		error = -ESRCH;
	if (error)
		return log_errno(-error, "find the caller in the host's /proc");
	host->pid_namespace = own.st_ino;
	return 0;
}

int host_enter(struct host *host, pid_t caller, unsigned namespaces)
{
	int result;

	*host = (struct host){.caller = caller,
			      .proc = -1,
			      .run = -1,
			      .lock = -1,
			      .route = {.fd = -1},
			      .netfilter = {.fd = -1}};
	namespaces_init(&host->ns);
	host->proc = proc_open(HOSTPROC);
	/* Only if there is no HOSTPROC: in a session, /proc may show a PID
	 * namespace of the user's own. */
	if (host->proc == -ENOENT)
		host->proc = proc_open("/proc");
	if (host->proc < 0)
		return log_errno(-host->proc, "find the host's /proc");
	result = namespaces_find(host, namespaces);
	if (result == 0 && (host->nested || (namespaces & NAMESPACE_PID)))
		result = host_pid_namespace(host);
	for (int i = 0; i < NAMESPACE_KINDS && result == 0; i++)
		if (host->ns.fd[i] >= 0)
			result = host_return_to(host, i);
	result = result ?: folders_make(host);
	if (result < 0)
		return result;
	host->lock = lock_open();
	return host->lock < 0 ? host->lock : 0;
}

int reply_hand(struct reply *reply, const struct namespaces *namespaces, unsigned set)
{
	struct stat st;

	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		int fd = namespaces->fd[i];

		if (fd < 0 || !(set & namespace_kinds[i].bit))
			continue;
		if (fstat(fd, &st) < 0)
			return log_errno(errno, "look at a namespace");
		reply->handed[reply->handed_count++] =
		    (struct handed){.kind = i, .device = st.st_dev, .inode = st.st_ino, .fd = fd};
	}
	return 0;
}

int reply_host(const struct host *host, unsigned set, struct reply *reply)
{
	reply->outcome = OUTCOME_HOST;
	return reply_hand(reply, &host->ns, set);
}
