/*
 * Makes the calls of a source file fail, one after the other. A test includes this file, then the
 * headers of the source, defines each call as FAULT(call) or FAULT_NULL(call) of itself, and
 * includes the source. fault_sweep() runs a function while the first call fails, then the second, and so
 * on.
 */
#ifndef PAM_NETNS_FAULT_H
#define PAM_NETNS_FAULT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "fds.h"

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

/*
 * Runs body once without a fault, then with each call failing, until body makes no further call.
 * fault_was_hit() tells body whether a call has failed. body must leave no descriptor open.
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

/* Runs a statement of body whose calls do not fail. */
#define fault_pause(statement)                                                                     \
	do {                                                                                       \
		int paused_at = fault_at, paused_calls = fault_calls;                              \
		fault_at = 0;                                                                      \
		statement;                                                                         \
		fault_at = paused_at;                                                              \
		fault_calls = paused_calls;                                                        \
	} while (0)

#endif
