/*
 * The guard: elements of the rules' hash sets that say which {port, MAC, address} may send.
 *
 * Added over nfnetlink in one transaction for both families, before the port comes up; an exec of
 * nft would cost more than the rest of a login. At logout the elements stay (they name a
 * port that is gone): deleting one makes closing the socket wait for RCU; gc deletes them.
 * Also: has anybody touched our rules? The kernel's own dump of them is hashed. CAP_NET_ADMIN.
 */
#ifndef PAM_NETNS_GUARD_H
#define PAM_NETNS_GUARD_H

#include <stdint.h>

#include "base/cleanup.h"
#include "net/netlink.h"
#include "rules/ruleset.h"

/*
 * netfilter is a NETLINK_NETFILTER socket. -ENOENT: the tables are not there (unlogged).
 * *generation: of the rules, as this alone made it of the one before; 0 where all the elements were
 * there already, which makes none.
 */
int guard_add(struct netlink *netfilter, const struct uplink *uplink,
	      uint32_t *generation) MUST_CHECK;
/* Elements that are gone already are no error. */
int guard_remove(struct netlink *netfilter, const struct uplink *uplink) MUST_CHECK;
/*
 * Removes what any set says about an address and its IPv6 sibling (family 0: none), whichever port
 * or group: it is about to become another user's.
 */
int guard_forget(struct netlink *netfilter, const struct address *address,
		 const struct address *address6) MUST_CHECK;
/* Calls visit for each element of guard4 (port name, MAC and address filled in) or guard6. */
int guard_each(struct netlink *netfilter, bool ipv6,
	       int (*visit)(void *context, const struct uplink *uplink), void *context) MUST_CHECK;

/*
 * A hash over the kernel's dump of both tables, their chains and rules. Any change, flush or
 * replacement of one changes it; users coming and going do not. *hash is 0 where there is no rule.
 */
int guard_fingerprint(struct netlink *netfilter, uint64_t *hash) MUST_CHECK;

/* Grows by one with each transaction that changes anything of anybody's rules, sets or elements. */
int guard_generation(struct netlink *netfilter, uint32_t *generation) MUST_CHECK;

#endif
