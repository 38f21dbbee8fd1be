/*
 * Calls a privileged program again and again with arguments and an environment of an attacker:
 *   host-hostile COUNT SEED PROGRAM ANSWER [ANSWER]
 * Each call must fail, and its only output must be one ANSWER. A user runs this program, not root.
 * No argument begins with "--h" or "--v", since all users may have help and the version.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 8
#define WORD_MAX  300

/* Earlier attacks on programs of this kind: pids, paths, names, formats, loader variables. */
static const char *const arguments[] = {
    "1",
    "2001",
    "alice",
    "../2001",
    "/proc/1/ns/net",
    "/proc/self/fd/0",
    "root",
    "-1",
    "4294967295",
    "%n%s",
    "--",
    "-u",
    "--uid=2001",
    "--target=1",
    "-t1",
    "",
    "open",
    "close",
    "gc",
    "/bin/sh",
    "sh",
    "-c",
    "id",
    "; id",
    "$(id)",
    "/run/pam-netns/pins/2001/net",
    "\n",
    "\033[2J",
    "---",
    "kick",
};
static const char *const environment[] = {
    "PATH=.:/tmp",
    "LD_PRELOAD=/tmp/x.so",
    "LD_LIBRARY_PATH=/tmp",
    "LD_AUDIT=/tmp/x.so",
    "GCONV_PATH=.",
    "CHARSET=x",
    "LC_ALL=../../tmp/x",
    "LANGUAGE=%n",
    "TZ=:/etc/shadow",
    "IFS=/",
    "HOME=/root",
    "USER=root",
    "GLIBC_TUNABLES=glibc.malloc.mxfast=glibc.malloc.mxfast=A",
    "MALLOC_TRACE=/tmp/x",
    "HOSTALIASES=/etc/shadow",
    "RES_OPTIONS=x",
    "PAM_USER=root",
    "SUDO_UID=0",
    "LISTEN_FDS=3",
    "=",
    "no equals sign",
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct words {
	char text[WORDS_MAX][WORD_MAX];
	char *list[WORDS_MAX + 1];
};

static void words_choose(struct words *words, const char *const *from, size_t count, unsigned *seed)
{
	int used = rand_r(seed) % WORDS_MAX;

	for (int i = 0; i < used; i++) {
		char *text = words->text[i];
		size_t length;

		snprintf(text, WORD_MAX, "%s", from[(size_t)rand_r(seed) % count]);
		length = strlen(text);
		/* Sometimes one byte is changed, sometimes the word is long. LD_PRELOAD's is not:
		 * the loader would print a message about a name without a slash. */
		if (length && strncmp(text, "LD_", 3) != 0 && rand_r(seed) % 4 == 0)
			text[(size_t)rand_r(seed) % length] = (char)(1 + rand_r(seed) % 255);
		if (rand_r(seed) % 8 == 0)
			memset(text + length, 'A', WORD_MAX - 1 - length);
		text[WORD_MAX - 1] = '\0';
		if (!strncmp(text, "--h", 3) || !strncmp(text, "--v", 3))
			text[2] = 'x';
		words->list[i] = text;
	}
	words->list[used] = NULL;
}

/* Runs the program once; its output is in said. */
static int program_run(const char *program, struct words *argv, struct words *envp, char *said,
		       size_t size)
{
	size_t used = 0;
	int out[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(out) < 0 || (pid = fork()) < 0)
		err(2, "pipe, fork");
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		execve(program, argv->list, envp->list);
		_exit(126);
	}
	close(out[1]);
	while ((n = read(out[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid)
		err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* An answer is all of the output, without the newline at its end. */
static bool is_answer(const char *said, char **answers)
{
	size_t length = strlen(said);

	for (; *answers; answers++)
		if (length == strlen(*answers) + 1 && !strncmp(said, *answers, length - 1))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned count, seed, denied = 0;

	if (argc < 5)
		errx(2, "usage: host-hostile COUNT SEED PROGRAM ANSWER...");
	count = (unsigned)atoi(argv[1]);
	seed = (unsigned)atoi(argv[2]);
	if (!getuid() || open("/dev/null", O_RDWR) < 0)
		errx(2, "not as root");
	for (unsigned i = 0; i < count; i++) {
		struct words arguments_now, environment_now;
		char said[4096];
		int code;

		words_choose(&arguments_now, arguments, COUNT(arguments), &seed);
		words_choose(&environment_now, environment, COUNT(environment), &seed);
		code = program_run(argv[3], &arguments_now, &environment_now, said, sizeof(said));
		if (code > 0 && code < 126 && is_answer(said, argv + 4)) {
			denied++;
			continue;
		}
		printf("call %u: exit %d: %s\n", i, code, said);
		for (char **word = arguments_now.list; *word; word++)
			printf("\t%s\n", *word);
	}
	printf("%u of %u denied\n", denied, count);
	return denied != count;
}
