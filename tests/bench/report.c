/* The table and the JSON; see bench.h. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define US(ns) ((double)(ns) / 1000)

static double ratio(struct samples *a, struct samples *b)
{
	return a->count && b->count ? (double)samples_median(a) / (double)samples_median(b) : 0;
}

static void row(struct samples *s, struct samples *to, const char *to_name)
{
	if (!s->count)
		return;
	printf("  %-36s %8.0f %8.0f %8.0f", s->name, US(samples_median(s)),
	       US(samples_percentile(s, 10)), US(samples_percentile(s, 90)));
	if (to && to->count)
		printf("   %5.2f of %s", ratio(s, to), to_name);
	printf("\n");
}

static void commands_print(struct level *l)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (l->commands[i].count)
			printf("  pam-netns %-26s %8.0f %8.0f %8.0f\n", l->commands[i].name,
			       US(samples_median(&l->commands[i])),
			       US(samples_percentile(&l->commands[i], 10)),
			       US(samples_percentile(&l->commands[i], 90)));
}

static void level_print(struct level *l)
{
	printf("\n%u active users%29s p50      p10      p90  (us)\n", l->users, "");
	row(&l->floor, NULL, NULL);
	row(&l->floor_logout, NULL, NULL);
	row(&l->start, &l->floor, "the floor");
	row(&l->first, &l->floor, "the floor");
	row(&l->changed, &l->floor, "the floor");
	row(&l->further, &l->first, "the first");
	row(&l->logout, &l->first, "the first");
	if (l->first.count)
		printf("  %-36s %35.2f of the floor\n", "  without the helper's start",
		       (double)(samples_median(&l->first) - samples_median(&l->start)) /
			   (double)samples_median(&l->floor));
	row(&l->pam_first, &l->floor, "the floor");
	row(&l->pam_further, &l->pam_first, "the first");
	row(&l->pam_logout, &l->pam_first, "the first");
	commands_print(l);
}

/* Each peer's part of a first login, compared with our whole one. Logout 0: it has none. */
static void peers_print(struct report *r)
{
	struct level *l = r->levels;

	if (r->peers_count)
		printf(
		    "\npeers, their login%26s p50      p10      p90  to floor  to ours   logout\n",
		    "");
	for (size_t i = 0; i < r->peers_count; i++) {
		struct peer *p = &r->peers[i];

		if (*p->failed || !p->login.count) {
			printf("  %-36s failed: %s\n", p->name,
			       *p->failed ? p->failed : "no round");
			continue;
		}
		bool pam = *p->service;

		printf("  %-36s %8.0f %8.0f %8.0f  %8.2f %8.2f %8.0f  %s\n", p->name,
		       US(samples_median(&p->login)), US(samples_percentile(&p->login, 10)),
		       US(samples_percentile(&p->login, 90)), ratio(&p->login, &l->floor),
		       ratio(&p->login, pam ? &l->pam_first : &l->first),
		       US(samples_median(&p->logout)), p->what);
	}
}

static void bursts_print(struct report *r)
{
	int64_t single = r->bursts_count ? samples_median(&r->bursts[0].login) : 0;

	printf("\nfirst logins at once%25s p50      p99  slowest  (us)\n", "");
	for (size_t i = 0; i < r->bursts_count; i++) {
		struct samples *s = &r->bursts[i].login;

		printf("  %-36u %8.0f %8.0f %8.0f   slowest %5.1f of one\n", r->bursts[i].at_once,
		       US(samples_median(s)), US(samples_percentile(s, 99)),
		       US(samples_percentile(s, 100)),
		       (double)samples_percentile(s, 100) / (double)single);
	}
}

void report_print(struct report *r)
{
	const struct leftovers *l = &r->left;

	for (size_t i = 0; i < r->levels_count; i++)
		level_print(&r->levels[i]);
	for (size_t i = 1; i < r->levels_count; i++)
		printf("\nfirst login with %u active users: %.2f of that with %u\n",
		       r->levels[i].users, ratio(&r->levels[i].first, &r->levels[0].first),
		       r->levels[0].users);
	peers_print(r);
	if (r->bursts_count)
		bursts_print(r);
	if (r->storm_users) {
		printf("\n%u logouts at once, all gone after %.1f s\n", r->storm_users,
		       (double)r->storm_ns / 1e9);
		row(&r->storm_logout, NULL, NULL);
		row(&r->storm_login, NULL, NULL);
		printf("  slowest login meanwhile %.0f us\n",
		       US(samples_percentile(&r->storm_login, 100)));
	}
	if (r->memory_users)
		printf("\nkernel memory a user: %lld KiB (difference over %u users)\n",
		       (long long)r->memory_kib, r->memory_users);
	printf("left after all: %u pins, %u records, %u ports, %u routes, %u neighbours, "
	       "%u processes\n",
	       l->pins, l->users, l->links, l->routes, l->neighbours, l->processes);
}

static void json_samples(FILE *out, struct samples *s, const char *end)
{
	fprintf(out,
		"{\"name\": \"%s\", \"count\": %zu, \"p10\": %.1f, \"p50\": %.1f, \"p90\": %.1f, "
		"\"p99\": %.1f, \"max\": %.1f}%s\n",
		s->name, s->count, US(samples_percentile(s, 10)), US(samples_median(s)),
		US(samples_percentile(s, 90)), US(samples_percentile(s, 99)),
		US(samples_percentile(s, 100)), end);
}

static void json_level(FILE *out, struct level *l, const char *end)
{
	struct samples *all[] = {&l->start,	  &l->floor,	 &l->floor_logout, &l->changed,
				 &l->first,	  &l->further,	 &l->logout,	   &l->pam_first,
				 &l->pam_further, &l->pam_logout};
	const size_t count = sizeof(all) / sizeof(all[0]);

	fprintf(out, "  {\"users_in\": %u, \"us\": [\n", l->users);
	for (size_t i = 0; i < count; i++)
		json_samples(out, all[i], i + 1 < count ? "," : "");
	fprintf(out, "  ], \"command_us\": [\n");
	for (size_t i = 0; i < COMMANDS; i++)
		json_samples(out, &l->commands[i], i + 1 < COMMANDS ? "," : "");
	fprintf(out, "  ]}%s\n", end);
}

static void json_peers(FILE *out, struct report *r)
{
	struct level *l = r->levels;

	fprintf(out, "\"peers\": [\n");
	for (size_t i = 0; i < r->peers_count; i++) {
		struct peer *p = &r->peers[i];
		bool pam = *p->service;

		fprintf(out, "{\"name\": \"%s\", \"what\": \"%s\", ", p->name, p->what);
		if (*p->failed)
			fprintf(out, "\"failed\": \"%s\", ", p->failed);
		fprintf(out, "\"to\": \"%s\", \"to_floor\": %.2f, \"to_first_login\": %.2f, ",
			pam ? l->pam_first.name : l->first.name, ratio(&p->login, &l->floor),
			ratio(&p->login, pam ? &l->pam_first : &l->first));
		fprintf(out, "\"login_us\": ");
		json_samples(out, &p->login, ", \"logout_us\": ");
		json_samples(out, &p->logout, i + 1 < r->peers_count ? "}," : "}");
	}
	fprintf(out, "],\n");
}

void report_json(struct report *r, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		err(1, "%s", path);
	fprintf(out, "{\"rounds\": %u, \"levels\": [\n", r->rounds);
	for (size_t i = 0; i < r->levels_count; i++)
		json_level(out, &r->levels[i], i + 1 < r->levels_count ? "," : "");
	fprintf(out, "],\n");
	json_peers(out, r);
	fprintf(out, "\"at_once\": [\n");
	for (size_t i = 0; i < r->bursts_count; i++) {
		fprintf(out, "{\"logins\": %u, \"us\": ", r->bursts[i].at_once);
		json_samples(out, &r->bursts[i].login, i + 1 < r->bursts_count ? "}," : "}");
	}
	fprintf(out, "],\n\"storm\": {\"logouts\": %u, \"seconds\": %.2f, \"us\": [\n",
		r->storm_users, (double)r->storm_ns / 1e9);
	json_samples(out, &r->storm_logout, ",");
	json_samples(out, &r->storm_login, "]},");
	fprintf(out, "\"kernel_memory_kib_per_user\": %lld, \"left\": %u}\n",
		(long long)r->memory_kib,
		r->left.pins + r->left.users + r->left.links + r->left.routes + r->left.neighbours +
		    r->left.processes);
	if (fclose(out) != 0)
		err(1, "%s", path);
}
