/*
 * What the kernel has of users' uplinks on the host, read by libnl-route-3: a second opinion on
 * what our own messages wrote (lib/net), which shares no code with them.
 *
 * Each table is read once, whatever the number of users. Ports come from the bridges' list
 * (AF_BRIDGE), which does not look for the namespace of each port's other end as a list of all
 * links does. All functions are about the network namespace that the caller is in.
 */
#ifndef PAM_NETNS_KERNEL_H
#define PAM_NETNS_KERNEL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cleanup.h"

enum kernel_kind { KERNEL_PORT, KERNEL_ROUTE, KERNEL_NEIGHBOUR, KERNEL_FDB, KERNEL_ADDRESS };

struct kernel_object {
	enum kernel_kind kind;
	unsigned link;		/* of a port: its own index */
	struct address address; /* of a route, a neighbour, an address */
	struct mac mac;		/* of a neighbour, an FDB entry */
	bool fixed;		/* a permanent neighbour, a static FDB entry */
	/* Of a port. */
	char name[IFNAMSIZ];
	unsigned bridge;
	const char *wrong; /* "not locked"; NULL: as it should be */
};

/* Into the host's network, if root is in a user's; false, with errno, if that fails. */
bool kernel_host_enter(void);

struct kernel {
	struct kernel_object *list; /* sorted */
	size_t count, room;
};

/* 0 or -errno, logged. The caller frees it, after an error too. */
int kernel_read(struct kernel *out) MUST_CHECK;
void kernel_free(struct kernel *kernel);

/* The port of this index; a route, neighbour or address of a link;
 * a MAC in the FDB of a port. NULL: there is none. */
const struct kernel_object *kernel_port(const struct kernel *kernel, unsigned link);
const struct kernel_object *kernel_find(const struct kernel *kernel, enum kernel_kind kind,
					unsigned link, const struct address *address);
const struct kernel_object *kernel_fdb(const struct kernel *kernel, unsigned port,
				       const struct mac *mac);

/* One link, asked for alone: by its index, or with index 0 by its name. */
struct kernel_link {
	unsigned index;
	char name[IFNAMSIZ];
	struct mac mac;
	uint64_t received, sent; /* bytes, as the link sees it */
};
/* -ENODEV if there is no such link. Not logged. */
int kernel_link(unsigned index, const char *name, struct kernel_link *out) MUST_CHECK;

#endif
