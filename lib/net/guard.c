/* Elements of the guard's sets, and the fingerprint of the rules; see guard.h. */
#include "net/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

/* The fields of a concatenation are padded to 4 bytes: name 16, MAC 8, address 4 or 16. */
#define KEY_MAC	    16
#define KEY_ADDRESS 24

struct element {
	uint8_t family; /* NFPROTO_BRIDGE or NFPROTO_INET */
	const char *set;
	uint8_t key[40];
	size_t key_size;
	uint32_t data; /* a mark */
	bool has_data;
};

static struct netlink_message *nft_request(int type, int flags, uint8_t family)
{
	struct nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0};

	return netlink_request((NFNL_SUBSYS_NFTABLES << 8) | type, flags, &header, sizeof(header));
}

static struct netlink_message *batch_edge(int type)
{
	struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	return netlink_request(type, 0, &header, sizeof(header));
}

static void put_data(struct netlink_message *m, int attribute, const void *value, size_t size)
{
	struct nlattr *nest = netlink_nest(m, attribute | NLA_F_NESTED);

	netlink_put(m, NFTA_DATA_VALUE, size, value);
	netlink_nest_end(m, nest);
}

static struct netlink_message *element_request(int type, const struct element *e)
{
	int flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
	struct netlink_message *m = nft_request(type, flags | NLM_F_ACK, e->family);
	struct nlattr *list, *one;

	netlink_put_text(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	netlink_put_text(m, NFTA_SET_ELEM_LIST_SET, e->set);
	list = netlink_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	one = netlink_nest(m, NFTA_LIST_ELEM | NLA_F_NESTED);
	put_data(m, NFTA_SET_ELEM_KEY, e->key, e->key_size);
	if (e->has_data)
		put_data(m, NFTA_SET_ELEM_DATA, &e->data, sizeof(e->data));
	netlink_nest_end(m, one);
	netlink_nest_end(m, list);
	return m;
}

static struct element element_guard(const struct uplink *uplink, const struct address *address,
				    const char *set)
{
	struct element e = {.family = NFPROTO_BRIDGE, .set = set};

	memcpy(e.key, uplink->port, strnlen(uplink->port, IFNAMSIZ));
	memcpy(e.key + KEY_MAC, uplink->mac.bytes, sizeof(uplink->mac.bytes));
	memcpy(e.key + KEY_ADDRESS, address->bytes, address_size(address));
	e.key_size = KEY_ADDRESS + address_size(address);
	return e;
}

/* The elements that give a user's group to the peers chain: address -> gid, and {address, gid}. */
static size_t elements_group(const struct uplink *uplink, const struct address *address,
			     const char *map, const char *set, struct element *out)
{
	size_t size = address_size(address);
	uint32_t mark = uplink->gid;

	out[0] = (struct element){
	    .family = NFPROTO_INET, .set = map, .key_size = size, .data = mark, .has_data = true};
	memcpy(out[0].key, address->bytes, size);
	out[1] =
	    (struct element){.family = NFPROTO_INET, .set = set, .key_size = size + sizeof(mark)};
	memcpy(out[1].key, address->bytes, size);
	memcpy(out[1].key + size, &mark, sizeof(mark));
	return 2;
}

static size_t elements_of(const struct uplink *uplink, struct element out[6])
{
	size_t n = 0;

	/* gc knows only one family of a leftover. */
	if (uplink->address.family)
		out[n++] = element_guard(uplink, &uplink->address, "guard4");
	if (uplink->address6.family)
		out[n++] = element_guard(uplink, &uplink->address6, "guard6");
	if (!uplink_grouped(uplink))
		return n;
	if (uplink->address.family)
		n += elements_group(uplink, &uplink->address, "group4", "member4", out + n);
	if (uplink->address6.family)
		n += elements_group(uplink, &uplink->address6, "group6", "member6", out + n);
	return n;
}

/* A generation of the rules, from a question or a notification. */
static int generation_read(void *context, struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_GEN_MAX + 1];

	if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) &&
	    netlink_parse(message, sizeof(struct nfgenmsg), attributes, NFTA_GEN_MAX) &&
	    attributes[NFTA_GEN_ID])
		*(uint32_t *)context = ntohl(attribute_u32(attributes[NFTA_GEN_ID]));
	return 0;
}

static void generation_hear(void *context, struct nlmsghdr *message)
{
	(void)generation_read(context, message);
}

int guard_add(struct netlink *netfilter, const struct uplink *uplink, uint32_t *generation)
{
	struct element elements[6];
	size_t n = elements_of(uplink, elements);
	struct netlink_batch b;

	*generation = 0;
	netlink_batch_init(&b);
	b.other = generation_hear;
	b.context = generation;
	netlink_add(&b, batch_edge(NFNL_MSG_BATCH_BEGIN), "begin a transaction", 0);
	for (size_t i = 0; i < n; i++) {
		struct netlink_message *m = element_request(NFT_MSG_NEWSETELEM, &elements[i]);

		/* nf_tables_commit() reads this flag of the first request only: a change then
		 * reports its generation. */
		if (i == 0)
			m->header.nlmsg_flags |= NLM_F_ECHO;
		netlink_add(&b, m, "add the user to the guard (is it set up? pam-netns up)", 0);
	}
	netlink_add(&b, batch_edge(NFNL_MSG_BATCH_END), "end a transaction", 0);
	return netlink_run(netfilter, &b);
}

/* One transaction each: a missing element would undo the removal of the others. */
static int element_remove(struct netlink *netfilter, const struct element *element)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, batch_edge(NFNL_MSG_BATCH_BEGIN), "begin a transaction", 0);
	netlink_add(&b, element_request(NFT_MSG_DELSETELEM, element),
		    "remove the user from the guard", ENOENT);
	netlink_add(&b, batch_edge(NFNL_MSG_BATCH_END), "end a transaction", 0);
	return netlink_run(netfilter, &b);
}

int guard_remove(struct netlink *netfilter, const struct uplink *uplink)
{
	struct element elements[6];
	size_t n = elements_of(uplink, elements);
	int result = 0;

	for (size_t i = 0; i < n && result == 0; i++)
		result = element_remove(netfilter, &elements[i]);
	return result;
}

struct element_visit {
	int (*visit)(void *context, const uint8_t *key, size_t size);
	void *context;
};

static int element_read(const struct element_visit *v, const struct nlattr *element)
{
	const struct nlattr *attributes[NFTA_SET_ELEM_MAX + 1], *value;

	attributes_parse(attribute_value(element), attribute_size(element), attributes,
			 NFTA_SET_ELEM_MAX);
	if (!attributes[NFTA_SET_ELEM_KEY])
		return 0;
	value = attribute_first(attribute_value(attributes[NFTA_SET_ELEM_KEY]),
				attribute_size(attributes[NFTA_SET_ELEM_KEY]));
	return value ? v->visit(v->context, attribute_value(value), attribute_size(value)) : 0;
}

static int elements_read(void *context, struct nlmsghdr *answer)
{
	const struct nlattr *attributes[NFTA_SET_ELEM_LIST_MAX + 1];
	const void *list;
	size_t size;
	int result = 0;

	if (!netlink_parse(answer, sizeof(struct nfgenmsg), attributes, NFTA_SET_ELEM_LIST_MAX) ||
	    !attributes[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	list = attribute_value(attributes[NFTA_SET_ELEM_LIST_ELEMENTS]);
	size = attribute_size(attributes[NFTA_SET_ELEM_LIST_ELEMENTS]);
	for (const struct nlattr *e = attribute_first(list, size); e && result == 0;
	     e = attribute_next(e, list, size))
		result = element_read(context, e);
	return result;
}

/* Calls visit with the key of each element. A missing set has none. */
static int set_each(struct netlink *netfilter, uint8_t family, const char *set,
		    int (*visit)(void *context, const uint8_t *key, size_t size), void *context)
{
	struct netlink_message *m = nft_request(NFT_MSG_GETSETELEM, NLM_F_DUMP, family);
	struct element_visit v = {visit, context};
	int result;

	netlink_put_text(m, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	netlink_put_text(m, NFTA_SET_ELEM_LIST_SET, set);
	result = netlink_query(netfilter, m, "list the guard", elements_read, &v);
	return result == -ENOENT ? 0 : result;
}

struct member_visit {
	int (*visit)(void *, const struct uplink *);
	void *context;
	bool ipv6;
};

static int member_read(void *context, const uint8_t *key, size_t size)
{
	const struct member_visit *v = context;
	struct uplink uplink = {0};
	struct address *address = v->ipv6 ? &uplink.address6 : &uplink.address;

	address->family = v->ipv6 ? AF_INET6 : AF_INET;
	if (size != KEY_ADDRESS + address_size(address))
		return 0;
	memcpy(uplink.port, key, IFNAMSIZ - 1);
	memcpy(uplink.mac.bytes, key + KEY_MAC, sizeof(uplink.mac.bytes));
	memcpy(address->bytes, key + KEY_ADDRESS, address_size(address));
	return v->visit(v->context, &uplink);
}

int guard_each(struct netlink *netfilter, bool ipv6,
	       int (*visit)(void *context, const struct uplink *uplink), void *context)
{
	struct member_visit v = {visit, context, ipv6};

	return set_each(netfilter, NFPROTO_BRIDGE, ipv6 ? "guard6" : "guard4", member_read, &v);
}

/* The elements of one set with one address, as many as fit. */
struct forgetting {
	const struct address *address;
	size_t at; /* the offset of the address in a key */
	struct element found[16];
	size_t count;
};

static int forgetting_add(void *context, const uint8_t *key, size_t size)
{
	struct forgetting *f = context;
	struct element *e = &f->found[f->count];

	if (f->count == sizeof(f->found) / sizeof(f->found[0]) || size > sizeof(e->key) ||
	    size < f->at + address_size(f->address) ||
	    memcmp(key + f->at, f->address->bytes, address_size(f->address)) != 0)
		return 0;
	e->key_size = size;
	memcpy(e->key, key, size);
	f->count++;
	return 0;
}

static int address_forget(struct netlink *netfilter, uint8_t family, const char *set, size_t at,
			  const struct address *address)
{
	struct forgetting f = {.address = address, .at = at};
	int result;

	do {
		f.count = 0;
		result = set_each(netfilter, family, set, forgetting_add, &f);
		for (size_t i = 0; i < f.count && result == 0; i++) {
			f.found[i].family = family;
			f.found[i].set = set;
			result = element_remove(netfilter, &f.found[i]);
		}
	} while (result == 0 && f.count); /* until none is found: a dump may miss some */
	return result;
}

int guard_forget(struct netlink *netfilter, const struct address *address,
		 const struct address *address6)
{
	static const struct {
		uint8_t family;
		const char *set, *set6;
		size_t at;
	} sets[] = {
	    {NFPROTO_BRIDGE, "guard4", "guard6", KEY_ADDRESS},
	    {NFPROTO_INET, "group4", "group6", 0},
	    {NFPROTO_INET, "member4", "member6", 0},
	};
	int result = 0;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && result == 0; i++) {
		result =
		    address_forget(netfilter, sets[i].family, sets[i].set, sets[i].at, address);
		if (result == 0 && address6->family)
			result = address_forget(netfilter, sets[i].family, sets[i].set6, sets[i].at,
						address6);
	}
	return result;
}

struct hashing {
	uint64_t hash;
	bool rules; /* there was one */
};

/* FNV-1a */
static void hash_add(struct hashing *h, const void *data, size_t size)
{
	for (const uint8_t *byte = data; size; byte++, size--)
		h->hash = (h->hash ^ *byte) * 0x100000001b3U;
}

/* A table, chain or rule; the first attribute of each is the table's name. */
static int part_hash(void *context, struct nlmsghdr *answer)
{
	const size_t fixed = sizeof(struct nfgenmsg);
	struct hashing *h = context;
	const struct nlattr *attributes[NFTA_TABLE_FLAGS + 1];
	char table[sizeof(RULESET_TABLE) + 1] = "";

	if (netlink_parse(answer, fixed, attributes, NFTA_TABLE_FLAGS) &&
	    attributes[NFTA_TABLE_NAME])
		attribute_text(attributes[NFTA_TABLE_NAME], table, sizeof(table));
	if (strcmp(table, RULESET_TABLE) != 0)
		return 0;
	h->rules |= (answer->nlmsg_type & 0xff) == NFT_MSG_NEWRULE;
	/* Not the generic header, whose res_id counts all transactions, and
	 * not a table's handle. */
	if ((answer->nlmsg_type & 0xff) != NFT_MSG_NEWTABLE)
		hash_add(h, (const char *)netlink_payload(answer) + fixed,
			 netlink_payload_size(answer) - fixed);
	else if (attributes[NFTA_TABLE_FLAGS])
		hash_add(h, attributes[NFTA_TABLE_FLAGS], attributes[NFTA_TABLE_FLAGS]->nla_len);
	return 0;
}

int guard_fingerprint(struct netlink *netfilter, uint64_t *hash)
{
	static const uint8_t families[] = {NFPROTO_INET, NFPROTO_BRIDGE};
	static const int kinds[] = {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE};
	struct hashing h = {.hash = 0xcbf29ce484222325U};

	*hash = 0;
	for (size_t f = 0; f < sizeof(families); f++) {
		h.rules = false;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			struct netlink_message *m = nft_request(kinds[k], NLM_F_DUMP, families[f]);
			int result;

			netlink_put_text(m, NFTA_RULE_TABLE, RULESET_TABLE);
			result = netlink_query(netfilter, m, "list the rules", part_hash, &h);
			if (result < 0 && result != -ENOENT)
				return result;
		}
		/* If either table is missing or empty, there is no fingerprint. */
		if (!h.rules)
			return 0;
	}
	*hash = h.hash;
	return 0;
}

int guard_generation(struct netlink *netfilter, uint32_t *generation)
{
	int result;

	*generation = 0;
	result = netlink_query(netfilter, nft_request(NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC),
			       "ask for the rules' generation", generation_read, generation);
	return result == 0 && !*generation ? -EIO : result;
}
