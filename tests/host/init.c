/*
 * PID 1 of a throw-away host: runs one command, reaps its other children, and ends with the command's
 * exit status. At its end the kernel kills all other processes of the host.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A shell's background commands ignore SIGINT and SIGQUIT; sessions of a real host do not. */
static void signals_reset(void)
{
	/* All zero is SIG_DFL. The system call also sets 32 and 33, which posix_spawn() leaves ignored
	 * and sigaction() refuses. */
	static const struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} by_default;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, &by_default, NULL, sizeof(by_default.mask));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int status_to_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	pid_t command, ended;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: host-init COMMAND [ARGUMENT...]\n");
		return 2;
	}
	prctl(PR_SET_NAME, "host-init");
	close_range(3, ~0U, 0);
	signals_reset();
	command = fork();
	if (command < 0) {
		fprintf(stderr, "host-init: cannot fork: %s\n", strerror(errno));
		return 126;
	}
	if (command == 0) {
		execvp(argv[1], argv + 1);
		fprintf(stderr, "host-init: cannot run %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	for (;;) {
		ended = wait(&status);
		if (ended == command)
			return status_to_code(status);
		if (ended < 0 && errno != EINTR)
			return 126;
	}
}
