/* Starts programs and measures their time, among them pam-netns; see bench.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define WORDS_MAX 32
#define PID_FILE  "/run/bench-peers/pid"
#define OUTPUT	  "/run/test-host/bench.out"

struct command {
	char text[1024]; /* all words */
	size_t used;
	char *words[WORDS_MAX + 1];
	size_t count;
};

static void file_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, size, file))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void word_add(struct command *command, const char *word, unsigned number)
{
	const char *mark = strstr(word, "%n");
	char pid[32] = "", *at = command->text + command->used;
	size_t room = sizeof(command->text) - command->used;
	int length;

	if (!strcmp(word, "%p")) {
		file_line(PID_FILE, pid, sizeof(pid));
		word = pid;
	}
	if (mark)
		length = snprintf(at, room, "%.*s%u%s", (int)(mark - word), word, number, mark + 2);
	else
		length = snprintf(at, room, "%s", word);
	if (length < 0 || (size_t)length >= room || command->count == WORDS_MAX)
		errx(1, "a command is too long");
	command->used += (size_t)length + 1;
	command->words[command->count++] = at;
}

static void command_split(struct command *command, const char *line, unsigned number)
{
	char copy[1024], *rest = copy, *word;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", line) >= sizeof(copy))
		errx(1, "a command is too long");
	while ((word = strsep(&rest, " ")))
		word_add(command, word, number);
}

/* In the child. */
static void command_exec(struct command *command, const char *output)
{
	const char *input = "/dev/null";
	char **words = command->words;
	int in, out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (; *words; words++) {
		if (**words == '<')
			input = *words + 1;
		else if (!strchr(*words, '=') || putenv(*words) != 0)
			break;
	}
	in = open(input, O_RDONLY | O_CLOEXEC);
	if (*words && in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
	    dup2(out, 2) == 2)
		execvp(*words, words);
	dprintf(out, "cannot run %s: %s\n", *words ? *words : "nothing", strerror(errno));
	_exit(127);
}

int64_t command_run(const char *line, unsigned number, const char *output)
{
	struct command command = {0};
	int status = 0;
	int64_t start;
	pid_t pid;

	command_split(&command, line, number);
	start = now_ns();
	pid = fork();
	if (pid == 0)
		command_exec(&command, output);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status == 0 ? now_ns() - start : -EIO;
}

/* The number of the output's lines, with the table's heading. */
static unsigned output_lines(void)
{
	FILE *file = fopen(OUTPUT, "re");
	unsigned count = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

void commands_measure(struct samples commands[COMMANDS], unsigned users)
{
	static const struct {
		const char *name, *line;
		bool lists, user; /* the output has a line a user; it needs a user's name */
	} table[COMMANDS] = {
	    {"list", "/usr/sbin/pam-netns list", true, false},
	    {"list --json", "/usr/sbin/pam-netns list --json", true, false},
	    {"status", "/usr/sbin/pam-netns status #%n", false, true},
	    {"explain", "/usr/sbin/pam-netns explain alice", false, false},
	    {"gc", "/usr/sbin/pam-netns gc", false, false},
	    {"check", "/usr/sbin/pam-netns check", false, false},
	};
	const int times = 5;

	for (size_t i = 0; i < COMMANDS; i++) {
		commands[i].name = table[i].name;
		for (int t = 0; t < times && (users || !table[i].user); t++) {
			int64_t took = command_run(table[i].line, CROWD_FIRST_UID, OUTPUT);

			/* check reports what the throw-away host lacks. */
			if (took < 0 && strcmp(table[i].name, "check") != 0)
				errx(1, "pam-netns %s failed; see " OUTPUT, table[i].name);
			if (table[i].lists && users && output_lines() < users)
				errx(1, "pam-netns %s does not list %u users", table[i].name,
				     users);
			samples_add(&commands[i], took);
		}
	}
}
