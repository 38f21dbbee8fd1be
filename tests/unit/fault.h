/*
 * Makes the calls of a source file fail, one after the other. A test includes this, then the
 * headers of the source, defines each call as FAULT(call) or FAULT_NULL(call) of itself, and
 * includes the source. fault_sweep() then runs something with the first call failing, the second,
 * and so on.
 */
#ifndef PAM_NETNS_FAULT_H
#define PAM_NETNS_FAULT_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static int fault_at, fault_error, fault_calls; /* fault_at 0: none fails */

static inline bool fault_hits(void)
{
	if (++fault_calls != fault_at)
		return false;
	errno = fault_error;
	return true;
}

#define FAULT(call)	 (fault_hits() ? -1 : (call))
#define FAULT_NULL(call) (fault_hits() ? NULL : (call))

static inline int fds_open(void)
{
	DIR *dir = (opendir)("/proc/self/fd");
	int count = 0;

	while (dir && (readdir)(dir))
		count++;
	(closedir)(dir);
	return count;
}

/*
 * Runs body once with no fault, then with each call failing, until it makes no further one. body
 * gets whether a call has failed by asking fault_was_hit(), and leaves no descriptor behind.
 */
static inline bool fault_was_hit(void)
{
	return fault_at && fault_calls >= fault_at;
}

static inline int fault_sweep(int error, void (*body)(void))
{
	int fds = fds_open();

	fault_error = error;
	for (fault_at = 0;; fault_at++) {
		bool hit;

		fault_calls = 0;
		body();
		hit = fault_was_hit();
		assert_int_equal(fds_open(), fds);
		if (fault_at && !hit)
			break;
	}
	fault_calls = fault_at - 1;
	fault_at = 0;
	return fault_calls;
}

/* body's own calls, of the source too, that are not to fail. */
#define fault_pause(statement)                                                                     \
	do {                                                                                       \
		int paused_at = fault_at, paused_calls = fault_calls;                              \
		fault_at = 0;                                                                      \
		statement;                                                                         \
		fault_at = paused_at;                                                              \
		fault_calls = paused_calls;                                                        \
	} while (0)

#endif
