/*
 * The benchmark. See BENCHMARKS.md; run by tests/bench/run on a throw-away host.
 *
 * Compared programs are measured in turns, round by round, in one run, since only ratios within a run are
 * valid.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/paths.h"

#define PAM_USER_NAME "alice"
#define PAM_USER_UID  2001

#define FIRST_UID 20000 /* of the user of each round: nothing exists of them */

/* They are slow, and not the main subject. */
#define PEERS_EVERY 4

static struct level level_new(unsigned users)
{
	return (struct level){
	    .users = users,
	    .floor = {.name = "floor"},
	    .floor_logout = {.name = "floor logout"},
	    .start = {.name = "start of the helper alone"},
	    .first = {.name = "first login"},
	    .changed = {.name = "first login, rules changed"},
	    .further = {.name = "further login"},
	    .logout = {.name = "last logout"},
	    .pam_first = {.name = "first login, through PAM"},
	    .pam_further = {.name = "further login, through PAM"},
	    .pam_logout = {.name = "last logout, through PAM"},
	};
}

static void round_floor(struct level *level)
{
	samples_add(&level->floor, floor_login());
	samples_add(&level->floor_logout, floor_logout());
	samples_add(&level->start, program_start(HELPER_PATH));
}

/* First login, further login, its logout, last logout. Each session has its own process. */
static void round_ours(const struct actor_kind *kind, const char *user, uid_t uid,
		       struct samples *first_login, struct samples *further_login,
		       struct samples *last_logout)
{
	struct actor first = actor_start(kind, user, uid), further = actor_start(kind, user, uid);
	const char *port = first.slot->port; /* "": with PAM */

	samples_add(first_login, actor_do(&first, 'o'));
	samples_add(further_login, actor_do(&further, 'o'));
	(void)actor_do(&further, 'c');
	samples_add(last_logout, actor_do(&first, 'c'));
	user_wait_gone(uid, port);
	actor_end(&further);
	actor_end(&first);
}

static void level_measure(struct level *level, struct report *report, unsigned rounds)
{
	static uid_t uid = FIRST_UID;
	static struct level other; /* times that are not used */
	bool peers = level == report->levels;
	char user[32];

	/* The first rounds fill caches and do not count. */
	for (unsigned i = 0; i < rounds + 5; i++) {
		if (i == 5)
			*level = level_new(level->users);
		round_floor(level);
		/* The floor changes rules, as another program, so the next login reads them. */
		snprintf(user, sizeof(user), "user%u", uid);
		round_ours(&actor_helper, user, uid++, &level->changed, &other.further,
			   &other.logout);
		snprintf(user, sizeof(user), "user%u", uid);
		round_ours(&actor_helper, user, uid++, &level->first, &level->further,
			   &level->logout);
		round_ours(&actor_pam, PAM_USER_NAME, PAM_USER_UID, &level->pam_first,
			   &level->pam_further, &level->pam_logout);
		for (size_t p = 0; peers && i % PEERS_EVERY == 0 && p < report->peers_count; p++)
			peer_round(&report->peers[p], i);
	}
	commands_measure(level->commands, level->users);
}

/* Prints the present step, since the results come at the end. */
static void progress(unsigned number, const char *what)
{
	static int64_t start;

	if (!start)
		start = now_ns();
	fprintf(stderr, "bench: %4.0f s: %u %s\n", (double)(now_ns() - start) / 1e9, number, what);
}

static void bursts_measure(struct report *report, unsigned rounds)
{
	static const unsigned sizes[] = {1, 8, 32, 128};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct burst *burst = &report->bursts[report->bursts_count++];
		unsigned times = rounds * 2 / sizes[i] + 3;

		progress(sizes[i], "first logins at once");
		*burst = (struct burst){.at_once = sizes[i], .login = {.name = "first login"}};
		for (unsigned t = 0; t < times; t++)
			crowd_burst(sizes[i], &burst->login);
	}
}

static void levels_measure(struct report *report, const char *list, unsigned rounds)
{
	int64_t before = memory_kernel_kib();

	while (*list && report->levels_count < 8) {
		char *end;
		unsigned users = (unsigned)strtoul(list, &end, 10);
		struct level *level = &report->levels[report->levels_count++];

		list = *end ? end + 1 : end;
		progress(users, "users log in");
		crowd_grow(users);
		sleep_ms(users ? 500 : 0);
		if (users >= 100) {
			report->memory_users = users;
			report->memory_kib = (memory_kernel_kib() - before) / users;
		}
		*level = level_new(users);
		progress(users, "active users: rounds");
		level_measure(level, report, rounds);
	}
	progress(crowd_size(), "users leave");
	crowd_leave();
}

/* The first login of all sets up the host. */
static void host_setup(void)
{
	struct level none = level_new(0);

	round_ours(&actor_helper, "nobody", FIRST_UID - 1, &none.first, &none.further,
		   &none.logout);
}

/* For bench-net: so many users are active until standard input ends. */
static void crowd_hold(unsigned users)
{
	char c;

	crowd_grow(users);
	puts("in");
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	crowd_leave();
}

static void limits_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: bench [--rounds N] [--users 0,100,1000] [--storm N] [--no-bursts] "
			"[--no-peers] [--json FILE]\n");
	exit(2);
}

struct plan {
	const char *users, *json;
	bool bursts, peers;
	unsigned hold; /* for bench-net: only keep so many users active */
};

static struct plan arguments_read(int argc, char **argv, struct report *report)
{
	static const struct option options[] = {
	    {"rounds", required_argument, NULL, 'r'}, {"users", required_argument, NULL, 'u'},
	    {"storm", required_argument, NULL, 's'},  {"json", required_argument, NULL, 'j'},
	    {"no-bursts", no_argument, NULL, 'b'},    {"no-peers", no_argument, NULL, 'p'},
	    {"hold", required_argument, NULL, 'h'},   {0},
	};
	struct plan plan = {.users = "0,100,1000,5000", .bursts = true, .peers = true};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'r':
			report->rounds = (unsigned)atoi(optarg);
			break;
		case 'u':
			plan.users = optarg;
			break;
		case 's':
			report->storm_users = (unsigned)atoi(optarg);
			break;
		case 'j':
			plan.json = optarg;
			break;
		case 'b':
			plan.bursts = false;
			break;
		case 'h':
			plan.hold = (unsigned)atoi(optarg);
			break;
		case 'p':
			plan.peers = false;
			break;
		default:
			usage();
		}
	return plan;
}

static void measure(const struct plan *plan, struct report *report)
{
	host_setup();
	floor_setup();
	if (plan->peers)
		report->peers_count = peers_setup(report->peers);
	levels_measure(report, plan->users, report->rounds);
	if (plan->bursts)
		bursts_measure(report, report->rounds);
	report->storm_logout.name = "last logout";
	report->storm_login.name = "first login meanwhile";
	if (report->storm_users)
		report->storm_ns =
		    crowd_storm(report->storm_users, &report->storm_logout, &report->storm_login);
	sleep_ms(2000);
	report->left = leftovers_count();
}

int main(int argc, char **argv)
{
	static struct report report = {.rounds = 200, .storm_users = 1000};
	struct plan plan = arguments_read(argc, argv, &report);

	if (access("/run/test-host/outside.pid", F_OK) < 0)
		errx(2, "only for a throw-away host: make bench");
	setvbuf(stdout, NULL, _IOLBF, 0);
	limits_raise();
	namespace_ids_renew();
	if (plan.hold) {
		crowd_hold(plan.hold);
		return 0;
	}
	measure(&plan, &report);
	report_print(&report);
	if (plan.json)
		report_json(&report, plan.json);
	return 0;
}
