/*
 * Notes of users whose last session has ended.
 *
 * A note in CLOSING_DIR, made under the user's lock when no session was live, says so. The next
 * login of the user takes it away. So if the same note is found, under the lock, as before the two
 * looks at all processes, no login came in between.
 */
#ifndef PAM_NETNS_NOTE_H
#define PAM_NETNS_NOTE_H

#include "helper.h"

/* All with the user's lock held. The note's inode tells it from a later one. */
int note_make(const struct host *host, uid_t uid) MUST_CHECK;
void note_forget(const struct host *host, uid_t uid);
bool note_is(const struct host *host, uid_t uid, uint64_t note);

#endif
