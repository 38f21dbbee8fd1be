/*
 * One process opens and closes sessions again and again, like a long-running sshd or cron that does not
 * fork: 100,000 calls show the leak of one. The users take turns, so that most logins are first ones. The
 * test script counts the host's resources before and after.
 *
 * It runs without malloc's cache of freed chunks, which count as used:
 * GLIBC_TUNABLES=glibc.malloc.tcache_count=0
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storm.h"

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	if (!dir)
		err(2, "/proc/self/fd");
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static unsigned long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		err(2, "/proc/self/statm");
	fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static bool round_run(const char *prefix, unsigned number, unsigned *wrong)
{
	char user[64];
	struct seen seen;
	struct login *login;

	snprintf(user, sizeof(user), "%s%u", prefix, number);
	login = login_open(user, &seen);
	if (login)
		login_close(login, &seen);
	if (seen.what == SEEN_ISOLATED && seen.closed)
		return true;
	if ((*wrong)++ < 10)
		printf("%s: %s, %s\n", user, seen_word(&seen),
		       seen.closed ? "closed" : "not closed");
	return false;
}

int storm_soak(const char *prefix, unsigned users, unsigned rounds)
{
	unsigned wrong = 0, fds;
	unsigned long kib;
	size_t heap;
	double start, first = 0, last = 0;

	/* The first round shows what libc and PAM allocate once. */
	for (unsigned i = 0; i < 100; i++)
		round_run(prefix, i % users + 1, &wrong);
	fds = descriptors();
	kib = resident_kib();
	heap = mallinfo2().uordblks;
	start = seconds_now();
	for (unsigned i = 0; i < rounds; i++) {
		double began = seconds_now();

		round_run(prefix, i % users + 1, &wrong);
		if (i < rounds / 10)
			first += seconds_now() - began;
		else if (i >= rounds - rounds / 10)
			last += seconds_now() - began;
	}
	kib = resident_kib() - kib;
	heap = mallinfo2().uordblks - heap;
	printf("rounds=%u wrong=%u fds=%+d heap=%+ld rss_kib=%+ld seconds=%.1f first_tenth=%.1f "
	       "last_tenth=%.1f\n",
	       rounds, wrong, (int)(descriptors() - fds), (long)heap, (long)kib,
	       seconds_now() - start, first, last);
	/* Some pages are touched late, so a few are no leak. One byte of the heap is. */
	return wrong || descriptors() != fds || heap != 0 || (long)kib > 256;
}
