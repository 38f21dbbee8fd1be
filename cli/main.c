/* pam-netns: the table of subcommands. Help, argument checks and dispatch use it. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "command.h"
#include "base/log.h"
#include "base/paths.h"
#include "conf/conf.h"
#include "keys.h"
#include "text.h"

enum option {
	OPTION_JSON = 1 << 0,
	OPTION_FORCE = 1 << 1,
	OPTION_ROOT = 1 << 2,
	OPTION_WIDE = 1 << 3,
	OPTION_DROP = 1 << 4,
	OPTION_NAMESPACES = 1 << 5,
};

static const struct {
	const char *text;
	enum option option;
	const char *help;
} options[] = {
    {"--json", OPTION_JSON, "print JSON"},
    {"--force", OPTION_FORCE, "do it even if users are active"},
    {"--root", OPTION_ROOT, "stay root instead of becoming the user"},
    {"--drop-connections", OPTION_DROP, "end the users' open connections"},
    {"--namespaces", OPTION_NAMESPACES, "show the kernel's namespaces instead"},
    {"--wide", OPTION_WIDE, "show all columns"},
};
#define OPTIONS_COUNT (sizeof(options) / sizeof(*options))

enum operand { OPERAND_NONE, OPERAND_OPTIONAL, OPERAND_NEEDED };

static const struct command {
	const char *name;
	int (*run)(const struct arguments *arguments);
	enum operand operand;
	const char *operand_name;
	unsigned options; /* enum option bits */
	bool tail;	  /* takes -- COMMAND [ARGUMENT...] */
	bool root;	  /* for root only */
	const char *help;
	const char *status;   /* exit statuses, if they differ from those of most commands */
	const char *examples; /* lines */
} commands[] = {
    {"up", command_up, OPERAND_OPTIONAL, "NETWORK", OPTION_DROP, false, true,
     "set up the host's side of all networks, or of one", NULL,
     "  sudo pam-netns up\n  sudo pam-netns up default --drop-connections\n"},
    {"down", command_down, OPERAND_OPTIONAL, "NETWORK", OPTION_FORCE, false, true,
     "remove the host's side of all networks, or of one", NULL,
     "  sudo pam-netns down\n  sudo pam-netns down lab --force\n"},
    {"list", command_list, OPERAND_NONE, NULL, OPTION_WIDE | OPTION_JSON, false, false,
     "show the active users (an ordinary user sees only themselves)", NULL,
     "  sudo pam-netns list\n  sudo pam-netns list --json | jq -r '.[].user'\n"},
    {"status", command_status, OPERAND_OPTIONAL, "USER", OPTION_NAMESPACES | OPTION_JSON, false,
     false, "show everything about one active user (default: yourself)", NULL,
     "  pam-netns status\n  sudo pam-netns status alice --json\n  sudo pam-netns status "
     "--namespaces alice\n"},
    {"explain", command_explain, OPERAND_OPTIONAL, "USER", 0, false, false,
     "show what a login of this user will get, and why (default: yourself)", NULL,
     "  pam-netns explain\n  sudo pam-netns explain alice\n  sudo pam-netns explain '#2001'\n"},
    {"exec", command_exec, OPERAND_OPTIONAL, "USER", OPTION_ROOT, true, false,
     "run a command in a user's network (root), or in your own",
     "COMMAND's; 127 no such command, 126 it cannot be run,\n1 no network to run it in, 2 wrong "
     "usage",
     "  sudo pam-netns exec alice -- ip address\n  pam-netns exec -- curl "
     "http://localhost:8080/\n"},
    {"lab", command_lab, OPERAND_NONE, NULL, 0, true, false,
     "run a command as root of your own network (net_admin)",
     "COMMAND's; 127 no such command, 126 it cannot be run,\n1 the network is not yours, 2 wrong "
     "usage",
     "  pam-netns lab -- bash\n  pam-netns lab -- ip netns add r1\n"},
    {"repair", command_repair, OPERAND_NONE, NULL, 0, false, false,
     "bring your own network back to what a login gave you (net_admin)", NULL,
     "  pam-netns repair\n  pam-netns exec -- pam-netns repair\n"},
    {"kick", command_kick, OPERAND_NEEDED, "USER", 0, false, true,
     "end a user's sessions and processes, remove the network (also #UID)", NULL,
     "  sudo pam-netns kick alice\n  sudo pam-netns kick '#2001'\n"},
    {"gc", command_gc, OPERAND_NONE, NULL, 0, false, true, "remove leftovers of ended sessions",
     NULL, "  sudo pam-netns gc\n"},
    {"check", command_check, OPERAND_OPTIONAL, "FILE", 0, false, false,
     "check the conf file and this host, or only the conf file FILE",
     "0 no problem (warnings do not count), 1 a problem, 2 wrong usage",
     "  sudo pam-netns check\n  sudo pam-netns check /etc/security/pam_netns.conf.new\n"},
    {"doctor", command_doctor, OPERAND_NONE, NULL, OPTION_JSON, false, false,
     "check the whole host: what is wrong, and how to repair it",
     "0 all is well, 1 a warning, 2 a problem or wrong usage",
     "  sudo pam-netns doctor\n  sudo pam-netns doctor --json | jq -r '.[] | "
     "select(.level == \"problem\").id'\n"},
};
#define COMMANDS_COUNT (sizeof(commands) / sizeof(*commands))

static void usage_print(FILE *out, const struct command *command)
{
	fprintf(out, "pam-netns %s", command->name);
	if (command->operand != OPERAND_NONE)
		fprintf(out, command->operand == OPERAND_NEEDED ? " %s" : " [%s]",
			command->operand_name);
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (command->options & options[i].option)
			fprintf(out, " [%s]", options[i].text);
	}
	fprintf(out, command->tail ? " -- COMMAND [ARGUMENT...]\n" : "\n");
}

static int help_all(void)
{
	printf("Usage: pam-netns COMMAND [ARGUMENT...]\n"
	       "Networks that users get at login: show, set up, explain, clean up.\n\n");
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	printf("\n'pam-netns help COMMAND' shows its options, exit status and examples.\n"
	       "See pam-netns(8).\n");
	return STATUS_FINE;
}

static int help_one(const struct command *command)
{
	printf("Usage: ");
	usage_print(stdout, command);
	printf("\n%c%s%s.\n", toupper((unsigned char)command->help[0]), command->help + 1,
	       command->root ? "; needs root" : "");
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (command->options & options[i].option)
			printf("  %-18s  %s\n", options[i].text, options[i].help);
	}
	printf("\nExit status: %s.\n\nExamples:\n%s",
	       command->status ? command->status
			       : "0 done, 1 failed or refused (see standard error), 2 wrong usage",
	       command->examples);
	return STATUS_FINE;
}

static int usage_error(const struct command *command, const char *what, const char *word)
{
	fprintf(stderr, "pam-netns %s: %s%s", command->name, what, word ? " '" : "");
	if (word)
		text_print(stderr, word);
	fputs(word ? "'\nUsage: " : "\nUsage: ", stderr);
	usage_print(stderr, command);
	return STATUS_USAGE;
}

static bool option_read(const struct command *command, const char *word, struct arguments *out)
{
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (strcmp(word, options[i].text) != 0 || !(command->options & options[i].option))
			continue;
		out->drop |= options[i].option == OPTION_DROP;
		out->json |= options[i].option == OPTION_JSON;
		out->force |= options[i].option == OPTION_FORCE;
		out->root |= options[i].option == OPTION_ROOT;
		out->wide |= options[i].option == OPTION_WIDE;
		out->namespaces |= options[i].option == OPTION_NAMESPACES;
		return true;
	}
	return false;
}

/* Returns STATUS_FINE, or STATUS_USAGE after a message. */
static int arguments_read(const struct command *command, char **words, struct arguments *out)
{
	for (; *words; words++) {
		if (command->tail && strcmp(*words, "--") == 0) {
			out->tail = words + 1;
			break;
		}
		if (**words == '-') {
			if (!option_read(command, *words, out))
				return usage_error(command, "unknown option", *words);
		} else if (command->operand == OPERAND_NONE || out->operand || !**words) {
			return usage_error(command, "unexpected argument", *words);
		} else {
			out->operand = *words;
		}
	}
	if (command->operand == OPERAND_NEEDED && !out->operand) {
		fprintf(stderr, "pam-netns %s: %s is missing\nUsage: ", command->name,
			command->operand_name);
		usage_print(stderr, command);
		return STATUS_USAGE;
	}
	return STATUS_FINE;
}

void log_to_terminal(void *context, int level, const char *text)
{
	(void)context;
	if (level > LOG_INFO)
		return;
	fputs(level == LOG_WARNING ? "pam-netns: warning: " : "pam-netns: ", stderr);
	text_print(stderr, text);
	fputc('\n', stderr);
}

/* Output that a full disk or a closed pipe cut off must not look like a complete list. */
static int output_end(int status)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return status;
	fprintf(stderr, "pam-netns: cannot write the output: %s\n", strerror(errno));
	return STATUS_FAILED;
}

static int command_run(const struct command *command, char **words)
{
	struct arguments arguments = {0};
	int status;

	if (*words && (!strcmp(*words, "--help") || !strcmp(*words, "-h")))
		return help_one(command);
	status = arguments_read(command, words, &arguments);
	if (status)
		return status;
	if (command->root && geteuid() != 0) {
		fprintf(stderr, "pam-netns: %s needs root; run it with sudo\n", command->name);
		return STATUS_FAILED;
	}
	return output_end(command->run(&arguments));
}

/* A line a command, with tabs between: name, operand ("-" if it has none), options, help. No field
 * is empty, since a shell's read would skip it. */
static int commands_list(void)
{
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		const struct command *command = &commands[i];

		printf("%s\t%s\t", command->name, command->operand_name ?: "-");
		for (size_t j = 0; j < OPTIONS_COUNT; j++) {
			if (command->options & options[j].option)
				printf("%s ", options[j].text);
		}
		printf("%s\t%s\n", command->tail ? "-- --help" : "--help", command->help);
	}
	return STATUS_FINE;
}

static int options_list(void)
{
	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		printf("%s\t%s\n", options[i].text, options[i].help);
	puts("--help\tshow help\n--\tthe command follows");
	return STATUS_FINE;
}

static int networks_list(void)
{
	struct conf *conf;

	if (conf_read(CONF_PATH, &conf))
		return STATUS_FAILED;
	for (size_t i = 0; i < conf->networks_count; i++)
		puts(conf->networks[i].name);
	conf_free(conf);
	return STATUS_FINE;
}

/* For completion, the manual and tests, so help does not show them. */
static const struct {
	const char *name;
	int (*print)(void);
} lists[] = {{"--commands", commands_list},
	     {"--options", options_list},
	     {"--networks", networks_list},
	     {"--keys", keys_list}};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	fprintf(stderr, "pam-netns: unknown command '");
	text_print(stderr, name);
	fprintf(stderr, "'; 'pam-netns --help' lists all commands\n");
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	log_set_sink(log_to_terminal, NULL);
	if (!name) {
		fprintf(stderr,
			"pam-netns: COMMAND is missing; 'pam-netns --help' lists all commands\n");
		return STATUS_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("pam-netns %s\n", VERSION);
		return STATUS_FINE;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		if (!strcmp(name, lists[i].name))
			return output_end(lists[i].print());
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		if (argc < 3)
			return help_all();
		command = command_find(argv[2]);
		return command ? help_one(command) : STATUS_USAGE;
	}
	command = command_find(name);
	return command ? command_run(command, argv + 2) : STATUS_USAGE;
}
