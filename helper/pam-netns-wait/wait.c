/*
 * pam-netns-wait: runs a command as its child, and behaves as if it were that command.
 *
 * Only children of a process enter a PID namespace. So if the user has one, pam-netns-enter joins
 * the others and becomes this program, which has no more rights than the command. To a shell it
 * behaves as the command:
 *
 * - Both are in one process group, so both get what the terminal sends. Signals that a process sends are
 *   passed on; if it sends one to the whole group, the command gets it twice.
 * - If the command is stopped, this process stops by the same signal, and its continuation is
 *   passed on.
 * - It ends by the same signal as the command, or with the same exit status.
 * - If it is killed, the kernel kills the command (but not a setuid program, such as sudo).
 * - It keeps no descriptors: a pipe ends with the command.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/command.h"

#define STATUS_REFUSED 1
#define STATUS_SIGNAL  128

/* All signals are blocked, except while this process stops or ends by one. */
static void signal_take(int signal)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	(void)sigaction(signal, &usual, NULL);
	kill(getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void command_follow(int status)
{
	const struct rlimit none = {0, 0};

	if (WIFSTOPPED(status)) {
		signal_take(WSTOPSIG(status));
		return;
	}
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	(void)setrlimit(RLIMIT_CORE, &none); /* the command's is enough */
	signal_take(WTERMSIG(status));
	_exit(STATUS_SIGNAL + WTERMSIG(status));
}

/*
 * The kernel sends to the whole process group, except by the timer of alarm(2), which a program may
 * have set before it became this one.
 */
static bool signal_passes(const siginfo_t *info)
{
	return info->si_signo == SIGALRM || info->si_code <= 0;
}

static void __attribute__((noreturn)) command_serve(pid_t child)
{
	siginfo_t info;
	sigset_t all;
	int status;

	sigfillset(&all);
	for (;;) {
		if (sigwaitinfo(&all, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			if (signal_passes(&info))
				kill(child, info.si_signo);
			continue;
		}
		while (waitpid(child, &status, WNOHANG | WUNTRACED) == child)
			command_follow(status);
	}
}

/*
 * The child. The kernel tells it the end of its parent from now on, and a pidfd an end before that.
 * getppid() does not: parent and init are both outside of its PID namespace.
 */
static void __attribute__((noreturn)) command_begin(int parent, char **command)
{
	struct pollfd ended = {.fd = parent, .events = POLLIN};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&ended, 1, 0) != 0)
		_exit(STATUS_REFUSED);
	command_exec(command);
}

int main(int argc, char **argv)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, inherited;
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t child;
	sigset_t all, mask;

	if (argc < 1)
		return STATUS_REFUSED;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	/* If the caller ignores SIGCHLD, the kernel tells no exit status. */
	sigaction(SIGCHLD, &usual, &inherited);
	child = fork();
	if (child < 0) {
		dprintf(STDERR_FILENO, "pam-netns-enter: cannot start a process: %s\n",
			errno == ENOMEM ? "process 1 of your PID namespace has ended; log in again"
					: strerror(errno));
		return STATUS_REFUSED;
	}
	if (child == 0) {
		sigaction(SIGCHLD, &inherited, NULL);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		command_begin(self, argv + 1);
	}
	(void)prctl(PR_SET_NAME, "pam-netns-wait");
	(void)syscall(SYS_close_range, 0U, ~0U, 0U);
	command_serve(child);
}
