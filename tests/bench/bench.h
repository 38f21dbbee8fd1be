/*
 * Declarations of the benchmark's parts. BENCHMARKS.md describes the measurements.
 *
 * It runs as root, and only on a throw-away host (tests/host). All times are nanoseconds of
 * CLOCK_MONOTONIC. A failed measurement ends the program, so that no table is incomplete.
 */
#ifndef PAM_NETNS_BENCH_H
#define PAM_NETNS_BENCH_H

#include <err.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int64_t now_ns(void);
void sleep_ms(unsigned ms);

/* stats.c: samples of one quantity. */
struct samples {
	const char *name; /* of the table's row and of the JSON object */
	int64_t *ns;
	size_t count, size;
};
void samples_add(struct samples *samples, int64_t ns);
/* Sorts; p in per cent. 0 without a sample. */
int64_t samples_percentile(struct samples *samples, double p);
int64_t samples_median(struct samples *samples);
void samples_clear(struct samples *samples);

/* floor.c: the bare kernel work of one first login, in this process. */
void floor_setup(void);
/* Makes the objects of a first login, and removes them. */
int64_t floor_login(void);
int64_t floor_logout(void);

/* actor.c: a process that logs in and out, like sshd. */
struct actor_kind {
	const char *service; /* of PAM; NULL: the helper alone, as the module calls it */
	const char *moved;   /* the namespace that must differ after a login; "": none */
};
extern const struct actor_kind actor_helper, actor_pam; /* ours */
struct actor {
	pid_t pid;
	int command, answer;
	struct actor_slot *slot; /* shared with the process */
};
struct actor_slot {
	int64_t start, end;
	int result;
	char port[IFNAMSIZ];
};
/* user: with PAM an account of the host; for actor_helper any name. *kind must stay valid. */
struct actor actor_start(const struct actor_kind *kind, const char *user, uid_t uid);
/* verb: 'o' opens a session, 'c' closes it. Without waiting for the answer. */
void actor_tell(const struct actor *actor, char verb);
/* Waits for the answer and returns the time. A failure ends the program. */
int64_t actor_wait(const struct actor *actor);
/* The same, but a failure is a negative errno. */
int64_t actor_try(const struct actor *actor);
int64_t actor_do(const struct actor *actor, char verb);
void actor_end(struct actor *actor);
/* Waits until records, pins and port of the user are removed. */
void user_wait_gone(uid_t uid, const char *port);
void port_wait_gone(const char *port);

/* Fork, start and end of a program that refuses its argument. */
int64_t program_start(const char *path);

/* crowd.c: many users. */
#define CROWD_FIRST_UID 100000
/* Logs users in, and never out, until so many are active, all with records of one process. */
void crowd_grow(unsigned users);
void crowd_leave(void);
unsigned crowd_size(void);
/* The times of simultaneous first logins, each from the common start. */
void crowd_burst(unsigned at_once, struct samples *samples);
/* Logs so many out at once, and measures first logins meanwhile. Returns the time until all is removed. */
int64_t crowd_storm(unsigned users, struct samples *logouts, struct samples *meanwhile);

/* host.c: objects of the host, and leftovers. */
int64_t memory_kernel_kib(void);
struct leftovers {
	unsigned pins, users, links, routes, neighbours, processes;
};
struct leftovers leftovers_count(void);
bool users_in_or_going(uid_t first, unsigned users); /* any of those */
/* Namespace numbers come in batches per CPU: starts a new batch on each; see host.c. */
void namespace_ids_renew(void);

/* command.c: a program, started and waited for. */
/*
 * line: words. The first %n in each becomes the number, and %p the contents of the peers' file "pid".
 * NAME=VALUE and <FILE may come first. The output goes to the file. Returns a negative errno, or -EIO for
 * an exit status other than 0.
 */
int64_t command_run(const char *line, unsigned number, const char *output);
/* Runs pam-netns with so many active users. A failure ends the program. */
#define COMMANDS 6
void commands_measure(struct samples commands[COMMANDS], unsigned users);

/* peers.c: other programs that do a part of a login, measured in the same rounds. */
struct peer {
	char name[24], what[96];
	char login_line[3][256], logout_line[256]; /* commands; or */
	char service[32], moved[8];		   /* a PAM stack */
	struct actor_kind kind;
	char failed[160]; /* the reason; "": it works */
	struct samples login, logout;
};
#define PEERS_MAX 16
size_t peers_setup(struct peer peers[PEERS_MAX]);
void peer_round(struct peer *peer, unsigned number);

/* report.c */
struct level { /* a number of active users */
	unsigned users;
	struct samples floor, floor_logout;
	struct samples start;		       /* of a helper without work */
	struct samples changed;		       /* first, after another program changed rules */
	struct samples first, further, logout; /* through the helper */
	struct samples pam_first, pam_further, pam_logout; /* through the module */
	struct samples commands[COMMANDS];		   /* pam-netns */
};
struct burst {
	unsigned at_once;
	struct samples login;
};
struct report {
	unsigned rounds;
	struct level levels[8];
	size_t levels_count;
	struct peer peers[PEERS_MAX]; /* without active users */
	size_t peers_count;
	struct burst bursts[4];
	size_t bursts_count;
	unsigned storm_users;
	struct samples storm_logout, storm_login;
	int64_t storm_ns;
	int64_t memory_kib; /* a user */
	unsigned memory_users;
	struct leftovers left;
};
void report_print(struct report *report);
void report_json(struct report *report, const char *path);

#endif
