/* The verified join; see join.h. */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"

/* Where the caller was: for the way back, and for the working directory. */
struct origin {
	int proc; /* /proc/self/ns, open: a later mount on /proc does not change it */
	int fd[MESSAGE_FDS];
	struct stat st[MESSAGE_FDS];
	char cwd[PATH_MAX]; /* "" if it cannot be named */
	struct stat cwd_st;
};
#define CLEANUP_ORIGIN __attribute__((cleanup(origin_close)))

static void origin_close(struct origin *origin)
{
	cleanup_fd(&origin->proc);
	for (int i = 0; i < MESSAGE_FDS; i++)
		cleanup_fd(&origin->fd[i]);
}

/* The name in /proc/self/ns; "" for a type that is none of ours, which no file there has. */
static const char *namespace_name(int type)
{
	switch (type) {
	case CLONE_NEWNET:
		return "net";
	case CLONE_NEWUTS:
		return "uts";
	case CLONE_NEWNS:
		return "mnt";
	default:
		return "";
	}
}

static int origin_open(const struct reply *reply, struct origin *origin)
{
	*origin = (struct origin){.proc = -1, .fd = {-1, -1, -1}};
	origin->proc = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (origin->proc < 0)
		return log_errno(errno, "open /proc/self/ns");
	for (size_t i = 0; i < reply->handed_count; i++) {
		const char *name = namespace_name(reply->handed[i].type);

		if (!*name)
			return log_errno(EBADMSG, "use a namespace of type %#x",
					 (unsigned)reply->handed[i].type);
		origin->fd[i] = openat(origin->proc, name, O_RDONLY | O_CLOEXEC);
		if (origin->fd[i] < 0 || fstat(origin->fd[i], &origin->st[i]) < 0)
			return log_errno(errno, "open the present %s namespace", name);
	}
	if (!getcwd(origin->cwd, sizeof(origin->cwd)) || origin->cwd[0] != '/' ||
	    stat(".", &origin->cwd_st) < 0)
		origin->cwd[0] = '\0';
	return 0;
}

/* Is this process in the namespace now? */
static bool namespace_is(const struct origin *origin, int type, uint64_t device, uint64_t inode)
{
	struct stat now;

	return fstatat(origin->proc, namespace_name(type), &now, 0) == 0 && now.st_dev == device &&
	       now.st_ino == inode;
}

/*
 * The same directory, found by its path without following any link, or "/". Keeping a descriptor of
 * the old one would be an exit into the old view; following links would let their owner choose.
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
	return chdir("/") < 0 ? log_errno(errno, "enter /") : 0;
}

static int join_all(const struct reply *reply, const struct origin *origin)
{
	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *h = &reply->handed[i];

		if (setns(h->fd, h->type) < 0)
			return log_errno(errno, "enter the %s namespace", namespace_name(h->type));
	}
	for (size_t i = 0; i < reply->handed_count; i++) {
		const struct handed *h = &reply->handed[i];

		if (!namespace_is(origin, h->type, h->device, h->inode))
			return log_errno(
			    EPROTO, "verify the %s namespace: it is not the one that was promised",
			    namespace_name(h->type));
	}
	return cwd_restore(origin);
}

/* Back in the reverse order, and verified too. */
static int join_undo(const struct reply *reply, const struct origin *origin, int cause)
{
	for (size_t i = reply->handed_count; i-- > 0;) {
		int type = reply->handed[i].type;
		const struct stat *st = &origin->st[i];

		if (setns(origin->fd[i], type) < 0 ||
		    !namespace_is(origin, type, st->st_dev, st->st_ino)) {
			log_errno(errno, "go back to the old %s namespace", namespace_name(type));
			return -ENOTRECOVERABLE;
		}
	}
	return cwd_restore(origin) < 0 ? -ENOTRECOVERABLE : cause;
}

int join_namespaces(const struct reply *reply)
{
	CLEANUP_ORIGIN struct origin origin;
	int result = origin_open(reply, &origin);

	if (result < 0)
		return result;
	result = join_all(reply, &origin);
	return result < 0 ? join_undo(reply, &origin, result) : 0;
}
