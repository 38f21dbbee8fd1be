/* pam-netns list and status: the active users. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "base/log.h"
#include "namespaces.h"
#include "base/paths.h"
#include "limits.h"
#include "text.h"
#include "users.h"

/* The columns fit a terminal of 80 columns. */
static const char *const list_headings[] = {"USER", "ADDRESS", "SESSIONS", "SINCE"};
static const char *const wide_headings[] = {"USER",	"UID",	    "PROFILE",	 "NETWORK",
					    "ADDRESS",	"ADDRESS6", "INTERFACE", "HOSTNAME",
					    "SESSIONS", "SINCE",    "RECEIVED",	 "SENT"};

static void cell_number(struct table *table, unsigned long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", number);
	table_cell(table, text);
}

static void cell_bytes(struct table *table, bool known, uint64_t bytes)
{
	char text[TEXT_SIZE_MAX];

	table_cell(table, known ? size_text(bytes, text) : "");
}

/* The number of sessions; without a session, the reason why the user is still active. */
static void cell_sessions(struct table *table, const struct user_in *user)
{
	static const char *const without[] = {
	    [LEFT_UNKNOWN] = "0", [LEFT_ENDING] = "ending", [LEFT_PROCESSES] = "processes left"};

	if (user->sessions_count)
		cell_number(table, user->sessions_count);
	else
		table_cell(table, without[user->left]);
}

static void user_row(struct table *table, const struct user_in *user)
{
	const struct user_state *state = &user->state;
	const struct address *address =
	    state->uplink.address.family ? &state->uplink.address : &state->uplink.address6;
	char text[ADDRESS_TEXT_MAX], since[TEXT_TIME_MAX];

	table_cell(table, state->account);
	table_cell(table, address->family ? address_format(address, text) : "");
	cell_sessions(table, user);
	table_cell(table, time_local(state->since, since));
}

static void user_wide_row(struct table *table, const struct user_in *user)
{
	const struct user_state *state = &user->state;
	char text[ADDRESS_TEXT_MAX], since[TEXT_TIME_MAX];

	table_cell(table, state->account);
	cell_number(table, state->uplink.uid);
	table_cell(table, state->profile);
	table_cell(table, state->network);
	table_cell(table, state->uplink.address.family
			      ? address_format(&state->uplink.address, text)
			      : "");
	table_cell(table, state->uplink.address6.family
			      ? address_format(&state->uplink.address6, text)
			      : "");
	table_cell(table, state->uplink.port);
	table_cell(table, state->hostname);
	cell_sessions(table, user);
	table_cell(table, time_local(state->since, since));
	cell_bytes(table, user->counted, user->received);
	cell_bytes(table, user->counted, user->sent);
}

static void users_json(const struct users *users)
{
	putchar('[');
	for (size_t i = 0; i < users->count; i++) {
		fputs(i ? ",\n " : "", stdout);
		user_json(stdout, &users->list[i], -1);
	}
	puts("]");
}

int command_list(const struct arguments *arguments)
{
	CLEANUP_USERS struct users users = {0};
	CLEANUP_TABLE struct table table;
	uid_t self = getuid();

	if (arguments->wide)
		table_init(&table, wide_headings, "lrllllllrlrr");
	else
		table_init(&table, list_headings, "llrl");
	if (users_read(&users, self ? &self : NULL))
		return STATUS_FAILED;
	if (arguments->json) {
		users_json(&users);
		return STATUS_FINE;
	}
	for (size_t i = 0; i < users.count; i++)
		(arguments->wide ? user_wide_row : user_row)(&table, &users.list[i]);
	if (table_print(&table, stdout, "")) {
		log_error("cannot print the list: %s", strerror(ENOMEM));
		return STATUS_FAILED;
	}
	return STATUS_FINE;
}

/* Processes of any user in this user's network, counted in the host's /proc. -1: unknown. */
static int processes_count(uid_t uid)
{
	CLEANUP_FD int proc = open(HOSTPROC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = NULL;
	char path[PATH_MAX], target[64] = "";
	struct stat pin, in;
	int count = 0, init = 0;

	snprintf(path, sizeof(path), "1/root" PINS_DIR "/%u/net", uid);
	if (proc < 0 || fstatat(proc, path, &pin, 0))
		return -1;
	/* Process 1 of a PID namespace of the user's own is none of theirs: "PID.START". */
	snprintf(path, sizeof(path), "1/root" PINS_DIR "/%u/init", uid);
	if (readlinkat(proc, path, target, sizeof(target)) > 0)
		init = atoi(target);
	dir = fdopendir(dup(proc));
	if (!dir)
		return -1;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || atoi(entry->d_name) == init)
			continue;
		snprintf(path, sizeof(path), "%s/ns/net", entry->d_name);
		if (!fstatat(proc, path, &in, 0) && in.st_dev == pin.st_dev &&
		    in.st_ino == pin.st_ino)
			count++;
	}
	return count;
}

static void line(const char *label, const char *value)
{
	printf("  %-11s ", label);
	text_print(stdout, *value ? value : "-");
	putchar('\n');
}

static void sessions_print(const struct user_in *user)
{
	static const char *const headings[] = {"PID", "SERVICE", "TTY", "FROM", "SINCE"};
	CLEANUP_TABLE struct table table;
	char since[TEXT_TIME_MAX];

	table_init(&table, headings, "rllll");
	printf("  %-11s %zu%s\n", "sessions", user->sessions_count,
	       user->sessions_count || user->left == LEFT_UNKNOWN ? ""
	       : user->left == LEFT_ENDING ? " (the last logout is under way)"
					   : " (processes are left)");
	for (size_t i = 0; i < user->sessions_count; i++) {
		const struct session *session = &user->sessions[i];

		cell_number(&table, (unsigned long)session->leader.pid);
		table_cell(&table, session->service);
		table_cell(&table, session->tty);
		table_cell(&table, session->rhost);
		table_cell(&table, time_local(session->since, since));
	}
	if (user->sessions_count && table_print(&table, stdout, "    "))
		log_error("cannot print the sessions: %s", strerror(ENOMEM));
}

static void user_print(const struct user_in *user, int processes)
{
	const struct user_state *state = &user->state;
	char text[ADDRESS_TEXT_MAX], received[TEXT_SIZE_MAX], sent[TEXT_SIZE_MAX];

	text_print(stdout, state->account);
	printf(" (uid %u)\n", state->uplink.uid);
	line("profile", state->profile);
	line("network", state->network);
	line("netns", state->netns);
	printf("  %-11s %s on bridge %s\n", "interface", state->uplink.port, state->uplink.bridge);
	line("address",
	     state->uplink.address.family ? address_format(&state->uplink.address, text) : "");
	line("address6",
	     state->uplink.address6.family ? address_format(&state->uplink.address6, text) : "");
	line("mac", mac_format(&state->uplink.mac, text));
	line("hostname", state->hostname);
	if (*state->root)
		line("root", state->root);
	line("since", time_local(state->since, text));
	if (user->counted)
		printf("  %-11s %s received, %s sent\n", "traffic",
		       size_text(user->received, received), size_text(user->sent, sent));
	limits_print(state);
	if (processes >= 0)
		printf("  %-11s %d\n", "processes", processes);
	sessions_print(user);
}

int command_status(const struct arguments *arguments)
{
	CLEANUP_USERS struct users users = {0};
	uid_t self = getuid(), uid = self;
	int processes;

	if (!arguments->operand && self == 0) {
		fprintf(stderr,
			"pam-netns status: USER is missing: root has no network of its own\n");
		return STATUS_USAGE;
	}
	if (arguments->operand && users_uid(arguments->operand, &uid))
		return STATUS_FAILED;
	if (self != 0 && uid != self) {
		log_error("only root may see other users: run it with sudo");
		return STATUS_FAILED;
	}
	if (users_read(&users, &uid))
		return STATUS_FAILED;
	if (!users.count) {
		log_error("%s %s no network at present: not logged in, or exempt (see 'pam-netns "
			  "explain')",
			  arguments->operand ? arguments->operand : "you",
			  arguments->operand ? "has" : "have");
		return STATUS_FAILED;
	}
	if (arguments->namespaces)
		return namespaces_show(&users.list->state, arguments->json) ? STATUS_FAILED
									    : STATUS_FINE;
	processes = self == 0 ? processes_count(uid) : -1;
	if (arguments->json) {
		user_json(stdout, users.list, processes);
		putchar('\n');
	} else {
		user_print(users.list, processes);
	}
	return STATUS_FINE;
}
