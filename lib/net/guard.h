/*
 * The guard: elements of the rules' hash sets with the {port, MAC, address} that may send.
 *
 * A login adds them over nfnetlink, in one transaction for both families, before its port comes up;
 * running nft would cost more than the rest of a login. At logout the elements stay (they name a
 * port that is gone), because deleting one makes the close of the socket wait for RCU. gc deletes
 * them. This file also tells whether another program changed our rules: it hashes the kernel's dump
 * of them. Needs CAP_NET_ADMIN.
 */
#ifndef PAM_NETNS_GUARD_H
#define PAM_NETNS_GUARD_H

#include <stdint.h>

#include "base/cleanup.h"
#include "net/netlink.h"
#include "rules/ruleset.h"

/*
 * netfilter is a NETLINK_NETFILTER socket. -ENOENT, not logged: the tables do not exist.
 * *generation: the generation of the rules that this transaction made; 0 if all elements existed,
 * because then it makes none.
 */
int guard_add(struct netlink *netfilter, const struct uplink *uplink,
	      uint32_t *generation) MUST_CHECK;
/* Elements that are gone already are not an error. */
int guard_remove(struct netlink *netfilter, const struct uplink *uplink) MUST_CHECK;
/*
 * Removes all elements about an address and its IPv6 sibling (family 0: none), with any port or
 * group: another user is about to get it.
 */
int guard_forget(struct netlink *netfilter, const struct address *address,
		 const struct address *address6) MUST_CHECK;
/* Calls visit for each element of guard4 (with port name, MAC and address) or guard6. */
int guard_each(struct netlink *netfilter, bool ipv6,
	       int (*visit)(void *context, const struct uplink *uplink), void *context) MUST_CHECK;

/*
 * A hash over the kernel's dump of both tables, their chains and rules. Any change, flush or
 * replacement of one changes it; logins and logouts do not. *hash is 0 if there is no rule.
 */
int guard_fingerprint(struct netlink *netfilter, uint64_t *hash) MUST_CHECK;

/* Grows by one with each transaction that changes rules, sets or elements of any program. */
int guard_generation(struct netlink *netfilter, uint32_t *generation) MUST_CHECK;

#endif
