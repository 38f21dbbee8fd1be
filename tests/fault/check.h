/* Sweeps, and what is looked at after each of their runs. */
#ifndef CHECK_H
#define CHECK_H

#include "inject.h"

#define SLOW_MS 1000

/* Of the target or the host, before. From VOID on others are cut off until a login mends it. */
enum state {
	STATE_OUT,
	STATE_IN,
	STATE_ABANDONED, /* a session that crashed */
	STATE_LINGERING, /* one that crashed, and a process that lives on in the namespaces */
	STATE_CUT,	 /* the body cuts all off */
	STATE_VOID,	 /* the set-up is not believed */
	STATE_DESTROYED, /* there is none */
};

enum {
	MALLOCS = 1 << 0,
	STICKY = 1 << 1,
	ON_ERROR_HOST = 1 << 2,
	ONE_ERROR = 1 << 3, /* whichever it is, it goes the same way */
	BY_USER = 1 << 4,
};

struct sweep {
	const char *name;
	void (*body)(void);
	enum state state;
	enum role role;
	enum phase phase;
	enum hit hit;
	unsigned flags;
};
extern const struct sweep sweeps[];
extern const size_t sweeps_count;

extern struct check {
	unsigned long runs, failed;
	bool verbose;
	char problem[1024]; /* of this run, "" none */
	bool slow; /* it took too long, which on a machine with other work proves nothing yet */
	off_t log_start;
	pid_t lingering; /* a process of the target's, 0 none */
} check;

void check_begin(void);
/* Notes what was wrong; NULL or "" is nothing. */
void wrong(const char *text);
/* More than one call failed, the way back among them. */
bool fault_is_multiple(const struct trace *t);
/* While the traced process waits with its open session. */
void opened_check(struct trace *t);
/* Ends the lingering process, if there is one. */
void lingering_end(void);
void outcome_check(const struct sweep *sweep, const struct trace *t);
void after_check(const struct sweep *sweep, unsigned long number);
/* stop.c: runs until the process is halted, has others log in meanwhile, lets it go on. */
void stop_run(struct trace *t, int timeout_ms);
void run_report(const struct sweep *sweep, const struct trace *t);

#endif
