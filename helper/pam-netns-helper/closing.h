/* Serving the notes (note.h) of users whose last session has ended. */
#ifndef PAM_NETNS_CLOSING_H
#define PAM_NETNS_CLOSING_H

#include "helper.h"

/*
 * Serves all notes, those too that are made meanwhile: waits for the users' last processes (with
 * linger = no ends them) and tears down. Users who are still in after 10 s are left to gc. Returns
 * 1 if notes are left because this has gone on for too long, else 0 or -errno. patient = false:
 * waits only for those whose processes it ends, and leaves the others' notes to whoever does.
 */
int closing_serve(struct host *host, bool patient) MUST_CHECK;

#endif
