/*
 * The source ports, and ICMP ids, that NAT gives to users: none that the host needs.
 *
 * A connection that a user opened from a port gets the packets that come back to that port. If a
 * service of the host received on the same port, a user could get packets that are meant for the
 * service: with UDP if the port is known, with TCP if it is guessed (CVE-2021-3773).
 */
#ifndef PAM_NETNS_NAT_PORTS_H
#define PAM_NETNS_NAT_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct nat_ports {
	uint16_t first, last;
};

struct port_set {
	uint8_t bits[65536 / 8];
};

/* An initializer would be 8 KiB of zeros in the program's constants. */
void port_set_clear(struct port_set *set);
void port_set_add(struct port_set *set, unsigned first, unsigned last);
/* The lowest port of the set from first to last; 0: none. */
unsigned port_set_next(const struct port_set *set, unsigned first, unsigned last);

/*
 * Adds the ports of a list of sockets, such as /proc/net/tcp: those that receive from other hosts,
 * so none that is bound to loopback. Returns 0 or -errno; a missing file counts as empty.
 */
int nat_ports_services_of(const char *path, struct port_set *services) MUST_CHECK;
/* The same for TCP and UDP, IPv4 and IPv6, in this network namespace. */
int nat_ports_services(struct port_set *services) MUST_CHECK;

/*
 * Chooses the largest range above 1023 without the host's own ports. local and reserved are the
 * texts of net.ipv4.ip_local_port_range and ip_local_reserved_ports. If services leave too few
 * ports, the range has some of theirs. If local and reserved ports leave too few, false is
 * returned, and the range is a quarter of the ports that are not reserved.
 */
bool nat_ports_choose(const char *local, const char *reserved, const struct port_set *services,
		      struct nat_ports *out);

#endif
