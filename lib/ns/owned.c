/*
 * Network namespaces of users; see owned.h.
 *
 * A user namespace belongs to the effective uid of the process that makes it, and that process
 * cannot leave it again. So a child makes both namespaces. While it is in the user's namespace, the
 * user has power over it:
 *
 * - The user may not trace it, or take its descriptors: its memory is the helper's, which is not
 *   dumpable and belongs to the host's user namespace. See ptrace(2), "PTRACE_MODE_ATTACH".
 * - The user may stop, slow or kill it. So the wait for it has a limit (T10), unless it is the kernel
 *   that lets it wait, and only this user's login fails.
 * - The maps of ids are written when it has ended: a zombie cannot be changed.
 */
#include "ns/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/large.h"
#include "base/log.h"

#define CHILD_WAIT_MS 1000
#define CHILD_STACK   16384

#ifdef SYS_setresuid32
#define SYS_SETRESUID SYS_setresuid32
#else
#define SYS_SETRESUID SYS_setresuid
#endif

/* The child shares memory and descriptors with its parent. */
struct child {
	uid_t uid;
	int self;	  /* /proc/PID of the child */
	int net;	  /* its network namespace */
	const char *step; /* for messages: what it does */
	int error;	  /* an errno; 0 when all is done */
};

/* A kernel can let CAP_SYS_ADMIN alone make user namespaces (Debian, Ubuntu). */
static int capability_raise(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	data[0].effective |= 1U << CAP_SYS_ADMIN;
	return (int)syscall(SYS_capset, &header, data);
}

/*
 * Another thread's uid stays, so these are system calls: libraries change all threads. A new uid
 * makes memory as dumpable as fs.suid_dumpable says, which may be 1, and prctl(2) comes after it.
 */
static int user_become(uid_t uid)
{
	if (syscall(SYS_SETRESUID, -1, uid, -1) < 0 || capability_raise() < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int child_run(void *context)
{
	struct child *child = context;

	child->step = "open /proc/self";
	child->self = openat(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (child->self >= 0)
		child->step = "become the user";
	if (child->self >= 0 && user_become(child->uid) == 0) {
		child->step = "make a user and a net namespace (limits: "
			      "user.max_user_namespaces, user.max_net_namespaces)";
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
			child->step = "open the user's network namespace";
			child->net = openat(child->self, "ns/net", O_RDONLY | O_CLOEXEC);
		}
	}
	child->error = child->net < 0 ? errno : 0;
	return 0;
}

/*
 * Is the child at work in the kernel (D)? A kernel that ends other network namespaces may need seconds for
 * a new one. The user cannot stop or slow the child there.
 */
static bool in_kernel(const struct child *child)
{
	char text[1024];
	const char *name_end = NULL;

	if (child->self >= 0 && files_read(child->self, "stat", text, sizeof(text)) > 0)
		name_end = strrchr(text, ')');
	return name_end && strncmp(name_end, ") D", 3) == 0;
}

/* Runs the child to its end; it stays a zombie. -errno, logged. */
static int child_start(struct child *child, pid_t *pid)
{
	static char stack[CHILD_STACK] LARGE_BUFFER __attribute__((aligned(16)));
	struct pollfd end = {.fd = -1, .events = POLLIN};
	int ended;

	*pid = clone(child_run, stack + sizeof(stack),
		     CLONE_VM | CLONE_FILES | CLONE_PIDFD | SIGCHLD, child, &end.fd);
	if (*pid < 0)
		return log_errno(errno, "start a process");
	do
		ended = poll(&end, 1, CHILD_WAIT_MS);
	while (ended < 0 ? errno == EINTR : ended == 0 && in_kernel(child));
	close(end.fd);
	if (ended != 1) {
		(void)kill(*pid, SIGKILL);
		/* The child may still write its error. */
		return log_errno(ETIMEDOUT, "make a net namespace: another process stops or slows "
					    "the helper's");
	}
	return child->error ? log_errno(child->error, "%s", child->step) : 0;
}

static int file_write(int self, const char *name, const char *text)
{
	CLEANUP_FD int fd = openat(self, name, O_WRONLY | O_CLOEXEC);
	ssize_t length = (ssize_t)strlen(text);

	if (fd < 0 || write(fd, text, (size_t)length) != length)
		return log_errno(errno, "write %s of the user's namespace", name);
	return 0;
}

/* Without setgroups(2), so that a user cannot leave a group which a file's mode shuts out. */
static int maps_write(const struct child *child, gid_t gid)
{
	char uids[32], gids[32];
	int error;

	snprintf(uids, sizeof(uids), "0 %u 1", child->uid);
	snprintf(gids, sizeof(gids), "0 %u 1", gid);
	error = file_write(child->self, "setgroups", "deny");
	error = error ?: file_write(child->self, "uid_map", uids);
	return error ?: file_write(child->self, "gid_map", gids);
}

int owned_make(uid_t uid, gid_t gid)
{
	/* Static: if the child does not end, it may still write here. */
	static struct child child;
	pid_t pid = -1;
	int error;

	child = (struct child){.uid = uid, .self = -1, .net = -1, .error = EINTR};
	error = child_start(&child, &pid);
	error = error ?: maps_write(&child, gid);
	if (pid > 0)
		(void)waitpid(pid, NULL, error ? WNOHANG : 0);
	cleanup_fd(&child.self);
	if (error)
		cleanup_fd(&child.net);
	return error ?: child.net;
}

bool owned_by(int fd, uid_t uid)
{
	struct stat parent, own;
	uid_t owner;
	CLEANUP_FD int user = ioctl(fd, NS_GET_USERNS);
	CLEANUP_FD int above = user < 0 ? -1 : ioctl(user, NS_GET_PARENT);

	return above >= 0 && fstat(above, &parent) == 0 && stat("/proc/self/ns/user", &own) == 0 &&
	       parent.st_dev == own.st_dev && parent.st_ino == own.st_ino &&
	       ioctl(user, NS_GET_OWNER_UID, &owner) == 0 && owner == uid;
}
