/*
 * What makes a user's bridge port safe, whatever the user sends: its flags.
 *
 * Only the lock may be missing. A kernel that does not know an attribute ignores it without an
 * error, so only a flag that the kernel reads back is set.
 */
#ifndef PAM_NETNS_PORT_H
#define PAM_NETNS_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "net/netlink_message.h"

/* Sets all the flags of a port. */
struct netlink_message *port_flags_request(unsigned ifindex);

/* What differs in a bridge's answer about a port. */
struct port_flags {
	const char *wrong; /* "isolated (Linux 4.18)": not set; NULL: none but the lock */
	bool locked;	   /* set */
	bool no_lock;	   /* this kernel does not know the lock */
};
/* info: IFLA_PROTINFO. NULL: no flag is set. */
struct port_flags port_flags_read(const struct nlattr *info);

#endif
