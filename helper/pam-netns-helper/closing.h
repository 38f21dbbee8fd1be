/* Serving the notes (note.h) of users whose last session has ended. */
#ifndef PAM_NETNS_CLOSING_H
#define PAM_NETNS_CLOSING_H

#include "helper.h"

/*
 * Serves all notes, including those made meanwhile: waits for the users' last processes (with
 * linger = no it ends them) and tears down. Leaves users who are still active after 10 s to gc.
 * Returns 1 if it ended for lack of time and notes remain, else 0 or -errno. patient = false: waits
 * only for processes that it ends itself, and leaves the notes of other users to the reaper.
 */
int closing_serve(struct host *host, bool patient) MUST_CHECK;

#endif
