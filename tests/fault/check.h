/* Sweeps, and what is looked at after each of their runs. */
#ifndef CHECK_H
#define CHECK_H

#include "inject.h"

#define SLOW_MS 1000

enum state { STATE_OUT, STATE_IN, STATE_ABANDONED, STATE_VOID, STATE_DESTROYED };

struct sweep {
	const char *name;
	void (*body)(void);
	enum state state; /* of the target or the host, before */
	enum role role;
	enum phase phase;
	enum hit hit;
	bool mallocs, sticky, on_error_host;
};
extern const struct sweep sweeps[];
extern const size_t sweeps_count;

extern struct check {
	unsigned long runs, failed;
	bool verbose;
	char problem[1024]; /* of this run, "" none */
	bool slow; /* it took too long, which on a machine with other work proves nothing yet */
	off_t log_start;
} check;

void check_begin(void);
/* Notes what was wrong; NULL or "" is nothing. */
void wrong(const char *text);
/* More than one call failed, the way back among them. */
bool fault_is_multiple(const struct trace *t);
/* While the traced process waits with its open session. */
void opened_check(struct trace *t);
void outcome_check(const struct sweep *sweep, const struct trace *t);
void after_check(const struct sweep *sweep, unsigned long number);
void run_report(const struct sweep *sweep, const struct trace *t);

#endif
