/*
 * PID 1 of a throw-away host: runs one command, reaps its other children, and ends with the command's
 * exit status. At its end the kernel kills all other processes of the host.
 *
 * If another program is PID 1 (systemd), it writes the exit status to descriptor 3 and powers the host off, which
 * in a PID namespace kills PID 1.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_FD 3

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

static int host_end(int code)
{
	if (getpid() == 1)
		return code;
	if (dprintf(STATUS_FD, "%d", code) > 0)
		reboot(RB_POWER_OFF);
	fprintf(stderr, "host-init: cannot end the host: %s\n", strerror(errno));
	return 126;
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
	close_range(STATUS_FD + (getpid() != 1), ~0U, 0);
	signals_reset();
	command = fork();
	if (command < 0) {
		fprintf(stderr, "host-init: cannot fork: %s\n", strerror(errno));
		return 126;
	}
	if (command == 0) {
		close(STATUS_FD);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "host-init: cannot run %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	for (;;) {
		ended = wait(&status);
		if (ended == command)
			return host_end(status_to_code(status));
		if (ended < 0 && errno != EINTR)
			return host_end(126);
	}
}
