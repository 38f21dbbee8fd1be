/*
 * Leases: the place of a uid in a network. It is the same at each login, until it is given up
 * (gc_leases.c) because no user has the uid any more, or because all addresses are taken.
 *
 * leases is a descriptor of LEASES_DIR. All records are symbolic links, because making one is
 * atomic and its text cannot be torn:
 *
 *	NETWORK/address/ADDRESS -> UID		the claim; EEXIST: the address is taken
 *	NETWORK/uid/UID -> ADDRESS		the way back
 *
 * The claim is made first. If the way back is missing, the uid adopts the claim or gc removes it. A
 * link with a target that is no number (or address), or that points to another uid's claim, counts
 * as absent and is removed. A lease outside the subnet (the conf changed) counts as absent too, but
 * stays until its uid takes another: so a change of the conf can be taken back.
 *
 * Callers of lease_take, lease_restore, lease_release and lease_repair hold the lease lock
 * (lock.h). Even without it, two uids that take a lease at the same time would not get one
 * address. All errors but -ENOENT and -EADDRNOTAVAIL are logged. lease_use.h tells when a
 * lease was last used.
 */
#ifndef PAM_NETNS_LEASE_H
#define PAM_NETNS_LEASE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/cleanup.h"

/* Opens LEASES_DIR, made if missing: a descriptor, or -errno. */
int lease_folder_open(void) MUST_CHECK;

/* The valid lease of a uid, if it has one; else -ENOENT. No lock needed. */
int lease_find(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset) MUST_CHECK;

/*
 * The lease of a uid, made if there is none: at prefix_preferred_offset(), else the next free
 * offset after it. Only a lease at another than the preferred offset is synced to disk: the
 * preferred one would be found again anyway. -EADDRNOTAVAIL: no address is left.
 */
int lease_take(int leases, const char *network, const struct prefix *subnet, uid_t uid,
	       uint32_t *offset) MUST_CHECK;

/*
 * Makes the address the lease of uid, if neither has another: the lost lease of an
 * active user. 1: made.
 */
int lease_restore(int leases, const char *network, const struct prefix *subnet, uid_t uid,
		  const struct address *address) MUST_CHECK;

/* Forgets a uid's lease; 0 also if it has none. Only after all its guard elements, neighbours and
 * connections are gone, and with the user's lock held. */
int lease_release(int leases, const char *network, const struct prefix *subnet,
		  uid_t uid) MUST_CHECK;

/* Removes torn links, and claims and ways back without each other. Returns
 * the number, or -errno. */
int lease_repair(int leases, const char *network, const struct prefix *subnet) MUST_CHECK;

#endif
