/*
 * When leases were last used, how many are left, and which uids have no user any more: what is
 * needed to give an address to another uid.
 *
 *	NETWORK/uid/UID		its time of modification is that of the lease's last use
 *	.absent/UID		name services know no such uid, since the time of modification
 *	.absent/looked		its time of modification is when all that might be absent were
 *				looked up; two looks count, the first and one a day later
 *
 * All are symbolic links, as lease.h says. leases is a descriptor of LEASES_DIR. Errors are logged.
 */
#ifndef PAM_NETNS_LEASE_USE_H
#define PAM_NETNS_LEASE_USE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/address.h"
#include "base/cleanup.h"

#define LEASE_KEPT_S (30 * 24 * 3600) /* unused for so long, an absent uid's lease is freed */
#define LEASE_LOOK_S (24 * 3600)      /* between two looks for absent uids */

struct lease_use {
	uid_t uid;
	time_t time;
};

/* The lease is used now. One system call; a network or lease that is not there is no error. */
void lease_used(const char *network, uid_t uid);
/* The same where that was more than older_s seconds ago. */
void lease_used_again(int leases, const char *network, uid_t uid, time_t older_s);

/* All leases of a network, the longest unused first. The caller frees *uses, after an error too. */
int lease_uses(int leases, const char *network, struct lease_use **uses, size_t *count) MUST_CHECK;
/* How many addresses of the subnet are leased, and how many there are. */
int lease_count(int leases, const char *network, const struct prefix *subnet, uint32_t *leased,
		uint32_t *all) MUST_CHECK;

/* Absent uids with the time of the first look that did not find them; frees as above. */
int lease_absent(int leases, struct lease_use **absent, size_t *count) MUST_CHECK;
/* The last look's time, 0: there was none. */
time_t lease_looked(int leases);
/* What a look found of one uid; and that it looked at all. */
int lease_absent_set(int leases, uid_t uid, bool absent) MUST_CHECK;
int lease_looked_set(int leases) MUST_CHECK;
/* A look that failed proves nothing, nor do those before it. */
int lease_absent_forget(int leases) MUST_CHECK;

#endif
