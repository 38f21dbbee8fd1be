/* Runs nft(8): once for each change of the set-up, never for a login. */
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
#include "rules/nft_path.h"

#define OUTPUT_MAX (16U << 20)

static void nft_exec(pid_t helper, const char *path, char *const argv[], int input, int output)
{
	char *environment[] = {NULL};

	/* nft must not change the rules after the helper's locks are gone, so it
	 * ends with the helper. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != helper)
		_exit(127);
	if (dup2(input, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0)
		execve(path, argv, environment);
	_exit(127);
}

/* Runs nft with memory files for input and output, because a pipe could fill up. Returns its exit
 * status, or -errno. */
static int nft_spawn(char *const argv[], int input, int output)
{
	const char *path = nft_path();
	int status;
	pid_t helper = getpid(), pid;

	if (!path)
		return log_errno(ENOENT, "find nft (install nftables)");
	pid = fork();
	if (pid < 0)
		return log_errno(errno, "start nft");
	if (pid == 0)
		nft_exec(helper, path, argv, input, output);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return log_errno(errno, "wait for nft");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The output of nft, ended with a NUL. The caller frees it. */
static char *output_read(int output)
{
	off_t size = lseek(output, 0, SEEK_END);
	char *text = size >= 0 && size <= OUTPUT_MAX ? calloc(1, (size_t)size + 1) : NULL;

	if (text && pread(output, text, (size_t)size, 0) != size) {
		free(text);
		text = NULL;
	}
	return text;
}

/*
 * Logs the first error, and the rule below it: "Operation not supported" alone does not tell what
 * this kernel lacks.
 */
static int nft_refused(int output)
{
	CLEANUP_FREE char *words = output_read(output);
	char *rule = words ? words + strcspn(words, "\n") : NULL;

	if (rule && *rule) {
		*rule++ = '\0';
		rule += strspn(rule, " \t");
		rule[strcspn(rule, "\n")] = '\0';
	}
	log_error("nft refused our rules: %s%s%s", words && *words ? words : "no reason given",
		  rule && *rule ? ": " : "", rule ?: "");
	return -EINVAL;
}

int nft_run(const char *text, size_t size)
{
	char *argv[] = {(char *)"nft", (char *)"-f", (char *)"-", NULL};
	CLEANUP_FD int input = memfd_create("nft-input", MFD_CLOEXEC);
	CLEANUP_FD int output = memfd_create("nft-output", MFD_CLOEXEC);
	int status;

	if (input < 0 || output < 0 || write(input, text, size) != (ssize_t)size ||
	    lseek(input, 0, SEEK_SET) < 0)
		return log_errno(errno, "prepare nft's input");
	status = nft_spawn(argv, input, output);
	return status <= 0 ? status : nft_refused(output);
}

char *nft_list(void)
{
	char *argv[] = {(char *)"nft", (char *)"list", (char *)"ruleset", NULL};
	CLEANUP_FD int input = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int output = memfd_create("nft-output", MFD_CLOEXEC);

	if (input < 0 || output < 0 || nft_spawn(argv, input, output) != 0)
		return NULL;
	return output_read(output);
}
