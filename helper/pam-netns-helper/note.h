/*
 * Notes of users whose last session has ended.
 *
 * The close of the last session makes a note in CLOSING_DIR, under the user's lock. The user's next
 * login removes it. So if the same note exists, under the lock, before and after the two readings
 * of the process list, no login came in between.
 */
#ifndef PAM_NETNS_NOTE_H
#define PAM_NETNS_NOTE_H

#include "helper.h"

/* All with the user's lock held. The note's inode distinguishes it from a later one. */
int note_make(const struct host *host, uid_t uid) MUST_CHECK;
void note_forget(const struct host *host, uid_t uid);
bool note_is(const struct host *host, uid_t uid, uint64_t note);

#endif
