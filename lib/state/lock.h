/*
 * Locks among helpers: byte ranges of one file (fcntl(2) record locks), so that a lock leaves
 * nothing behind and the kernel tells who holds it. Byte UID is a user's lock.
 *
 * Record locks belong to the process and fall with it, however it ends. They are lost when any
 * descriptor of the file is closed, so a process opens the file once and keeps it open.
 * LOCK_HOST is shared by a login while it adds a user to the host's set-up, and held by whoever
 * changes the set-up: replacing the rules must not lose an element that is being added.
 * Order: a user's lock, LOCK_SETUP, LOCK_HOST, LOCK_LEASES. Nobody takes a user's lock while
 * holding one of the others. Who holds a user's lock may only try another user's.
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
#define LOCK_SETUP  (LOCK_HOST + 5) /* taken before LOCK_HOST to change it; see setup_change.c */
#define LOCK_RESOLV (LOCK_HOST + 6) /* writing a network's resolv.conf; the last of all */
/* Of the reaper at work and of one that waits to follow; users' locks are only tried under them. */
#define LOCK_REAPER	 (LOCK_HOST + 3)
#define LOCK_REAPER_NEXT (LOCK_HOST + 4)

/* LOCK_PATH, made if missing (0600). The descriptor, or -errno. */
int lock_open(void) MUST_CHECK;

/*
 * Waits for the lock as long as the caller's own deadline allows (its alarm ends the process).
 * proc: the host's procfs. A holder that has been seen stopped (SIGSTOP, ptrace, a frozen cgroup)
 * for 300 ms is killed: it could keep a user out for ever.
 */
int lock_take(int lock, int proc, uint64_t which) MUST_CHECK;
/* Shared with others who share it; excludes lock_take(). Never turned into the other kind. */
int lock_share(int lock, int proc, uint64_t which) MUST_CHECK;
/* -EAGAIN where somebody holds it. */
int lock_try(int lock, uint64_t which) MUST_CHECK;
void lock_release(int lock, uint64_t which);
bool lock_held(int lock, uint64_t which); /* by another process */
/* True if no other process holds the lock of any user. */
bool lock_users_idle(int lock) MUST_CHECK;

#endif
