/*
 * Runs the helper; see call.h.
 *
 * 1. The request is put into the socket before the helper starts. So sending cannot block, and the
 *    helper finds it.
 * 2. call_start (start.h) starts the helper.
 * 3. If the helper moves into another cgroup, another child goes on as the helper.
 * 4. Log lines and one reply come over the socket. They are the result, never the exit status: a
 *    caller's own SIGCHLD handler may have taken that.
 */
#include "call/call.h"
#include "call/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>

#include "call/start.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "net/rtnl.h"

#define LOG_LINES_MAX 1000 /* of one call; a faulty helper must not fill the log */
#define KILL_WAIT     1000 /* milliseconds; longer only if the kernel itself is stuck */

/* The host's, for a caller whose / is an image's. */
#define OUTSIDE_PATH HOSTPROC "/1/root" HELPER_PATH

const char *call_helper_path = HELPER_PATH;

struct call {
	const char *verb;
	int64_t until; /* CLOCK_MONOTONIC, milliseconds */
	pid_t pid;
	int process; /* pidfd */
	int socket;
	const char *path;
	bool moved; /* it is another process than the one that was started */
};

static int time_left(int64_t until)
{
	int64_t left = until - clock_ms();

	return left > 0 ? (int)left : 0;
}

/* If descriptors 0 to 2 are closed, a socket there would get what the caller prints. */
static int raise_fd(int *fd)
{
	int raised;

	if (*fd > STDERR_FILENO)
		return 0;
	raised = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (raised < 0)
		return -errno;
	close(*fd);
	*fd = raised;
	return 0;
}

static int open_sockets(int *ours, int *childs)
{
	int pair[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return log_errno(errno, "make a socket pair for the helper");
	*ours = pair[0];
	*childs = pair[1];
	error = raise_fd(ours);
	error = error ?: raise_fd(childs);
	return error ? log_errno(-error, "move the helper's socket") : 0;
}

static void kill_helper(const struct call *call)
{
	if (syscall(SYS_pidfd_send_signal, call->process, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		log_errno(errno, "kill the helper (pid %d)", (int)call->pid);
}

static bool wait_ended(const struct call *call, int64_t until)
{
	struct pollfd ended = {.fd = call->process, .events = POLLIN};
	int count;

	do
		count = poll(&ended, 1, time_left(until));
	while (count < 0 && errno == EINTR);
	return count > 0;
}

#define STUCK (-1) /* no wait status */

/*
 * Leaves no zombie. Returns the wait status; 0 if another thread of the caller was faster, STUCK if
 * the kernel does not let it end.
 */
static int end_helper(const struct call *call, bool kill_now)
{
	int status = 0;

	if (kill_now || !wait_ended(call, call->until)) {
		if (!kill_now)
			log_warning("helper %s did not end after its reply: killed", call->verb);
		kill_helper(call);
		if (!wait_ended(call, clock_ms() + KILL_WAIT))
			return STUCK;
	}
	while (waitpid(call->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* On failure the helper is ended, and call->process is -1. */
static int process_open(struct call *call)
{
	int error;

	call->process = (int)syscall(SYS_pidfd_open, call->pid, 0);
	if (call->process >= 0)
		return 0;
	error = log_errno(errno, "open a pidfd of the helper (pid %d)", (int)call->pid);
	kill(call->pid, SIGKILL);
	while (waitpid(call->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error;
}

/*
 * With all signals blocked and cancellation off: the caller's handlers and cleanup must not run in
 * the child, and the helper takes signals only after it has a session of its own.
 */
static int start_helper(struct call *call, int childs_socket)
{
	sigset_t all, old;
	int error, cancel;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = call_start(childs_socket, call->path, call->verb, &call->pid);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setcancelstate(cancel, NULL);
	if (error) {
		log_errno(-error, "run %s", call->path);
		return -ENOEXEC;
	}
	return process_open(call);
}

static void pass_log(const struct log_line *line)
{
	if (line->level <= LOG_ERR)
		log_error("%s", line->text);
	else if (line->level == LOG_WARNING)
		log_warning("%s", line->text);
	else if (line->level <= LOG_INFO)
		log_account("%s", line->text); /* the helper decides which lines to hold back */
	else
		log_debug("%s", line->text);
}

/* At the deadline: does it wait for rtnl, which cannot be taken from its holder? */
static bool awaits_rtnl(const struct call *call)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return proc >= 0 && rtnl_awaited(proc, call->pid);
}

static void explain_failure(const struct call *call, int error, int status, bool rtnl)
{
	if (rtnl)
		log_error("helper %s waits for the kernel's lock of network configuration (rtnl), "
			  "which the end of another network namespace holds, and its deadline is "
			  "over: see rtnl in pam_netns(8)",
			  call->verb);
	else if (status == STUCK)
		log_error("helper %s (pid %d) cannot be killed", call->verb, (int)call->pid);
	else if (error == -ETIMEDOUT)
		log_error("helper %s gave no reply within its deadline: killed", call->verb);
	else if (error != -EPIPE)
		log_errno(-error, "read the reply of helper %s", call->verb);
	else if (WIFSIGNALED(status))
		log_error("helper %s ended without a reply (signal %d)", call->verb,
			  WTERMSIG(status));
	else
		log_error("helper %s ended without a reply (exit status %d)", call->verb,
			  WEXITSTATUS(status));
}

/*
 * The helper goes on as another child of ours. What it was has nothing left to do, and is ended even
 * if its user has stopped it.
 */
static int helper_moved(struct call *call, pid_t pid)
{
	siginfo_t ended;

	if (call->moved)
		return -EBADMSG;
	if (call->process >= 0)
		(void)end_helper(call, true);
	close(call->process);
	call->process = -1;
	call->moved = true;
	/* In another PID namespace than ours, the number would be another process. */
	if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	call->pid = pid;
	return process_open(call);
}

/* Log lines, then the first reply. */
static int await_reply(struct call *call, struct reply *reply)
{
	struct message message;
	unsigned lines = 0;

	for (;;) {
		int error = message_receive(call->socket, time_left(call->until), &message);

		/* Reads packets that are there already even if the time is up. */
		if (!error && message.kind == MESSAGE_LOG && clock_ms() >= call->until)
			error = -ETIMEDOUT;
		if (error)
			return error;
		if (message.kind == MESSAGE_REPLY) {
			*reply = message.reply;
			return 0;
		}
		if (message.kind == MESSAGE_MOVED) {
			error = helper_moved(call, message.moved);
			if (error)
				return error;
			continue;
		}
		if (++lines <= LOG_LINES_MAX)
			pass_log(&message.log);
		if (lines == LOG_LINES_MAX)
			log_warning("helper %s: further log lines are left out", call->verb);
	}
}

/*
 * The call has failed. A helper that moves meanwhile cannot tell it any more, and ends; one that has
 * told it just before is found.
 */
static void take_late_move(struct call *call)
{
	struct message message;

	(void)shutdown(call->socket, SHUT_RDWR);
	while (message_receive(call->socket, 0, &message) == 0) {
		if (message.kind == MESSAGE_MOVED)
			(void)helper_moved(call, message.moved);
		if (message.kind == MESSAGE_REPLY)
			reply_close(&message.reply);
	}
}

/* There is no pidfd of the helper, which has ended. If it had moved, its copy tells so, and ends. */
static void end_copy(struct call *call)
{
	struct message message;

	while (!call->moved && message_receive(call->socket, time_left(call->until), &message) == 0)
		if (message.kind == MESSAGE_MOVED)
			(void)helper_moved(call, message.moved);
	if (call->process >= 0)
		(void)end_helper(call, true);
	close(call->process);
}

static int run_helper(const char *verb, const struct request *request, unsigned deadline_ms,
		      struct reply *reply)
{
	CLEANUP_FD int ours = -1, childs = -1;
	struct call call = {.verb = verb,
			    .path = request->image ? OUTSIDE_PATH : call_helper_path,
			    .until = clock_ms() + deadline_ms,
			    .process = -1};
	int error, status;

	error = open_sockets(&ours, &childs);
	if (error)
		return error;
	error = message_send_request(ours, request);
	if (error)
		return log_errno(-error, "send the request to helper %s", verb);
	error = start_helper(&call, childs);
	call.socket = ours;
	/* The end of the helper shows on the socket only after our copy is closed. */
	close(steal_fd(&childs));
	if (error) {
		end_copy(&call);
		return error;
	}
	error = await_reply(&call, reply);
	if (error)
		take_late_move(&call);
	/* Closed before the wait: a helper that still writes gets EPIPE, and no full socket. */
	close(steal_fd(&ours));
	bool rtnl = error == -ETIMEDOUT && awaits_rtnl(&call);

	status = call.process < 0 ? 0 : end_helper(&call, error != 0);
	close(call.process);
	if (error || status == STUCK)
		explain_failure(&call, error, status, rtnl);
	return error && status == STUCK ? -EBUSY : error;
}

/*
 * Gives the caller its SIGCHLD back. Signals of its own children are lost while the signal is
 * default, so it is sent again if one of them waits. If the caller ignores the signal, children
 * that ended meanwhile are collected here, as the kernel would have done.
 */
static void restore_sigchld(const struct sigaction *old)
{
	bool ignored = old->sa_handler == SIG_IGN || old->sa_flags & SA_NOCLDWAIT;
	siginfo_t ended = {.si_pid = 0};

	sigaction(SIGCHLD, old, NULL);
	if (ignored) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		return;
	}
	if (old->sa_handler == SIG_DFL)
		return;
	if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid)
		kill(getpid(), SIGCHLD);
}

int helper_call(const char *verb, const struct request *request, unsigned deadline_ms,
		struct reply *reply)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	struct sigaction old;
	int error;

	memset(reply, 0, sizeof(*reply));
	sigaction(SIGCHLD, &standard, &old);
	error = run_helper(verb, request, deadline_ms, reply);
	restore_sigchld(&old);
	return error;
}
