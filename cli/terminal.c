/* A command's own session and terminal; see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"

#define SIGNAL_STATUS 128 /* exit status of a command that a signal ended, minus the signal */
#define REST_MAX      256 /* reads; a terminal holds less */

static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static void size_copy(const struct terminal *t)
{
	struct winsize size;

	if (ioctl(t->own, TIOCGWINSZ, &size) == 0)
		(void)ioctl(t->master, TIOCSWINSZ, &size);
}

/* The slave is opened by its master. A path could name another one in the
 * user's mount namespace. */
static int pair_open(struct terminal *t, uid_t owner)
{
	struct termios settings;

	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->master < 0 || unlockpt(t->master) < 0)
		return -errno;
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->slave < 0 || fchown(t->slave, owner, (gid_t)-1) < 0 ||
	    tcgetattr(t->own, &t->before) < 0)
		return -errno;
	settings = t->before;
	/* Without this each line would get two carriage returns. */
	if (!t->typed)
		settings.c_oflag &= ~(tcflag_t)OPOST;
	if (tcsetattr(t->slave, TCSANOW, &settings) < 0)
		return -errno;
	size_copy(t);
	return 0;
}

int terminal_open(struct terminal *t, uid_t owner)
{
	sigset_t served;
	int error = 0;

	*t = (struct terminal){.master = -1, .slave = -1, .signals = -1};
	t->own = isatty(STDOUT_FILENO)	 ? STDOUT_FILENO
		 : isatty(STDERR_FILENO) ? STDERR_FILENO
					 : STDIN_FILENO;
	if (isatty(t->own)) {
		/* In `pam-netns exec ... | less` the keyboard is for less. */
		t->typed = isatty(STDIN_FILENO) && t->own == STDOUT_FILENO &&
			   tcgetpgrp(STDIN_FILENO) == getpgrp();
		error = pair_open(t, owner);
	}
	if (error)
		return log_errno(-error, "make a terminal for the command");
	sigemptyset(&served);
	sigaddset(&served, SIGCHLD);
	sigaddset(&served, SIGWINCH);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&served, passed_on[i]);
	/* Ignored signals stay ignored in the command, as under nohup. SIGCHLD is needed here. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &served, &t->mask);
	t->signals = signalfd(-1, &served, SFD_CLOEXEC);
	return t->signals < 0 ? log_errno(errno, "wait for signals") : 0;
}

int terminal_take(const struct terminal *t)
{
	if (setsid() < 0 || (t->slave >= 0 && ioctl(t->slave, TIOCSCTTY, 0) < 0))
		return log_errno(errno, "make a session for the command");
	for (int fd = 0; fd <= STDERR_FILENO && t->slave >= 0; fd++)
		if (isatty(fd) && dup2(t->slave, fd) < 0)
			return log_errno(errno, "give the command its terminal");
	return sigprocmask(SIG_SETMASK, &t->mask, NULL) < 0 ? log_errno(errno, "unblock signals")
							    : 0;
}

static void write_all(int fd, const char *text, ssize_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, (size_t)length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* the output is closed; the command goes on */
		text += n;
		length -= n;
	}
}

/* False: no output at present; if *open is false too, none will come. */
static bool output_copy(const struct terminal *t, bool *open)
{
	char text[4096];
	ssize_t n = read(t->master, text, sizeof(text));

	write_all(t->own, text, n);
	*open = n > 0 || (n < 0 && errno == EAGAIN);
	return n > 0;
}

/* Typed bytes for which the command's terminal has no room yet. */
struct input {
	char text[1024];
	ssize_t length;
	bool ended;
};

static void input_copy(const struct terminal *t, struct input *input)
{
	ssize_t n;

	if (!input->length) {
		input->length = read(STDIN_FILENO, input->text, sizeof(input->text));
		input->ended = input->length <= 0;
		if (input->ended)
			input->length = 0;
	}
	n = write(t->master, input->text, (size_t)input->length);
	if (n < 0)
		n = errno == EAGAIN ? 0 : input->length; /* no process has the terminal open */
	input->length -= n;
	memmove(input->text, input->text + n, (size_t)input->length);
}

/* True: the child has ended. */
static bool signal_serve(const struct terminal *t, pid_t child, int *status)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGCHLD)
		return waitpid(child, status, WNOHANG) == child;
	if (info.ssi_signo == SIGWINCH)
		size_copy(t);
	else
		kill(-child, (int)info.ssi_signo); /* the first process group of its session */
	return false;
}

static int child_serve(const struct terminal *t, pid_t child)
{
	enum { SIGNALS, OUTPUT, INPUT, ROOM, COUNT };
	struct input input = {.ended = !t->typed};
	bool open = t->master >= 0;
	struct pollfd fds[COUNT] = {
	    [SIGNALS] = {.fd = t->signals, .events = POLLIN},
	    [OUTPUT] = {.events = POLLIN},
	    [INPUT] = {.events = POLLIN},
	    [ROOM] = {.events = POLLOUT},
	};
	int status = 0;

	for (;;) {
		fds[OUTPUT].fd = open ? t->master : -1;
		fds[INPUT].fd = input.ended || input.length ? -1 : STDIN_FILENO;
		fds[ROOM].fd = input.length ? t->master : -1;
		if (poll(fds, COUNT, -1) < 0)
			continue; /* EINTR, from SIGCONT after a stop */
		if (fds[OUTPUT].revents)
			(void)output_copy(t, &open);
		if (fds[INPUT].revents || fds[ROOM].revents)
			input_copy(t, &input);
		if (fds[SIGNALS].revents && signal_serve(t, child, &status))
			break;
	}
	/* The rest of the output. Limited, because a process left behind may write without end. */
	for (int i = 0; i < REST_MAX && open && output_copy(t, &open); i++)
		;
	return status;
}

int terminal_serve(struct terminal *t, pid_t child)
{
	struct termios raw = t->before;
	int status;

	cleanup_fd(&t->slave); /* so that poll() reports when the last process closes its end */
	cfmakeraw(&raw);
	if (t->typed)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	status = child_serve(t, child);
	if (t->typed)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
	return WIFSIGNALED(status) ? SIGNAL_STATUS + WTERMSIG(status) : WEXITSTATUS(status);
}
