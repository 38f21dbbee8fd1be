/* Sweeps, and checks after each of their runs. */
#ifndef CHECK_H
#define CHECK_H

#include "inject.h"

#define SLOW_MS 1000

/* State of the target or the host before a run. From VOID on other users are cut off until a login. */
enum state {
	STATE_OUT,
	STATE_IN,
	STATE_ABANDONED, /* a session that crashed */
	STATE_LINGERING, /* a crashed session, and a process in its namespaces */
	STATE_CUT,	 /* the body cuts off all users */
	STATE_VOID,	 /* the record of the set-up is void */
	STATE_DESTROYED, /* there is no set-up */
};

enum {
	MALLOCS = 1 << 0,
	STICKY = 1 << 1,
	ON_ERROR_HOST = 1 << 2,
	ONE_ERROR = 1 << 3, /* all errors have the same effect */
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
	char problem[1024]; /* of this run; "": none */
	bool slow;	    /* too slow, which proves nothing on a busy machine */
	off_t log_start;
	pid_t lingering; /* a process of the target; 0: none */
} check;

void check_begin(void);
/* Keeps a problem; NULL or "": none. */
void wrong(const char *text);
/* More than one call failed, including the way back. */
bool fault_is_multiple(const struct trace *t);
/* Runs while the traced process waits with its open session. */
void opened_check(struct trace *t);
/* Ends the lingering process, if there is one. */
void lingering_end(void);
void outcome_check(const struct sweep *sweep, const struct trace *t);
void after_check(const struct sweep *sweep, unsigned long number);
/* stop.c: runs until the process is stopped, lets others log in, and continues the process. */
void stop_run(struct trace *t, int timeout_ms);
void run_report(const struct sweep *sweep, const struct trace *t);

#endif
