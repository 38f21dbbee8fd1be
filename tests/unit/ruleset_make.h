/* For tests of the rules: networks and uplinks, and the text of their rules. */
#ifndef PAM_NETNS_RULESET_MAKE_H
#define PAM_NETNS_RULESET_MAKE_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/ruleset.h"

#define DENIED "goto refuse\n"

struct fixture {
	struct network conf[3];
	struct network_state networks[3];
	struct uplink uplinks[4];
	const struct network_state *network_list[3];
	const struct uplink *uplink_list[4];
	struct ruleset ruleset;
};

static const struct egress_rule egress_any[] = {{.allow = true}};
static struct egress_rule egress_list[4];
static struct port_rule host_ports[] = {{IPPROTO_TCP, 22, 22}, {IPPROTO_UDP, 6000, 6010}};

static inline struct prefix prefix_of(const char *text)
{
	struct prefix p;

	if (prefix_parse(text, &p))
		abort();
	return p;
}

static inline struct address address_of(const char *text)
{
	struct address a;

	if (address_parse(text, &a))
		abort();
	return a;
}

static inline void set_network(struct fixture *f, size_t i, const char *name, const char *bridge,
			       const char *subnet, const char *subnet6)
{
	struct network *conf = &f->conf[i];
	struct network_state *network = &f->networks[i];

	snprintf(conf->name, sizeof(conf->name), "%s", name);
	snprintf(conf->bridge, sizeof(conf->bridge), "%s", bridge);
	conf->nat = true;
	conf->host_icmp = conf->host_dns = true;
	conf->egress = (struct egress_rule *)egress_any;
	conf->egress_count = 1;
	conf->max_connections = 4096;
	conf->new_connections = 50;
	conf->new_connections_burst = 2000;
	network->conf = conf;
	strcpy(network->name, conf->name);
	strcpy(network->bridge, conf->bridge);
	network->bridges = 1;
	network->subnet = prefix_of(subnet);
	if (subnet6)
		network->subnet6 = prefix_of(subnet6);
	f->network_list[i] = network;
	f->ruleset.networks = f->network_list;
	f->ruleset.networks_count = i + 1;
}

static inline void set_uplink(struct fixture *f, size_t i, const char *port, size_t network,
			      const char *address, const char *address6, gid_t gid)
{
	struct uplink *uplink = &f->uplinks[i];

	snprintf(uplink->port, sizeof(uplink->port), "%s", port);
	uplink->network = &f->networks[network];
	uplink->address = address_of(address);
	if (address6)
		uplink->address6 = address_of(address6);
	uplink->mac = address_mac(&uplink->address);
	uplink->gid = gid;
	f->uplink_list[i] = uplink;
	f->ruleset.uplinks = f->uplink_list;
	f->ruleset.uplinks_count = i + 1;
}

static inline void set_egress_list(struct network *conf)
{
	egress_list[0] =
	    (struct egress_rule){.allow = false, .destination = prefix_of("198.51.100.2/32")};
	egress_list[1] = (struct egress_rule){.allow = true,
					      .port = {IPPROTO_TCP, 7001, 7002},
					      .destination = prefix_of("198.51.100.0/24")};
	egress_list[2] = (struct egress_rule){.allow = false, .port = {IPPROTO_TCP, 0, 65535}};
	egress_list[3] =
	    (struct egress_rule){.allow = true, .destination = prefix_of("2001:db8:99::/64")};
	conf->egress = egress_list;
	conf->egress_count = 4;
}

/* Two users on one network, one on another; a third network has no IPv6 and no users. */
static inline void set_up_three(struct fixture *f)
{
	*f = (struct fixture){0};
	set_network(f, 0, "default", "pnbr0", "10.203.0.0/16", "fd00:203::/64");
	f->networks[0].bridges = 2;
	set_network(f, 1, "0-lab_x-", "lab", "10.204.0.0/24", "fd00:204::/64");
	f->conf[1].peers = PEERS_GROUP;
	f->conf[1].nat_address = address_of("198.51.100.9");
	f->conf[1].nat_address6 = address_of("2001:db8:99::9");
	f->conf[1].host_ports = host_ports;
	f->conf[1].host_ports_count = 2;
	set_egress_list(&f->conf[1]);
	set_network(f, 2, "third", "br-third", "10.205.0.0/24", NULL);
	f->conf[2].peers = PEERS_YES;
	f->conf[2].nat = false;
	f->conf[2].host_all = true;
	f->conf[2].egress_count = 0;
	f->conf[2].max_connections = 7;
	f->conf[1].new_connections = 1;
	f->conf[2].new_connections = 0;
	f->ruleset.nat_ports = (struct nat_ports){1024, 32767};
	set_uplink(f, 0, "pnua.1", 0, "10.203.0.2", "fd00:203::2", 1000);
	set_uplink(f, 1, "pnub.1", 1, "10.204.0.2", "fd00:204::2", 1000);
	set_uplink(f, 2, "pnuc.1", 1, "10.204.0.3", "fd00:204::3", 0);
	set_uplink(f, 3, "pnud.1", 2, "10.205.0.2", NULL, 4294967294U);
}

static inline char *text_of(const struct fixture *f)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(ruleset_write(out, &f->ruleset), 0);
	fclose(out);
	return text;
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin: %s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("there: %s\nin: %s", part, text);
}

#endif
