/*
 * When leases were last used, how many addresses are left, and which uids belong to no user any
 * more: the facts for giving an address to another uid.
 *
 *	NETWORK/uid/UID		its time of modification is that of the lease's last use
 *	.absent/UID		name services know no such uid, since the time of modification
 *	.absent/looked		its time of modification is that of the last lookup of absent uids;
 *				two lookups count, the first and one a day later
 *
 * All are symbolic links, see lease.h. leases is a descriptor of LEASES_DIR. Errors are logged.
 */
#ifndef PAM_NETNS_LEASE_USE_H
#define PAM_NETNS_LEASE_USE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/address.h"
#include "base/cleanup.h"

#define LEASE_KEPT_S (30 * 24 * 3600) /* then an absent uid's unused lease is freed */
#define LEASE_LOOK_S (24 * 3600)      /* between two lookups of absent uids */

struct lease_use {
	uid_t uid;
	time_t time;
};

/* Opens a folder of links below leases. *out is NULL if it does not exist; the caller closes it. */
int lease_links_open(int leases, const char *path, DIR **out) MUST_CHECK;

/* Marks the lease as used now, with one system call. 0 also if the network or
 * lease does not exist. */
void lease_used(const char *network, uid_t uid);
/* The same if the last use was more than older_s seconds ago. */
void lease_used_again(int leases, const char *network, uid_t uid, time_t older_s);

/* All leases of a network, the longest unused first. The caller frees *uses, after an error too. */
int lease_uses(int leases, const char *network, struct lease_use **uses, size_t *count) MUST_CHECK;
/* The number of leased addresses in the subnet, and of all its addresses for users. */
int lease_count(int leases, const char *network, const struct prefix *subnet, uint32_t *leased,
		uint32_t *all) MUST_CHECK;

/* Absent uids, with the time of the first lookup that did not find them. Free as above. */
int lease_absent(int leases, struct lease_use **absent, size_t *count) MUST_CHECK;
/* The time of the last lookup; 0: there was none. */
time_t lease_looked(int leases);
/* Record the result of a lookup for one uid, and the lookup itself. */
int lease_absent_set(int leases, uid_t uid, bool absent) MUST_CHECK;
int lease_looked_set(int leases) MUST_CHECK;
/* After a failed lookup, forgets all: it proves nothing, nor do those before it. */
int lease_absent_forget(int leases) MUST_CHECK;

#endif
