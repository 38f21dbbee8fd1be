/* The verified join; see join.h. */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/paths.h"

/* The caller's state before the join, for the way back and the working directory. */
struct origin {
	int proc; /* /proc/self/ns, open: a later mount on /proc does not change it */
	struct namespaces ns;
	struct stat st[NAMESPACE_KINDS];
	char cwd[PATH_MAX]; /* "" if it cannot be named */
	struct stat cwd_st;
};
#define CLEANUP_ORIGIN __attribute__((cleanup(origin_close)))

static void origin_close(struct origin *origin)
{
	cleanup_fd(&origin->proc);
	namespaces_close(&origin->ns);
}

/* A process that joined a PID namespace is not in the /proc of that, but in the host's. */
static int namespaces_folder(void)
{
	int folder = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0 && errno == ENOENT)
		folder = open(HOSTPROC "/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? log_errno(errno, "open /proc/self/ns") : folder;
}

int join_pid_leave(void)
{
	CLEANUP_FD int folder = namespaces_folder();
	struct stat own, now;

	if (folder < 0)
		return folder;
	CLEANUP_FD int pid = openat(folder, "pid", O_RDONLY | O_CLOEXEC);

	if (pid < 0 || setns(pid, CLONE_NEWPID) < 0 || fstat(pid, &own) < 0 ||
	    fstatat(folder, namespace_kinds[KIND_PID].joined, &now, 0) < 0)
		return log_errno(errno, "go back to the old pid namespace");
	return own.st_dev == now.st_dev && own.st_ino == now.st_ino
		   ? 0
		   : log_errno(EPROTO, "verify the old pid namespace");
}

static int origin_open(const struct reply *reply, struct origin *origin)
{
	namespaces_init(&origin->ns);
	origin->proc = namespaces_folder();
	if (origin->proc < 0)
		return origin->proc;
	for (size_t i = 0; i < reply->handed_count; i++) {
		enum namespace_kind kind = reply->handed[i].kind;
		const char *name = namespace_kinds[kind].joined;
		int fd = openat(origin->proc, name, O_RDONLY | O_CLOEXEC);

		origin->ns.fd[kind] = fd;
		if (fd < 0 || fstat(fd, &origin->st[kind]) < 0)
			return log_errno(errno, "open the present %s namespace", name);
	}
	if (!getcwd(origin->cwd, sizeof(origin->cwd)) || origin->cwd[0] != '/' ||
	    stat(".", &origin->cwd_st) < 0)
		origin->cwd[0] = '\0';
	return 0;
}

/* Is this process in the namespace now? */
static bool namespace_is(const struct origin *origin, enum namespace_kind kind, uint64_t device,
			 uint64_t inode)
{
	struct stat now;

	return fstatat(origin->proc, namespace_kinds[kind].joined, &now, 0) == 0 &&
	       now.st_dev == device && now.st_ino == inode;
}

/*
 * Enters the same directory, by its path and without following links, or else "/". A kept
 * descriptor of the old one would lead back to the old mount namespace, and a link's owner could
 * choose its target.
 */
static int cwd_restore(const struct origin *origin)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	struct stat st;
	CLEANUP_FD int dir = -1;

	if (origin->cwd[0])
		dir = (int)syscall(SYS_openat2, AT_FDCWD, origin->cwd, &how, sizeof(how));
	if (dir >= 0 && fstat(dir, &st) == 0 && st.st_dev == origin->cwd_st.st_dev &&
	    st.st_ino == origin->cwd_st.st_ino && fchdir(dir) == 0)
		return 0;
	return chdir("/") ? log_errno(errno, "enter /") : 0;
}

/* If process 1 has ended, the namespace can be joined, but it takes no children. */
static bool process_runs(int pidfd)
{
	struct pollfd process = {.fd = pidfd, .events = POLLIN};
	int ended;

	do
		ended = poll(&process, 1, 0);
	while (ended < 0 && errno == EINTR);
	return ended == 0;
}

static int join_refused(const char *kind, int error)
{
	if (error != EUSERS)
		return log_errno(error, "enter the %s namespace", kind);
	log_error(
	    "this login program has threads, and the kernel lets only a process with one thread "
	    "enter a %s namespace: remove %s from namespaces in the profile",
	    kind, kind);
	return -EUSERS;
}

static int join_all(const struct reply *reply, const struct origin *origin)
{
	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *h = &reply->handed[i];
		const struct namespace_row *row = &namespace_kinds[h->kind];

		if (setns(h->fd, row->clone_flag) < 0)
			return join_refused(row->name, errno);
	}
	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *h = &reply->handed[i];

		if (!namespace_is(origin, h->kind, h->device, h->inode))
			return log_errno(
			    EPROTO, "verify the %s namespace: it is not the one that was promised",
			    namespace_kinds[h->kind].name);
		if (h->kind == KIND_PID && !process_runs(h->fd))
			return log_errno(ESRCH, "use the pid namespace: its process 1 has ended");
	}
	return cwd_restore(origin);
}

/* Goes back in reverse order, and verifies that too. */
static int join_undo(const struct reply *reply, const struct origin *origin, int cause)
{
	for (size_t i = reply->handed_count; i-- > 0;) {
		enum namespace_kind kind = reply->handed[i].kind;
		const struct namespace_row *row = &namespace_kinds[kind];
		const struct stat *st = &origin->st[kind];

		if (namespace_is(origin, kind, st->st_dev, st->st_ino))
			continue;
		if (setns(origin->ns.fd[kind], row->clone_flag) < 0 ||
		    !namespace_is(origin, kind, st->st_dev, st->st_ino)) {
			log_errno(errno, "go back to the old %s namespace", row->name);
			return -ENOTRECOVERABLE;
		}
	}
	return cwd_restore(origin) ? -ENOTRECOVERABLE : cause;
}

int join_namespaces(const struct reply *reply)
{
	CLEANUP_ORIGIN struct origin origin;
	int error = origin_open(reply, &origin);

	if (error)
		return error;
	error = join_all(reply, &origin);
	return error ? join_undo(reply, &origin, error) : 0;
}
