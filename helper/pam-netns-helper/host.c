/*
 * The host: which it is and how it is entered; see helper.h.
 *
 * The helper may be started inside a user's namespaces (alice types `su bob`). /run there is not
 * the host's, and with a PID namespace not even /proc is, so PID 1's namespaces are reached through
 * HOSTPROC, a bind of the host's procfs that set-up left where only root can go, in every view.
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

/* -ENOENT: there is none, for certain. */
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

/* proc is a procfs, so this is a namespace. */
static int namespace_open(int proc, const char *path)
{
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? log_errno(errno, "open the host's %s", path) : fd;
}

/* The bind of the host's procfs that every view will show. */
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

/* A folder of ours must be root's, and its mode as strict at least. */
static int folder_refused(int error, const char *path, mode_t mode)
{
	return log_errno(-error, "use %s: it must be root's, mode %04o", path, mode);
}

/* RUN_DIR and the folders in it; in the host's mount namespace. */
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
		result = files_ensure_dir(host->run, folders[i].name, folders[i].mode);
		if (result < 0)
			return folder_refused(result, folders[i].path, folders[i].mode);
	}
	result = hostproc_make();

	return result < 0 ? result : pins_setup();
}

int host_return(const struct host *host)
{
	if (setns(host->mnt, CLONE_NEWNS) < 0 || setns(host->net, CLONE_NEWNET) < 0 ||
	    setns(host->uts, CLONE_NEWUTS) < 0)
		return log_errno(errno, "enter the host's namespaces");
	return 0;
}

int host_enter(struct host *host)
{
	int result;

	*host = (struct host){-1, -1, -1, -1, -1, -1, {.fd = -1}, {.fd = -1}, 0, 0, false, false};
	host->proc = proc_open(HOSTPROC);
	/* Only where there is none: in a session,
	 * /proc may be a PID namespace of the user's own. */
	if (host->proc == -ENOENT)
		host->proc = proc_open("/proc");
	if (host->proc < 0)
		return log_errno(-host->proc, "find the host's /proc");
	host->mnt = namespace_open(host->proc, "1/ns/mnt");
	host->net = namespace_open(host->proc, "1/ns/net");
	host->uts = namespace_open(host->proc, "1/ns/uts");
	if (host->mnt < 0 || host->net < 0 || host->uts < 0)
		return -EINVAL;
	result = host_return(host);
	if (result == 0)
		result = folders_make(host);
	if (result < 0)
		return result;
	host->lock = lock_open();
	if (host->lock < 0)
		return host->lock;
	result = netlink_open(&host->route, NETLINK_ROUTE);
	return result < 0 ? result : netlink_open(&host->netfilter, NETLINK_NETFILTER);
}

int reply_hand(struct reply *reply, int type, int fd)
{
	struct handed *handed = &reply->handed[reply->handed_count];
	struct stat st;

	if (reply->handed_count == MESSAGE_FDS)
		return -E2BIG;
	if (fstat(fd, &st) < 0)
		return log_errno(errno, "look at a namespace");
	*handed = (struct handed){.type = type, .device = st.st_dev, .inode = st.st_ino, .fd = fd};
	reply->handed_count++;
	return 0;
}

int reply_host(const struct host *host, struct reply *reply)
{
	int result = reply_hand(reply, CLONE_NEWNET, host->net);

	if (result == 0)
		result = reply_hand(reply, CLONE_NEWUTS, host->uts);
	if (result == 0)
		result = reply_hand(reply, CLONE_NEWNS, host->mnt);
	reply->outcome = OUTCOME_HOST;
	return result;
}
