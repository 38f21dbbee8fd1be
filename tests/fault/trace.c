/*
 * Seccomp user notification: each system call of the traced process and its descendants waits for the
 * answer of this program. The call goes on, fails with an errno without running, or never returns, as
 * the process is killed or stopped. Other processes see no effect between two system calls, so these are
 * all points at which a process can die.
 */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRANSFER_FD 900
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6; older ones are slower */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

static int filter_install(void)
{
	/* Not for calls that cannot fail, nor for the message with the listener. */
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 5, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRANSFER_FD, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void fd_send(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(socket, &m, 0) != 1)
		_exit(99);
}

static int fd_receive(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

void trace_start(struct trace *trace, void (*body)(void))
{
	int pair[2], listener;

	trace->opened = trace->closed = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		err(2, "socketpair");
	trace->root = fork();
	if (trace->root < 0)
		err(2, "fork");
	if (trace->root == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup3(pair[1], TRANSFER_FD, O_CLOEXEC) < 0)
			_exit(98);
		close(pair[0]);
		close(pair[1]);
		listener = filter_install();
		if (listener < 0)
			_exit(97);
		fd_send(TRANSFER_FD, listener);
		close(TRANSFER_FD);
		close(listener);
		body();
		_exit(0);
	}
	close(pair[1]);
	trace->listener = fd_receive(pair[0]);
	close(pair[0]);
	if (trace->listener < 0)
		errx(2, "no listener: does this kernel have seccomp user notification?");
	(void)ioctl(trace->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL /* SYNC_WAKE_UP */);
	trace->processes[trace->count++] = (struct traced){trace->root, ROLE_CALLER, PHASE_NONE};
}

static struct traced *traced_known(struct trace *t, pid_t pid)
{
	for (size_t i = t->count; i-- > 0;)
		if (t->processes[i].pid == pid)
			return &t->processes[i];
	return NULL;
}

/* If a reaper's parent has ended when the reaper is first seen, it belongs to the present phase. */
static struct traced *traced_find(struct trace *t, pid_t pid)
{
	struct traced *process = traced_known(t, pid), *parent;

	if (process)
		return process;
	if (t->count == TRACED_MAX)
		errx(2, "too many processes");
	parent = traced_known(t, process_parent_of(pid));
	process = &t->processes[t->count++];
	*process = (struct traced){pid, ROLE_REST, t->phase};
	if (parent && parent->role == ROLE_CALLER)
		process->role = ROLE_HELPER;
	else if (parent)
		process->phase = parent->phase;
	return process;
}

static void complain(struct trace *t, const char *text)
{
	if (!t->complaint[0])
		snprintf(t->complaint, sizeof(t->complaint), "%s", text);
}

static void mark_take(struct trace *t, const struct seccomp_data *data)
{
	enum phase phase = (enum phase)data->args[1];

	t->processes[0].phase = phase;
	/* A process that is first seen after a call belongs to that call. */
	if (phase != PHASE_NONE)
		t->phase = phase;
	if (phase == PHASE_OPENED) {
		t->opened = (int)data->args[2];
		t->place = process_place(t->root, TARGET_UID);
		if (t->opened_check)
			t->opened_check(t);
	} else if (phase == PHASE_CLOSED) {
		t->closed = (int)data->args[2];
		t->place_closed = process_place(t->root, TARGET_UID);
	} else if (phase == PHASE_NONE) {
		static const char *const parts[] = {"descriptors", "signals",	  "umask",
						    "directory",   "children",	  "ids",
						    "limits",	   "no_new_privs"};

		/* If the directory cannot be found again, "/" is right. */
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (data->args[2] & (1U << i) &&
			    !(t->hit && i == 3 && data->args[2] & OWN_AT_ROOT)) {
				char text[64];

				snprintf(text, sizeof(text), "the caller's %s changed", parts[i]);
				complain(t, text);
			}
	}
}

static bool mask_hits(struct trace *t, long number)
{
	if (number == SYS_setns)
		return t->setns++ < 64 && t->fault.masks[0] >> (t->setns - 1) & 1;
	if (number == SYS_newfstatat)
		return t->fstatats++ < 64 && t->fault.masks[1] >> (t->fstatats - 1) & 1;
	return false;
}

/* These calls have no error. */
static bool never_fails(long number)
{
	switch (number) {
	case SYS_getpid:
	case SYS_getppid:
	case SYS_gettid:
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
	case SYS_umask:
	case SYS_set_tid_address:
		return true;
	default:
		return false;
	}
}

/* True: this call is hit. */
static bool site_hits(struct trace *t, const struct traced *process,
		      const struct seccomp_data *data)
{
	const struct fault *f = &t->fault;
	bool malloc = data->nr == SYS_prctl && data->args[0] == MALLOC_OPTION;
	/* OPENED still belongs to the open call, CLOSED to the close call: processes that they left. */
	enum phase phase = process->phase == PHASE_OPENED   ? PHASE_OPEN
			   : process->phase == PHASE_CLOSED ? PHASE_CLOSE
							    : process->phase;

	if (process->role == ROLE_CALLER)
		phase = process->phase;
	if (process->role != f->role || phase != f->phase || t->out_of_reach ||
	    (f->hit == HIT_ERROR && never_fails(data->nr)) ||
	    (f->by_user && process_is_targets(process->pid)))
		return false;
	if (f->masks[0] || f->masks[1]) {
		t->sites++;
		if (!mask_hits(t, data->nr))
			return false;
	} else if (malloc != f->mallocs) {
		return false;
	} else if (++t->sites != f->site) {
		return t->hit && f->sticky && data->nr == t->number;
	}
	t->hit = true;
	t->number = data->nr;
	t->victim = process->pid;
	return true;
}

static void cgroup_move(const char *group, pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), CGROUPS "/%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!dprintf(fd, "%d", pid);
	if (fd >= 0)
		close(fd);
}

/* With the target's rights, without root's. */
static bool user_can(bool (*act)(const struct trace *, pid_t), const struct trace *t, pid_t pid)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(setresuid(TARGET_UID, TARGET_UID, TARGET_UID) < 0 || !act(t, pid));
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool group_freeze(bool freeze)
{
	int fd = open(USERS_CGROUP "/cgroup.freeze", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, freeze ? "1" : "0", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static bool process_halt(const struct trace *t, pid_t pid)
{
	if (t->fault.hit != HIT_FREEZE)
		return kill(pid, t->fault.hit == HIT_KILL ? SIGKILL : SIGSTOP) == 0;
	if (t->fault.by_user)
		return group_freeze(true);
	cgroup_move("frozen", pid);
	return true;
}

void trace_continue(struct trace *t)
{
	/* su(1) stops itself if its shell is stopped. */
	if (t->victim && t->fault.hit == HIT_STOP)
		for (size_t i = 0; i < t->count; i++)
			kill(t->processes[i].pid, SIGCONT);
	else if (t->victim && t->fault.hit == HIT_FREEZE && t->fault.by_user)
		(void)group_freeze(false);
	else if (t->victim && t->fault.hit == HIT_FREEZE)
		cgroup_move(".", t->victim);
}

/* Kills, stops or freezes. True: the call needs an answer. */
static bool halt(struct trace *t, pid_t pid)
{
	if (!t->fault.by_user) {
		(void)process_halt(t, pid);
		return false; /* a stopped process repeats the call */
	}
	if (!user_can(process_halt, t, pid)) {
		t->out_of_reach = true;
		t->hit = false;
		t->victim = 0;
		return true;
	}
	/* A process outside the frozen group goes on. */
	return t->fault.hit == HIT_FREEZE;
}

static void notification_answer(struct trace *t)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp response = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	bool mark;

	if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return; /* it was killed meanwhile */
	response.id = request.id;
	struct traced *process = traced_find(t, (pid_t)request.pid);

	mark = request.data.nr == SYS_prctl && request.data.args[0] == MARK_OPTION;
	if (mark) {
		mark_take(t, &request.data);
	} else if (site_hits(t, process, &request.data)) {
		if (t->fault.hit != HIT_ERROR) {
			if (!halt(t, process->pid))
				return;
		} else {
			response.flags = 0;
			/* brk(2) of the kernel has no errno */
			response.error = request.data.nr == SYS_brk ? 0 : -t->fault.error;
		}
	}
	(void)ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool inits_are_left(const struct trace *t)
{
	bool init = false;

	for (size_t i = 0; i < t->count; i++) {
		siginfo_t info = {0};
		pid_t pid = t->processes[i].pid;

		if (process_is_init(pid))
			init = true;
		else if (pid == t->root
			     ? waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
				   !info.si_pid
			     : kill(pid, 0) == 0)
			return false;
	}
	return init;
}

bool trace_serve(struct trace *t, int fd, bool until_hit, int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd fds[] = {{.fd = t->listener, .events = POLLIN},
				       {.fd = fd, .events = POLLIN}};
		int64_t left = until - now_ms();

		if (t->ended || (until_hit && t->hit))
			return true;
		if (left <= 0 || poll(fds, 2, left < 100 ? (int)left : 100) < 0)
			return false;
		if (!fds[0].revents && !fds[1].revents)
			t->ended = inits_are_left(t);
		else if (fds[0].revents & POLLIN)
			notification_answer(t);
		else if (fds[0].revents)
			t->ended = true;
		else if (fds[1].revents)
			return true;
	}
}

void trace_finish(struct trace *t)
{
	for (size_t i = 0; i < t->count && !t->ended; i++)
		kill(t->processes[i].pid, SIGKILL);
	trace_continue(t);
	if (!t->ended)
		(void)trace_serve(t, -1, false, 2000);
	close(t->listener);
	while (waitpid(t->root, NULL, 0) < 0 && errno == EINTR)
		;
	/* The filter is removed before the namespaces: gc rightly finds processes in them. */
	for (size_t i = 0; i < t->count; i++)
		for (int wait = 0; wait < 2000 && kill(t->processes[i].pid, 0) == 0 &&
				   !process_is_init(t->processes[i].pid);
		     wait++)
			usleep(1000);
}
