/* leaving.c: one user who is leaving, from one reading of the process list to the next. */
#ifndef PAM_NETNS_LEAVING_H
#define PAM_NETNS_LEAVING_H

#include <stdint.h>

#include "members.h"

struct leaving {
	uid_t uid;
	uint64_t note;	 /* inode of the user's note (note.h); 0: without a note */
	long since;	 /* now_ms() */
	unsigned kinds;	 /* of their namespaces, enum namespace_bit */
	bool kill;	 /* end the processes: SIGTERM, SIGKILL after 2 s */
	bool terminated; /* SIGTERM was sent */
	unsigned empty;	 /* consecutive readings that found no process */
	pid_t first;	 /* one of the processes; 0: none */
};

enum looked {
	LOOKED_DONE,  /* torn down, or the user has come back */
	LOOKED_EMPTY, /* no process was found: read again at once */
	LOOKED_IN,    /* processes are left */
};

/* Tears down if it can have the user's lock at once. If not, a login has the lock. */
int leaving_look(struct host *host, const struct process_list *processes,
		 struct leaving *l) MUST_CHECK;
/* Waits until one of the processes ends, or timeout_ms. */
void leaving_wait(const struct leaving *leaving, size_t count, int timeout_ms);

long now_ms(void); /* CLOCK_MONOTONIC */

#endif
