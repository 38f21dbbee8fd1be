/*
 * closing.c: notes of users whose last session has ended, and serving them.
 *
 * A note in CLOSING_DIR, made under the user's lock when no session was live, says so; the login
 * that comes next takes it away. So whoever finds, under the lock, the same note as before the two
 * looks at all processes knows that nobody can have come in between.
 */
#ifndef PAM_NETNS_CLOSING_H
#define PAM_NETNS_CLOSING_H

#include "helper.h"

/* All with the user's lock held. */
int closing_note(const struct host *host, uid_t uid) MUST_CHECK;
void closing_forget(const struct host *host, uid_t uid);
bool closing_is(const struct host *host, uid_t uid, uint64_t note);

/*
 * Serves all notes, those too that are made meanwhile: waits for the users' last processes (with
 * linger = no ends them) and tears down. Users who are still in after 10 s are left to gc. Returns
 * 1 if notes are left because this has gone on for too long, else 0 or -errno. patient = false:
 * waits only for those whose processes it ends, and leaves the others' notes to whoever does.
 */
int closing_serve(struct host *host, bool patient) MUST_CHECK;

#endif
