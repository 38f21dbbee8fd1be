/* leaving.c: one user who is leaving, from one look at all processes to the next. */
#ifndef PAM_NETNS_LEAVING_H
#define PAM_NETNS_LEAVING_H

#include <stdint.h>

#include "members.h"

struct leaving {
	uid_t uid;
	uint64_t note;	 /* inode of the user's note (closing.h); 0: it is done without */
	long since;	 /* now_ms() */
	bool kill;	 /* end the processes: SIGTERM, SIGKILL after 2 s */
	bool terminated; /* the first of them was sent */
	unsigned empty;	 /* looks in a row that found nobody */
	pid_t first;	 /* one of the processes, 0: none */
};

enum looked {
	LOOKED_DONE,  /* torn down, or the user has come back */
	LOOKED_EMPTY, /* nobody is in: look again at once */
	LOOKED_IN,    /* somebody is still in */
};

/* Takes the user's lock to tear down, but does not wait for it: who has it is a login. */
int leaving_look(struct host *host, const struct census *census, struct leaving *l) MUST_CHECK;
/* Until one of the processes ends, or timeout_ms. */
void leaving_wait(const struct leaving *leaving, size_t count, int timeout_ms);

long now_ms(void); /* CLOCK_MONOTONIC */

#endif
