/*
 * Other programs that do a part of a login, measured in the same rounds as ours. The script "peer" has
 * their descriptions and commands; this file measures. See bench.h.
 *
 * A program that is not installed or fails is reported as failed and not tried again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define SCRIPT "/srv/checkout/tests/bench/peer"
#define OUTPUT "/run/test-host/peer.out"
#define USER   "alice"
#define UID    2001
#define SETTLE 50 /* ms; as after our logouts */

/* The last line of its output, which has the error. */
static void peer_fail(struct peer *peer, const char *what)
{
	FILE *file = fopen(OUTPUT, "re");
	char line[256], last[100] = "";

	while (file && fgets(line, sizeof(line), file))
		if (line[0] != '\n')
			snprintf(last, sizeof(last), "%.*s", (int)strcspn(line, "\n"), line);
	if (file)
		fclose(file);
	for (char *c = last; *c; c++) /* the text goes into JSON */
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = '\'';
	snprintf(peer->failed, sizeof(peer->failed), "%s%s%s", what, *last ? ": " : "", last);
	fprintf(stderr, "bench: %s: %s\n", peer->name, peer->failed);
}

/* "setup", "prepare", "verify", "clean"; false: it has failed. */
static bool peer_script(struct peer *peer, const char *verb, unsigned number)
{
	char line[160];

	snprintf(line, sizeof(line), "bash " SCRIPT " %s %s %%n", verb, peer->name);
	if (command_run(line, number, OUTPUT) < 0)
		peer_fail(peer, verb);
	return !*peer->failed;
}

static void peer_note(struct peer *peer, char *line)
{
	char *value = strchr(line, ' ');
	size_t i = 0;

	line[strcspn(line, "\n")] = '\0';
	if (!value)
		return;
	*value++ = '\0';
	if (!strcmp(line, "what"))
		snprintf(peer->what, sizeof(peer->what), "%s", value);
	else if (!strcmp(line, "failed"))
		snprintf(peer->failed, sizeof(peer->failed), "%s", value);
	else if (!strcmp(line, "logout"))
		snprintf(peer->logout_line, sizeof(peer->logout_line), "%s", value);
	else if (!strcmp(line, "pam"))
		(void)sscanf(value, "%31s %7s", peer->service, peer->moved);
	if (strcmp(line, "login") != 0)
		return;
	while (i < 2 && *peer->login_line[i])
		i++;
	snprintf(peer->login_line[i], sizeof(peer->login_line[i]), "%s", value);
}

static void peer_setup(struct peer *peer)
{
	char line[512];
	FILE *file;

	peer->login.name = "login";
	peer->logout.name = "logout";
	if (!peer_script(peer, "setup", 0))
		return;
	file = fopen(OUTPUT, "re");
	while (file && fgets(line, sizeof(line), file))
		peer_note(peer, line);
	if (file)
		fclose(file);
	if (!strcmp(peer->moved, "none"))
		*peer->moved = '\0';
	peer->kind = (struct actor_kind){.service = peer->service, .moved = peer->moved};
}

size_t peers_setup(struct peer peers[PEERS_MAX])
{
	FILE *names = popen("bash " SCRIPT " list", "re");
	char name[sizeof(peers->name)];
	size_t count = 0;

	while (names && count < PEERS_MAX && fscanf(names, "%23s", name) == 1) {
		memcpy(peers[count].name, name, sizeof(name));
		peer_setup(&peers[count++]);
	}
	if (!names || pclose(names) != 0)
		errx(1, "no peers");
	return count;
}

static void round_commands(struct peer *peer, unsigned number)
{
	int64_t sum = 0, took = 0;

	for (size_t i = 0; i < 3 && *peer->login_line[i] && took >= 0; i++) {
		took = command_run(peer->login_line[i], number, OUTPUT);
		sum += took;
	}
	if (took < 0) {
		peer_fail(peer, "login");
		return;
	}
	if (!peer_script(peer, "verify", number))
		return;
	samples_add(&peer->login, sum);
	if (!*peer->logout_line)
		return;
	took = command_run(peer->logout_line, number, OUTPUT);
	if (took < 0)
		peer_fail(peer, "logout");
	else
		samples_add(&peer->logout, took);
}

static void round_pam(struct peer *peer, unsigned number)
{
	struct actor actor = actor_start(&peer->kind, USER, UID);
	int64_t login, logout = 0;

	actor_tell(&actor, 'o');
	login = actor_try(&actor);
	if (login >= 0 && peer_script(peer, "verify", number)) {
		actor_tell(&actor, 'c');
		logout = actor_try(&actor);
	}
	actor_end(&actor);
	if (*peer->failed)
		return;
	(void)unlink(OUTPUT); /* of an earlier command */
	if (login < 0) {
		peer_fail(peer, login == -EPROTO ? "the session was not moved" : "login");
		return;
	}
	samples_add(&peer->login, login);
	if (logout > 0) /* some modules cannot */
		samples_add(&peer->logout, logout);
}

void peer_round(struct peer *peer, unsigned number)
{
	if (*peer->failed || !peer_script(peer, "prepare", number))
		return;
	if (*peer->service)
		round_pam(peer, number);
	else
		round_commands(peer, number);
	(void)peer_script(peer, "clean", number);
	sleep_ms(SETTLE);
}
