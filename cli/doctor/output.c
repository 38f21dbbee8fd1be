/* pam-netns doctor: the output of another program; see output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_MS 20000

/* Starts it without a shell and with an empty environment. Returns the descriptor to
 * read from, or -errno. */
static int program_start(char *const *words, pid_t *pid)
{
	char *const environment[] = {NULL};
	CLEANUP_FD int from = -1;
	CLEANUP_FD int to = -1;
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	from = ends[0];
	to = ends[1];
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (!error)
		error = posix_spawn(pid, words[0], &actions, NULL, words, environment);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : steal_fd(&from);
}

/* Reads more output. 0: the program has ended, or has been silent for so long that it hangs. */
static ssize_t output_more(int from, pid_t pid, char *text, size_t room)
{
	struct pollfd ready = {.fd = from, .events = POLLIN};

	if (poll(&ready, 1, SILENCE_MS) == 1)
		return read(from, text, room);
	kill(pid, SIGKILL);
	return 0;
}

bool output_read(char *const *words, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got = 1;
	pid_t pid = -1;
	int from = program_start(words, &pid), status;

	if (from < 0)
		return false;
	while (got > 0 && used < size - 1) {
		got = output_more(from, pid, text + used, size - 1 - used);
		used += got > 0 ? (size_t)got : 0;
	}
	text[used] = '\0';
	close(from);
	return waitpid(pid, &status, 0) == pid && status == 0 && used < size - 1;
}
