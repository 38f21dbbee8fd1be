/*
 * What the kernel has of users' uplinks on the host, read by libnl-route-3. It is a second opinion
 * on our own messages (lib/net), because it shares no code with them.
 *
 * Each table is read once, whatever the number of users. Ports come from the bridges' list
 * (AF_BRIDGE): unlike a list of all links, it does not make the kernel search for the namespace of
 * each port's other end. All functions use the network namespace of the caller.
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

/* Joins the host's network namespace, in case root is in a user's. False and errno: it failed. */
bool kernel_host_enter(void);

struct kernel {
	struct kernel_object *list; /* sorted */
	size_t count, room;
};

/* 0 or -errno, logged. The caller frees it, after an error too. */
int kernel_read(struct kernel *out) MUST_CHECK;
void kernel_free(struct kernel *kernel);

/* kernel_port: the port with this index. kernel_find: a route, neighbour or address of a link.
 * kernel_fdb: a MAC in the FDB of a port. NULL: there is none. */
const struct kernel_object *kernel_port(const struct kernel *kernel, unsigned link);
const struct kernel_object *kernel_find(const struct kernel *kernel, enum kernel_kind kind,
					unsigned link, const struct address *address);
const struct kernel_object *kernel_fdb(const struct kernel *kernel, unsigned port,
				       const struct mac *mac);

/*
 * The index of the veth whose other end, in another namespace, has that index: a user's uplink in the
 * user's network. 0: there is none, or the links cannot be read.
 */
unsigned kernel_other_end(unsigned port);

/* One link, read alone: by its index, or by its name if index is 0. */
struct kernel_link {
	unsigned index;
	char name[IFNAMSIZ];
	struct mac mac;
	uint64_t received, sent; /* bytes, as the link counts them */
};
/* -ENODEV if there is no such link. Not logged. */
int kernel_link(unsigned index, const char *name, struct kernel_link *out) MUST_CHECK;

#endif
