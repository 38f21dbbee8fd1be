/*
 * Leases: which uid has which place in which network: the same at each login, until it is given up
 * (gc_leases.c) because no user has the uid any more or all addresses are taken.
 *
 * leases is a descriptor of LEASES_DIR. Everything is a symbolic link, because making one is
 * atomic and its content cannot be torn:
 *
 *	NETWORK/address/ADDRESS -> UID		the claim; EEXIST means that it is somebody's
 *	NETWORK/uid/UID -> ADDRESS		the way back
 *
 * The claim comes first. A claim without a way back is adopted by its uid or removed by gc; a link
 * whose target is no number (address) or points to another's claim is never believed: it counts as
 * absent and is removed. A lease outside the subnet (the conf changed) counts as absent too; it
 * stays until its uid takes another, so that a change of the conf can be taken back.
 *
 * Callers of lease_take, lease_restore, lease_release and lease_repair hold the lease lock (lock.h).
 * Even without it, two uids that take a lease at the same time would not get one address. All
 * errors but -ENOENT and -EADDRNOTAVAIL are logged. lease_use.h tells when a lease was last used.
 */
#ifndef PAM_NETNS_LEASE_H
#define PAM_NETNS_LEASE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/cleanup.h"

/* LEASES_DIR, made where it is missing: a descriptor, or -errno. */
int lease_folder_open(void) MUST_CHECK;

/* The existing lease of a uid, without making one. -ENOENT: none that is valid. No lock needed. */
int lease_find(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset) MUST_CHECK;

/*
 * The lease of a uid, made if there is none: at prefix_preferred_offset(), else the next free
 * offset after it. Only a lease that is not the preferred one is synced to disk: the preferred one
 * would be found again anyway. -EADDRNOTAVAIL: no address left.
 */
int lease_take(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset) MUST_CHECK;

/*
 * The address becomes the lease of uid, if neither it nor uid has another: what was lost of a user
 * who is active. 1: made.
 */
int lease_restore(int leases, const char *network, const struct prefix *subnet, uid_t uid,
		  const struct address *address) MUST_CHECK;

/* Forgets a uid's lease; none is no error. Only once no guard element, neighbour or connection of
 * it is left, and with the user's lock held. */
int lease_release(int leases, const char *network, const struct prefix *subnet,
		  uid_t uid) MUST_CHECK;

/* Removes torn links, claims without a way back and the reverse; returns how many, or -errno. */
int lease_repair(int leases, const char *network, const struct prefix *subnet) MUST_CHECK;

#endif
