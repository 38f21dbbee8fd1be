/*
 * Connections found by address and removed; see conntrack.h.
 *
 * The kernel's own filter knows only whole addresses, not prefixes, and cannot be used to remove
 * entries. So all entries are read. None can be removed during a dump, so matching entries are
 * collected first, ENTRIES_MAX at a time: a full table of 262,144 takes a few dumps and 7 MB.
 */
#include "net/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

#define ENTRIES_MAX 65536
#define DUMPS_MAX   64 /* dumps; allowed connections come back while they are removed */
#define TUPLE_MAX   96 /* bytes; ICMPv6 with a zone has 88 */

/* The key of an entry, byte by byte as in the dump. */
struct entry {
	uint8_t tuple[TUPLE_MAX];
	uint8_t tuple_size, family;
	uint16_t zone; /* in network order, as is id */
	uint32_t id;
	bool has_zone, has_id;
};

struct search {
	const struct prefix *prefixes;
	size_t prefixes_count;
	struct entry *entries;
	size_t count, room, max;
};

static struct netlink_message *request(int type, int flags, uint8_t family)
{
	struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};

	return netlink_request(NFNL_SUBSYS_CTNETLINK << 8 | type, flags, &header, sizeof(header));
}

static bool address_found(const struct search *s, const struct nlattr *attribute, int family)
{
	struct address address = {.family = family};

	if (!attribute || attribute_size(attribute) != address_size(&address))
		return false;
	attribute_copy(attribute, address.bytes, address_size(&address));
	for (size_t i = 0; i < s->prefixes_count; i++)
		if (prefix_contains(&s->prefixes[i], &address))
			return true;
	return false;
}

/* One direction of an entry: is one of its addresses in the prefixes? */
static bool tuple_found(const struct search *s, const struct nlattr *tuple)
{
	const struct nlattr *parts[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1];

	if (!tuple)
		return false;
	attributes_parse(attribute_value(tuple), attribute_size(tuple), parts, CTA_TUPLE_MAX);
	if (!parts[CTA_TUPLE_IP])
		return false;
	attributes_parse(attribute_value(parts[CTA_TUPLE_IP]), attribute_size(parts[CTA_TUPLE_IP]),
			 ip, CTA_IP_MAX);
	return address_found(s, ip[CTA_IP_V4_SRC], AF_INET) ||
	       address_found(s, ip[CTA_IP_V4_DST], AF_INET) ||
	       address_found(s, ip[CTA_IP_V6_SRC], AF_INET6) ||
	       address_found(s, ip[CTA_IP_V6_DST], AF_INET6);
}

static int entry_keep(struct search *s, const struct nfgenmsg *header,
		      const struct nlattr *const *attributes)
{
	const struct nlattr *tuple = attributes[CTA_TUPLE_ORIG];
	struct entry *e;

	if (attribute_size(tuple) > TUPLE_MAX)
		return -EMSGSIZE;
	if (s->count == s->room) {
		size_t room = s->room * 2 + 64 < s->max ? s->room * 2 + 64 : s->max;
		struct entry *more = reallocarray(s->entries, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->entries = more;
		s->room = room;
	}
	e = &s->entries[s->count++];
	*e = (struct entry){
	    .tuple_size = (uint8_t)attribute_size(tuple),
	    .family = header->nfgen_family,
	    .has_id = attributes[CTA_ID] != NULL,
	    .has_zone = attributes[CTA_ZONE] != NULL,
	};
	attribute_copy(tuple, e->tuple, TUPLE_MAX);
	if (e->has_id)
		attribute_copy(attributes[CTA_ID], &e->id, sizeof(e->id));
	if (e->has_zone)
		attribute_copy(attributes[CTA_ZONE], &e->zone, sizeof(e->zone));
	return 0;
}

static int entry_seen(void *context, struct nlmsghdr *answer)
{
	const struct nlattr *attributes[CTA_MAX + 1];
	struct search *s = context;

	/* The next dump will find the rest. */
	if (s->count == s->max ||
	    answer->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    !netlink_parse(answer, sizeof(struct nfgenmsg), attributes, CTA_MAX) ||
	    !attributes[CTA_TUPLE_ORIG])
		return 0;
	if (!tuple_found(s, attributes[CTA_TUPLE_ORIG]) &&
	    !tuple_found(s, attributes[CTA_TUPLE_REPLY]))
		return 0;
	return entry_keep(s, netlink_payload(answer), attributes);
}

static void entry_remove(struct netlink_batch *batch, const struct entry *e)
{
	struct netlink_message *m = request(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, e->family);

	netlink_put(m, CTA_TUPLE_ORIG | NLA_F_NESTED, e->tuple_size, e->tuple);
	if (e->has_id)
		netlink_put(m, CTA_ID, sizeof(e->id), &e->id);
	if (e->has_zone)
		netlink_put(m, CTA_ZONE, sizeof(e->zone), &e->zone);
	netlink_add(batch, m, "remove a tracked connection", ENOENT);
}

static int entries_remove(struct netlink *netfilter, const struct search *s)
{
	struct netlink_batch batch;
	int result = 0;

	netlink_batch_init(&batch);
	for (size_t i = 0; i < s->count && result == 0; i++) {
		entry_remove(&batch, &s->entries[i]);
		if (batch.count == NETLINK_BATCH_MAX)
			result = netlink_run(netfilter, &batch);
	}
	return result < 0 ? result : netlink_run(netfilter, &batch);
}

/* Keeps at most max entries in memory. */
static int connections_drop(struct netlink *netfilter, struct search *s)
{
	int removed = 0, dumps = 0, result;

	do {
		s->count = 0;
		result = netlink_query(netfilter, request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
				       "list the tracked connections (kernel module "
				       "nf_conntrack_netlink)",
				       entry_seen, s);
		result = result ?: entries_remove(netfilter, s);
		if (result < 0)
			return result;
		removed += (int)s->count;
	} while (s->count == s->max && ++dumps < DUMPS_MAX);
	return removed;
}

int conntrack_drop(struct netlink *netfilter, const struct prefix *prefixes, size_t count)
{
	struct search s = {.prefixes = prefixes, .prefixes_count = count, .max = ENTRIES_MAX};
	int result = count ? connections_drop(netfilter, &s) : 0;

	free(s.entries);
	return result;
}
