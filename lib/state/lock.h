/*
 * Locks among helpers: byte ranges of one file (fcntl(2) record locks). So a lock leaves nothing
 * behind, and the kernel names its holder. Byte UID is a user's lock.
 *
 * Record locks belong to the process and end with it. They are lost if any descriptor of the file
 * is closed, so a process opens the file once and keeps it open. A login shares LOCK_HOST while it
 * adds a user to the host's set-up; a process that changes the set-up holds it alone, because
 * replacing the rules must not lose an element that a login adds. Order: a user's lock, LOCK_SETUP,
 * LOCK_HOST, LOCK_LEASES. No process takes a user's lock while it holds one of the others. The
 * holder of a user's lock may only try another user's.
 */
#ifndef PAM_NETNS_LOCK_H
#define PAM_NETNS_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

#define LOCK_HOST   ((uint64_t)1 << 33) /* bridges, rules, templates, name servers */
#define LOCK_LEASES (LOCK_HOST + 1)
#define LOCK_GC	    (LOCK_HOST + 2)
#define LOCK_SETUP  (LOCK_HOST + 5) /* before LOCK_HOST, to change it; see setup_change.c */
#define LOCK_RESOLV (LOCK_HOST + 6) /* to write a network's resolv.conf; the last of all */
/* For the reaper at work, and for the next one; under them users' locks are only tried. */
#define LOCK_REAPER	 (LOCK_HOST + 3)
#define LOCK_REAPER_NEXT (LOCK_HOST + 4)

/* Opens LOCK_PATH, made if missing (0600): a descriptor, or -errno. */
int lock_open(void) MUST_CHECK;

/*
 * Waits for the lock as long as the caller's own deadline allows (its alarm ends the process).
 * proc: the host's procfs. A holder that stays stopped (SIGSTOP, ptrace, a frozen cgroup) for 300
 * ms is killed: it could keep a user out for ever.
 */
int lock_take(int lock, int proc, uint64_t which) MUST_CHECK;
/* Shared with others that share it; excludes lock_take(). A lock never
 * changes to the other kind. */
int lock_share(int lock, int proc, uint64_t which) MUST_CHECK;
/* -EAGAIN: another process holds it. */
int lock_try(int lock, uint64_t which) MUST_CHECK;
void lock_release(int lock, uint64_t which);
bool lock_held(int lock, uint64_t which); /* by another process */
/* True if no other process holds the lock of any user. */
bool lock_users_idle(int lock) MUST_CHECK;

#endif
