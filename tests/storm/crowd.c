/*
 * Many first logins at once, of one user or of many. All processes wait for one start, and keep their
 * sessions until all are open, so that each namespace is held while the others look.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

struct crowd {
	pthread_barrier_t start, in, out;
	double opened, closed; /* time of the last */
	struct seen seen[];
};

static struct crowd *crowd_make(unsigned count)
{
	struct crowd *crowd = shared_make(sizeof(*crowd) + count * sizeof(struct seen));
	pthread_barrierattr_t shared;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&crowd->start, &shared, count + 1);
	pthread_barrier_init(&crowd->in, &shared, count + 1);
	pthread_barrier_init(&crowd->out, &shared, count + 1);
	return crowd;
}

static void member_run(struct crowd *crowd, const char *user, struct seen *seen)
{
	struct login *login;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_barrier_wait(&crowd->start);
	login = login_open(user, seen);
	pthread_barrier_wait(&crowd->in);
	pthread_barrier_wait(&crowd->out);
	if (login)
		login_close(login, seen);
	_exit(0);
}

static void crowd_run(struct crowd *crowd, const char *name, bool numbered, unsigned count)
{
	double start;

	for (unsigned i = 0; i < count; i++) {
		char user[64];
		pid_t pid = fork();

		snprintf(user, sizeof(user), numbered ? "%s%u" : "%s", name, i + 1);
		if (pid < 0)
			err(2, "fork %u", i);
		if (pid == 0)
			member_run(crowd, user, &crowd->seen[i]);
	}
	pthread_barrier_wait(&crowd->start);
	start = seconds_now();
	pthread_barrier_wait(&crowd->in);
	crowd->opened = seconds_now() - start;
	pthread_barrier_wait(&crowd->out);
	start = seconds_now();
	while (wait(NULL) > 0)
		;
	crowd->closed = seconds_now() - start;
}

static int count_wrong(const struct crowd *crowd, unsigned count)
{
	unsigned by_kind[SEEN_ISOLATED + 1] = {0}, unclosed = 0;

	for (unsigned i = 0; i < count; i++) {
		by_kind[crowd->seen[i].what]++;
		unclosed += crowd->seen[i].what >= SEEN_ON_HOST && !crowd->seen[i].closed;
	}
	printf("logins=%u isolated=%u refused=%u on_host=%u half=%u lost=%u unclosed=%u "
	       "open_s=%.2f close_s=%.2f\n",
	       count, by_kind[SEEN_ISOLATED], by_kind[SEEN_REFUSED], by_kind[SEEN_ON_HOST],
	       by_kind[SEEN_HALF], by_kind[SEEN_NOTHING], unclosed, crowd->opened, crowd->closed);
	return by_kind[SEEN_ISOLATED] != count || unclosed;
}

static int compare_net(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return (x->net > y->net) - (x->net < y->net);
}

static int compare_address(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* The number of different elements, by compare. */
static unsigned count_different(struct seen *seen, unsigned count,
				int compare(const void *, const void *))
{
	unsigned different = count > 0;

	qsort(seen, count, sizeof(*seen), compare);
	for (unsigned i = 1; i < count; i++)
		different += compare(&seen[i - 1], &seen[i]) != 0;
	return different;
}

static int crowd_report(struct crowd *crowd, unsigned count, unsigned expected)
{
	int wrong = count_wrong(crowd, count);
	unsigned addresses = count_different(crowd->seen, count, compare_address);
	unsigned namespaces = count_different(crowd->seen, count, compare_net);

	printf("namespaces=%u addresses=%u expected=%u\n", namespaces, addresses, expected);
	return wrong || namespaces != expected || addresses != expected;
}

int storm_one_user(const char *user, unsigned count)
{
	struct crowd *crowd = crowd_make(count);

	crowd_run(crowd, user, false, count);
	return crowd_report(crowd, count, 1);
}

int storm_users(const char *prefix, unsigned count)
{
	struct crowd *crowd = crowd_make(count);

	crowd_run(crowd, prefix, true, count);
	return crowd_report(crowd, count, count);
}
