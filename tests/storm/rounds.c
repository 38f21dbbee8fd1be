/*
 * Logins against last logouts: each process opens and closes as fast as possible, with pauses of
 * different lengths, so that logins often come while the reaper is at the user's namespaces.
 *
 * Sessions at the same time must be in the same namespaces. A process publishes the inode of its network
 * namespace, and compares the others' before it closes. Two sessions that were both open all the time and
 * have different inodes have got two namespaces.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storm.h"

#define PROCESSES_MAX 64

struct rounds {
	_Atomic uint64_t in[PROCESSES_MAX]; /* the network namespace of each session; 0: none */
	_Atomic unsigned isolated, refused, on_host, half, unclosed, differing, first;
	_Atomic in_addr_t address;
	_Atomic unsigned other_address;
};

static void pause_us(unsigned us)
{
	const struct timespec pause = {.tv_nsec = us * 1000L};

	nanosleep(&pause, NULL);
}

static void seen_count(struct rounds *r, const struct seen *seen)
{
	in_addr_t none = 0;

	r->isolated += seen->what == SEEN_ISOLATED;
	r->refused += seen->what == SEEN_REFUSED;
	r->on_host += seen->what == SEEN_ON_HOST;
	r->half += seen->what == SEEN_HALF;
	if (seen->address && !atomic_compare_exchange_strong(&r->address, &none, seen->address))
		r->other_address += none != seen->address;
}

static void neighbours_compare(struct rounds *r, unsigned self, unsigned processes, uint64_t net)
{
	for (unsigned i = 0; i < processes; i++) {
		uint64_t other = r->in[i];

		if (i != self && other && other != net)
			r->differing++;
	}
}

static void round_run(struct rounds *r, const char *user, unsigned self, unsigned processes,
		      unsigned *seed)
{
	struct seen seen;
	struct login *login = login_open(user, &seen);

	seen_count(r, &seen);
	if (!login)
		return;
	r->in[self] = seen.net;
	neighbours_compare(r, self, processes, seen.net);
	if (rand_r(seed) % 2)
		pause_us((unsigned)rand_r(seed) % 2000);
	r->in[self] = 0;
	login_close(login, &seen);
	r->unclosed += !seen.closed;
	/* From before the reaper's look until after its removal. */
	if (rand_r(seed) % 4)
		pause_us((unsigned)rand_r(seed) % 8000);
}

int storm_rounds(const char *user, unsigned rounds, unsigned processes)
{
	struct rounds *r = shared_make(sizeof(*r));
	double start = seconds_now();

	if (processes > PROCESSES_MAX)
		errx(2, "at most %d processes", PROCESSES_MAX);
	for (unsigned p = 0; p < processes; p++) {
		unsigned seed = p + 1;
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < rounds / processes; i++)
			round_run(r, user, p, processes, &seed);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	printf("rounds=%u isolated=%u refused=%u on_host=%u half=%u unclosed=%u differing=%u "
	       "other_address=%u seconds=%.2f\n",
	       rounds / processes * processes, r->isolated, r->refused, r->on_host, r->half,
	       r->unclosed, r->differing, r->other_address, seconds_now() - start);
	return r->isolated != rounds / processes * processes || r->unclosed || r->differing ||
	       r->other_address;
}
