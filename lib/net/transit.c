/* Routing rules that forward only for our networks; see transit.h. */
#include "net/transit.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

enum {
	PRIORITY_LOCAL = 1301,
	PRIORITY_BRIDGE,
	PRIORITY_SUBNET,
	PRIORITY_DROP,
	PRIORITY_ON,
};

void transit_init(struct transit *transit, int family)
{
	*transit = (struct transit){.family = family};
}

static int rule_add(struct transit *t, const struct transit_rule *rule)
{
	if (t->count == t->room) {
		size_t room = t->room * 2 + 8;
		struct transit_rule *list = reallocarray(t->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		t->list = list;
		t->room = room;
	}
	t->list[t->count++] = *rule;
	return 0;
}

int transit_add_bridge(struct transit *transit, const char *name)
{
	struct transit_rule rule = {.priority = PRIORITY_BRIDGE, .action = FR_ACT_GOTO};

	strncpy(rule.link, name, IFNAMSIZ - 1);
	return rule_add(transit, &rule);
}

int transit_add_subnet(struct transit *transit, const struct prefix *subnet)
{
	const struct transit_rule rule = {
	    .priority = PRIORITY_SUBNET, .action = FR_ACT_GOTO, .to = *subnet};

	return subnet->address.family == transit->family ? rule_add(transit, &rule) : 0;
}

/*
 * The kernel itself looks up some IPv6 routes with no link and no source, such as a new route's
 * gateway. A rule that names a source does not match these lookups. So IPv6 has two rules, one for
 * each half of all sources.
 */
static int drop_add(struct transit *transit)
{
	struct transit_rule rule = {
	    .priority = PRIORITY_DROP, .action = FR_ACT_BLACKHOLE, .unmarked = true};
	int result;

	if (transit->family == AF_INET)
		return rule_add(transit, &rule);
	rule.from = (struct prefix){.address.family = AF_INET6, .length = 1};
	result = rule_add(transit, &rule);
	rule.from.address.bytes[0] = 0x80;
	return result < 0 ? result : rule_add(transit, &rule);
}

int transit_end(struct transit *transit)
{
	const struct transit_rule local = {
	    .priority = PRIORITY_LOCAL, .action = FR_ACT_GOTO, .link = "lo"};
	const struct transit_rule on = {.priority = PRIORITY_ON, .action = FR_ACT_NOP};
	int result = rule_add(transit, &local);

	result = result ?: rule_add(transit, &on);
	return result < 0 ? result : drop_add(transit);
}

static struct netlink_message *request_rule(int type, int family, const struct transit_rule *rule)
{
	struct fib_rule_hdr header = {
	    .family = (uint8_t)family,
	    .action = rule->action,
	    .src_len = (uint8_t)rule->from.length,
	    .dst_len = (uint8_t)rule->to.length,
	};
	int flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct netlink_message *m =
	    netlink_request(type, flags | NLM_F_ACK, &header, sizeof(header));

	netlink_put_u32(m, FRA_PRIORITY, rule->priority);
	netlink_put_u8(m, FRA_PROTOCOL, RTPROT_KERNEL);
	if (rule->action == FR_ACT_GOTO)
		netlink_put_u32(m, FRA_GOTO, PRIORITY_ON);
	if (*rule->link)
		netlink_put_text(m, FRA_IIFNAME, rule->link);
	if (rule->from.length)
		netlink_put(m, FRA_SRC, address_size(&rule->from.address),
			    rule->from.address.bytes);
	if (rule->to.length)
		netlink_put(m, FRA_DST, address_size(&rule->to.address), rule->to.address.bytes);
	if (rule->unmarked) {
		netlink_put_u32(m, FRA_FWMARK, 0);
		netlink_put_u32(m, FRA_FWMASK, UINT32_MAX);
	}
	return m;
}

static void prefix_read(const struct nlattr *attribute, int family, unsigned length,
			struct prefix *out)
{
	if (!attribute || !length)
		return;
	out->address.family = family;
	out->length = length;
	attribute_copy(attribute, out->address.bytes, family == AF_INET ? 4 : 16);
}

/* Picks our rules from a list of all rules, in the form in which they were requested. */
static int rule_read(void *context, struct nlmsghdr *answer)
{
	struct transit *found = context;
	const struct fib_rule_hdr *header = netlink_payload(answer);
	const struct nlattr *attributes[FRA_MAX + 1];
	struct transit_rule rule = {0};

	if (answer->nlmsg_type != RTM_NEWRULE ||
	    !netlink_parse(answer, sizeof(*header), attributes, FRA_MAX) ||
	    !attributes[FRA_PRIORITY] || !attributes[FRA_PROTOCOL] ||
	    *(const uint8_t *)attribute_value(attributes[FRA_PROTOCOL]) != RTPROT_KERNEL)
		return 0;
	rule.priority = attribute_u32(attributes[FRA_PRIORITY]);
	if (rule.priority < PRIORITY_LOCAL || rule.priority > PRIORITY_ON)
		return 0;
	rule.action = header->action;
	if (attributes[FRA_IIFNAME])
		attribute_text(attributes[FRA_IIFNAME], rule.link, sizeof(rule.link));
	prefix_read(attributes[FRA_SRC], found->family, header->src_len, &rule.from);
	prefix_read(attributes[FRA_DST], found->family, header->dst_len, &rule.to);
	rule.unmarked = attributes[FRA_FWMASK] && attribute_u32(attributes[FRA_FWMASK]);
	return rule_add(found, &rule);
}

static int rules_find(struct netlink *host, int family, struct transit *found)
{
	struct fib_rule_hdr header = {.family = (uint8_t)family};

	transit_init(found, family);
	return netlink_query(host,
			     netlink_request(RTM_GETRULE, NLM_F_DUMP, &header, sizeof(header)),
			     "list the routing rules", rule_read, found);
}

static bool prefix_same(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && (!a->length || address_equal(&a->address, &b->address));
}

static bool rule_in(const struct transit *t, const struct transit_rule *rule)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct transit_rule *other = &t->list[i];

		if (other->priority == rule->priority && other->action == rule->action &&
		    other->unmarked == rule->unmarked && strcmp(other->link, rule->link) == 0 &&
		    prefix_same(&other->from, &rule->from) && prefix_same(&other->to, &rule->to))
			return true;
	}
	return false;
}

static bool rules_same(const struct transit *a, const struct transit *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!rule_in(b, &a->list[i]))
			return false;
	return a->count == b->count;
}

int transit_intact(struct netlink *host, const struct transit *transit)
{
	struct transit found;
	int result = rules_find(host, transit->family, &found);

	result = result ?: rules_same(transit, &found);
	free(found.list);
	return result;
}

/* The rules of one list that are not in the other: those that drop, or all others. */
static int rules_send(struct netlink *host, int type, const struct transit *list,
		      const struct transit *except, bool drop)
{
	bool add = type == RTM_NEWRULE;
	int result = 0;

	for (size_t i = 0; i < list->count && result == 0; i++) {
		const struct transit_rule *rule = &list->list[i];
		struct netlink_batch b;

		if ((rule->action == FR_ACT_BLACKHOLE) != drop || rule_in(except, rule))
			continue;
		netlink_batch_init(&b);
		netlink_add(&b, request_rule(type, list->family, rule),
			    add ? "add a routing rule" : "remove a routing rule",
			    add ? EEXIST : ENOENT);
		result = netlink_run(host, &b);
	}
	return result;
}

/* A rule that drops is removed first and added last: its other packets need the other rules. */
int transit_set(struct netlink *host, const struct transit *transit)
{
	const struct transit none = {0};
	struct transit found;
	int result = rules_find(host, transit->family, &found);

	if (result == 0 && rules_same(transit, &found)) {
		free(found.list);
		return 0;
	}
	result = result ?: rules_send(host, RTM_DELRULE, &found, &none, true);
	result = result ?: rules_send(host, RTM_DELRULE, &found, transit, false);
	result = result ?: rules_send(host, RTM_NEWRULE, transit, &found, false);
	result = result ?: rules_send(host, RTM_NEWRULE, transit, &none, true);
	free(found.list);
	return result;
}

int transit_present(struct netlink *host, int family)
{
	struct transit found;
	int result = rules_find(host, family, &found);

	result = result ?: found.count > 0;
	free(found.list);
	return result;
}
