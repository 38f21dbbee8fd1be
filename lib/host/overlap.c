/*
 * Addresses and routes of other programs in a network's subnets; see obstacle.h.
 *
 * The kernel's routes include all addresses, because each has a route in the table "local". A
 * user's own route is the most specific and wins, so users are reachable. The rest of an overlap is
 * not: the rules drop packets from a user's address that come by another link.
 */
#include "host/obstacle.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "host/wanted.h"
#include "base/paths.h"
#include "net/uplink.h"

#define LINKS_MAX 32 /* different links with an overlap */
#define OURS_MAX  (2 * NETWORK_BRIDGES_MAX)

/* The overlap of one other link. */
struct overlap {
	unsigned ifindex;
	struct prefix route; /* the widest route */
	struct address address;
};

struct overlap_search {
	const struct prefix *subnet;
	struct address gateway;
	const unsigned *ours; /* bridges */
	size_t ours_count;
	struct overlap links[LINKS_MAX];
	size_t count;
};

static bool link_ours(const struct overlap_search *search, unsigned ifindex)
{
	for (size_t i = 0; i < search->ours_count; i++)
		if (search->ours[i] == ifindex)
			return true;
	return false;
}

static struct overlap *overlap_of(struct overlap_search *search, unsigned ifindex)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->links[i].ifindex == ifindex)
			return &search->links[i];
	if (search->count == LINKS_MAX)
		return NULL;
	search->links[search->count] = (struct overlap){.ifindex = ifindex, .route.length = 129};
	return &search->links[search->count++];
}

static int overlap_read(void *context, struct nlmsghdr *answer)
{
	struct overlap_search *search = context;
	const struct rtmsg *header = netlink_payload(answer);
	const struct nlattr *attributes[RTA_MAX + 1];
	struct prefix route = {.address.family = header->rtm_family, .length = header->rtm_dst_len};
	struct overlap *overlap;

	/*
	 * Unreachable and blackhole routes, such as ours, lead nowhere. A default route (VPNs write
	 * it as two halves) overlaps everything and means nothing in particular.
	 */
	if (answer->nlmsg_type != RTM_NEWROUTE ||
	    (header->rtm_type != RTN_UNICAST && header->rtm_type != RTN_LOCAL) ||
	    header->rtm_dst_len <= 1 || header->rtm_family != search->subnet->address.family ||
	    !netlink_parse(answer, sizeof(*header), attributes, RTA_MAX) || !attributes[RTA_DST] ||
	    !attributes[RTA_OIF])
		return 0;
	attribute_copy(attributes[RTA_DST], route.address.bytes, sizeof(route.address.bytes));
	if (!prefix_overlaps(&route, search->subnet) ||
	    link_ours(search, attribute_u32(attributes[RTA_OIF])))
		return 0;
	overlap = overlap_of(search, attribute_u32(attributes[RTA_OIF]));
	if (!overlap)
		return 0;
	if (header->rtm_type == RTN_UNICAST && route.length < overlap->route.length)
		overlap->route = route;
	if (header->rtm_type == RTN_LOCAL && !address_equal(&overlap->address, &search->gateway))
		overlap->address = route.address;
	return 0;
}

/* Bridges by the conf's names, and by the names of those that are set up. */
static size_t bridges_find(int run, struct netlink *route, const struct conf *conf,
			   unsigned ours[OURS_MAX])
{
	size_t count = 0;

	for (size_t n = 0; n < conf->networks_count; n++) {
		const struct network *network = &conf->networks[n];
		struct network_state state;
		bool up = run >= 0 && network_state_read(run, network->name, &state) == 0;
		const char *bridge = up ? state.bridge : network->bridge;

		for (unsigned i = 0; i < (up ? state.bridges : 1) && count < OURS_MAX; i++) {
			char name[IFNAMSIZ];

			ours[count] =
			    ruleset_bridge_name(bridge, i, name) == 0 ? link_find(route, name) : 0;
			count += ours[count] != 0;
		}
	}
	return count;
}

static void remedy_write(int run, const struct network *conf, const struct prefix *subnet,
			 char out[NETWORK_TEXT_MAX])
{
	const char *key = subnet->address.family == AF_INET ? "subnet" : "subnet6";
	char kick[NETWORK_CHANGE_MAX] = "";

	if (run >= 0 && network_users(run, conf->name, kick) < 0)
		*kick = '\0';
	if (subnet->address.family == AF_INET && conf->subnet_source == SOURCE_AUTO)
		snprintf(out, NETWORK_TEXT_MAX, "rm " LEASES_DIR "/%s/subnet && %spam-netns up",
			 conf->name, kick);
	else
		snprintf(out, NETWORK_TEXT_MAX,
			 "write another %s in [network %s] of " CONF_PATH ", then: %spam-netns up",
			 key, conf->name, kick);
}

/* "docker0 has address 10.203.0.1, the gateway's, and route 10.203.0.0/24, in subnet ...". */
static void overlap_tell(const struct overlap_search *search, const struct overlap *overlap,
			 const struct network *conf, char out[512])
{
	char name[IF_NAMESIZE] = "", address[ADDRESS_TEXT_MAX], route[ADDRESS_TEXT_MAX],
	     subnet[ADDRESS_TEXT_MAX];
	bool has_route = overlap->route.length <= 128;
	size_t used;

	if (!if_indextoname(overlap->ifindex, name))
		snprintf(name, sizeof(name), "link %u", overlap->ifindex);
	used = (size_t)snprintf(out, 512, "%s has ", name);
	if (overlap->address.family)
		used += (size_t)snprintf(
		    out + used, 512 - used, "address %s%s",
		    address_format(&overlap->address, address),
		    address_equal(&overlap->address, &search->gateway) ? ", the gateway's," : "");
	if (has_route)
		used += (size_t)snprintf(out + used, 512 - used, "%sroute %s",
					 overlap->address.family ? " and " : "",
					 prefix_format(&overlap->route, route));
	snprintf(out + used, 512 - used,
		 ", which overlaps subnet %s of network %s: neither can reach the other",
		 prefix_format(search->subnet, subnet), conf->name);
}

static int overlaps_report(int run, struct netlink *route, struct overlap_search *search,
			   const struct network *conf, ruleset_report *report, void *context)
{
	struct rtmsg header = {.rtm_family = (uint8_t)search->subnet->address.family};
	char what[512], remedy[NETWORK_TEXT_MAX];
	int result =
	    netlink_query(route, netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
			  "list the routes", overlap_read, search);

	for (size_t i = 0; result >= 0 && i < search->count; i++) {
		overlap_tell(search, &search->links[i], conf, what);
		remedy_write(run, conf, search->subnet, remedy);
		report(context, what, remedy);
	}
	return result < 0 ? result : (int)search->count;
}

struct services {
	int run;
	const struct network *network;
	const struct prefix *subnet;
	ruleset_report *report;
	void *context;
	int count;
};

/* An address that users or the host need, and that the subnet hides. */
static void service_check(struct services *to, const char *text, const char *what_it_is)
{
	char what[512], remedy[NETWORK_TEXT_MAX], subnet[ADDRESS_TEXT_MAX];
	struct address address;

	if (address_parse(text, &address) < 0 || !prefix_contains(to->subnet, &address))
		return;
	snprintf(what, sizeof(what), "%s, %s, lies in subnet %s of network %s and is out of reach",
		 text, what_it_is, prefix_format(to->subnet, subnet), to->network->name);
	remedy_write(to->run, to->network, to->subnet, remedy);
	to->report(to->context, what, remedy);
	to->count++;
}

static void resolvers_check(struct services *to, const char *path)
{
	CLEANUP_FILE FILE *file = fopen(path, "re");
	CLEANUP_FREE char *line = NULL;
	char text[ADDRESS_TEXT_MAX];
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		if (sscanf(line, " nameserver %63[0-9a-fA-F.:]", text) == 1)
			service_check(to, text, "a name server of this host");
}

static int services_report(struct services *to)
{
	/* 169.254.169.254 cannot be in a subnet. */
	static const char *const metadata[] = {"100.100.100.200", "168.63.129.16", "192.0.0.192",
					       "fd00:ec2::254", "fd20:ce::254"};

	for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++)
		service_check(to, metadata[i], "the metadata service of a cloud");
	resolvers_check(to, "/etc/resolv.conf");
	/* The servers behind systemd-resolved. */
	resolvers_check(to, "/run/systemd/resolve/resolv.conf");
	return to->count;
}

int obstacle_overlaps(int run, struct netlink *route, const struct conf *conf,
		      ruleset_report *report, void *context)
{
	unsigned ours[OURS_MAX];
	size_t ours_count = bridges_find(run, route, conf, ours);
	int count = 0;

	for (size_t i = 0; i < conf->networks_count * 2; i++) {
		const struct network *network = &conf->networks[i / 2];
		struct overlap_search search = {.ours = ours, .ours_count = ours_count};
		struct network_state wanted;
		int result;

		network_wanted(network, &wanted);
		search.subnet = i % 2 ? &wanted.subnet6 : &wanted.subnet;
		search.gateway = prefix_gateway(search.subnet);
		if (!search.subnet->address.family)
			continue;
		result = overlaps_report(run, route, &search, network, report, context);
		if (result < 0)
			return result;
		count += result;
		count += services_report(&(struct services){.run = run,
							    .network = network,
							    .subnet = search.subnet,
							    .report = report,
							    .context = context});
	}
	return count;
}
