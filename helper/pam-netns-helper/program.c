/* Runs other programs: nft(8) for the set-up, systemd's commands for limits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "base/log.h"
#include "ns/overlay.h"

#define OUTPUT_MAX (16U << 20)
#define PATH_SIZE  64

static void program_exec(pid_t helper, const char *path, char *const argv[], int input, int output)
{
	char *environment[] = {NULL};

	/* It must not change anything after the helper's locks are gone, so it ends with the helper. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != helper || overlay_renounce() < 0)
		_exit(127);
	if (dup2(input, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0)
		execve(path, argv, environment);
	_exit(127);
}

int program_start(const char *path, char *const argv[], int input, int output)
{
	int status;
	pid_t helper = getpid(), pid = fork();

	if (pid < 0)
		return log_errno(errno, "start %s", path);
	if (pid == 0)
		program_exec(helper, path, argv, input, output);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return log_errno(errno, "wait for %s", path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

char *program_output(int output)
{
	off_t size = lseek(output, 0, SEEK_END);
	char *text = size >= 0 && size <= OUTPUT_MAX ? calloc(1, (size_t)size + 1) : NULL;

	if (text && pread(output, text, (size_t)size, 0) != size) {
		free(text);
		text = NULL;
	}
	return text;
}

/* PATH is never searched. */
static bool program_find(const char *name, char path[PATH_SIZE])
{
	static const char *const folders[] = {"/usr/bin", "/bin"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, PATH_SIZE, "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

int program_run(char *const argv[])
{
	CLEANUP_FD int input = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int output = memfd_create("output", MFD_CLOEXEC);
	CLEANUP_FREE char *words = NULL;
	char path[PATH_SIZE];
	int status;

	if (input < 0 || output < 0)
		return log_errno(errno, "prepare %s", argv[0]);
	if (!program_find(argv[0], path))
		return log_errno(ENOENT, "find %s", argv[0]);
	status = program_start(path, argv, input, output);
	if (status <= 0)
		return status;
	words = program_output(output);
	if (words)
		words[strcspn(words, "\n")] = '\0';
	log_error("%s %s failed: %s", argv[0], argv[1],
		  words && *words ? words : "no reason given");
	return -EIO;
}
