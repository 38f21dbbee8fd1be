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

/* Runs nft with memory files for input and output, because a pipe could fill up. */
static int nft_start(char *const argv[], int input, int output)
{
	const char *path = nft_path();

	if (!path)
		return log_errno(ENOENT, "find nft (install nftables)");
	return program_start(path, argv, input, output);
}

/*
 * Logs the first error, and the rule below it: "Operation not supported" alone does not tell what
 * this kernel lacks.
 */
static int nft_refused(int output)
{
	CLEANUP_FREE char *words = program_output(output);
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
	status = nft_start(argv, input, output);
	return status <= 0 ? status : nft_refused(output);
}

char *nft_list(void)
{
	char *argv[] = {(char *)"nft", (char *)"list", (char *)"ruleset", NULL};
	CLEANUP_FD int input = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int output = memfd_create("nft-output", MFD_CLOEXEC);

	if (input < 0 || output < 0 || nft_start(argv, input, output) != 0)
		return NULL;
	return program_output(output);
}
