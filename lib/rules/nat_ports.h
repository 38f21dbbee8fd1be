/*
 * The source ports, and ICMP ids, that NAT gives to users: none that the host needs.
 *
 * A connection that a user opened from a port takes what comes back to that port. If a service of
 * the host received on the same port, a user could take what others send to the service: of UDP
 * with a known port, of TCP with a guessed one (CVE-2021-3773).
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

void port_set_add(struct port_set *set, unsigned first, unsigned last);
/* The lowest port from that one on that is in the set, up to last; 0: none. */
unsigned port_set_next(const struct port_set *set, unsigned first, unsigned last);

/*
 * Adds the ports of a list of sockets, /proc/net/tcp or one like it: those that receive from
 * others, so none that is bound to loopback. 0 or -errno; a file that is not there is empty.
 */
int nat_ports_services_of(const char *path, struct port_set *services) MUST_CHECK;
/* The same of TCP and UDP, IPv4 and IPv6, of this network namespace. */
int nat_ports_services(struct port_set *services) MUST_CHECK;

/*
 * Chooses the largest range from 1024 on that has none of the host's own ports. local and reserved
 * are the texts of net.ipv4.ip_local_port_range and ip_local_reserved_ports. If services leave too
 * few, some of theirs are in it; if the others leave too few, false is returned: the range is then
 * a quarter of what is not reserved.
 */
bool nat_ports_choose(const char *local, const char *reserved, const struct port_set *services,
		      struct nat_ports *out);

#endif
