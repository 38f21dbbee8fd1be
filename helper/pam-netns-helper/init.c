/* Process 1 of a user's PID namespace; see init.h. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "ns/kernfs.h"

/* Both directions: a command with the path of a pin, "" for a procfs; 0 or -errno, with the procfs. */
struct letter {
	int error;
	char path[128];
};

static int letter_send(int socket, const struct letter *letter, int fd)
{
	struct iovec data = {.iov_base = (void *)letter, .iov_len = sizeof(*letter)};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS,
					   .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	ssize_t n;

	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* *fd: the attached descriptor, -1: none. -EPIPE: the other side is gone. */
static int letter_receive(int socket, struct letter *letter, int *fd)
{
	struct iovec data = {.iov_base = letter, .iov_len = sizeof(*letter)};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*letter))
		return n < 0 ? -errno : -EPIPE;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return 0;
}

static int mnt_enter(const char *path)
{
	CLEANUP_FD int mnt = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (mnt < 0 || setns(mnt, CLONE_NEWNS) < 0)
		return log_errno(errno, "enter %s", path);
	return 0;
}

/*
 * Users see this process, but it has nothing that they could use, and they cannot look into it. The
 * kernel lets no signal of the namespace itself through, and no signal that is blocked.
 */
static int privilege_shed(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	sigset_t all;

	sigfillset(&all);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "pam-netns-init", 0, 0, 0);
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR || sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0)
		return log_errno(errno, "give up the privileges of process 1 of a user");
	return 0;
}

static void __attribute__((noreturn)) init_sleep(void)
{
	for (;;)
		(void)poll(NULL, 0, -1);
}

/* Ends with the helper, until it has settled. */
static void __attribute__((noreturn)) init_serve(int socket, bool hide, gid_t watchers)
{
	struct letter letter;
	int fd;

	while (letter_receive(socket, &letter, &fd) == 0) {
		bool settle = *letter.path;
		CLEANUP_FD int proc = settle ? -1 : proc_open(hide, watchers);

		letter.error = settle ? mnt_enter(letter.path) : proc < 0 ? proc : 0;
		if (settle)
			letter.error = letter.error ?: privilege_shed();
		if (letter_send(socket, &letter, proc) < 0)
			break;
		if (settle && !letter.error) {
			/* The helper has the answer, whether or not this is seen. */
			(void)syscall(SYS_close_range, 0, UINT_MAX, 0);
			init_sleep();
		}
	}
	_exit(1);
}

pid_t init_start(bool hide, gid_t watchers, int *out)
{
	struct clone_args how = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return log_errno(errno, "make a socket for process 1 of a user");
	pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how));
	if (pid == 0) {
		close(ends[0]);
		init_serve(ends[1], hide, watchers);
	}
	close(ends[1]);
	*out = ends[0];
	if (pid > 0)
		return pid;
	pid = log_errno(errno, "make a pid namespace (limit: user.max_pid_namespaces)");
	cleanup_fd(out);
	*out = -1;
	return pid;
}

static int letter_exchange(int socket, const char *path, int *fd)
{
	struct letter letter = {0};
	int error;

	snprintf(letter.path, sizeof(letter.path), "%s", path);
	error = letter_send(socket, &letter, -1);
	error = error ?: letter_receive(socket, &letter, fd);
	if (error)
		return log_errno(-error, "talk to process 1 of a user");
	return letter.error; /* logged by that process, which has the helper's log */
}

int init_proc(int socket)
{
	int proc = -1;
	int error = letter_exchange(socket, "", &proc);

	return error || proc >= 0 ? error ?: proc
				  : log_errno(EBADMSG, "get a /proc from process 1 of a user");
}

int init_settle(int socket, const char *mnt)
{
	CLEANUP_FD int none = -1;

	return letter_exchange(socket, mnt, &none);
}
