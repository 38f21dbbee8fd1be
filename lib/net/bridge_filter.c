/* The filter of a bridge; see bridge_filter.h. */
#include "net/bridge_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "rules/ruleset.h"

#define FILTER_KIND	"bpf"
#define FILTER_PRIORITY 1U
#define FILTER_HANDLE	1U

#define PROGRAM_LENGTH 4

static const struct end {
	uint32_t parent;
	uint32_t stamp;
} ends[] = {
    {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), RULESET_STAMP_FROM},
    {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), RULESET_STAMP_TO},
};

/* A packet with the stamp goes on to the next filter, if any. Other packets are dropped. */
static void program_write(uint32_t stamp, struct sock_filter out[PROGRAM_LENGTH])
{
	const struct sock_filter program[PROGRAM_LENGTH] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, stamp, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
	    BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};

	memcpy(out, program, sizeof(program));
}

static struct netlink_message *request_qdisc(unsigned ifindex)
{
	struct tcmsg header = {.tcm_ifindex = (int)ifindex,
			       .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
			       .tcm_parent = TC_H_CLSACT};
	struct netlink_message *m =
	    netlink_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_ACK, &header, sizeof(header));

	netlink_put_text(m, TCA_KIND, "clsact");
	return m;
}

static struct netlink_message *request_filter(unsigned ifindex, const struct end *end)
{
	struct sock_filter program[PROGRAM_LENGTH];
	struct tcmsg header = {.tcm_ifindex = (int)ifindex,
			       .tcm_handle = FILTER_HANDLE,
			       .tcm_parent = end->parent,
			       .tcm_info =
				   TC_H_MAKE(FILTER_PRIORITY << 16, (uint32_t)htons(ETH_P_ALL))};
	struct netlink_message *m =
	    netlink_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_ACK, &header, sizeof(header));
	struct nlattr *options;

	netlink_put_text(m, TCA_KIND, FILTER_KIND);
	options = netlink_nest(m, TCA_OPTIONS);
	program_write(end->stamp, program);
	netlink_put_u16(m, TCA_BPF_OPS_LEN, PROGRAM_LENGTH);
	netlink_put(m, TCA_BPF_OPS, sizeof(program), program);
	netlink_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	netlink_nest_end(m, options);
	return m;
}

int bridge_filter_set(struct netlink *host, unsigned ifindex)
{
	struct netlink_batch b;
	int result;

	netlink_batch_init(&b);
	netlink_add(&b, request_qdisc(ifindex), "give the bridge a place for filters", ENOENT);
	result = netlink_run(host, &b);
	if (result < 0 || b.requests[0].was_tolerated)
		return result < 0 ? result : -ENOENT;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		netlink_add(&b, request_filter(ifindex, &ends[i]), "set the bridge's filter",
			    ENOENT);
	result = netlink_run(host, &b);
	if (result < 0)
		return result;
	return b.requests[0].was_tolerated || b.requests[1].was_tolerated ? -ENOENT : 0;
}

struct search {
	struct sock_filter program[PROGRAM_LENGTH];
	bool found;
};

static int filter_read(void *context, struct nlmsghdr *answer)
{
	struct search *search = context;
	const struct tcmsg *header = netlink_payload(answer);
	const struct nlattr *attributes[TCA_MAX + 1], *options[TCA_BPF_MAX + 1], *ops;
	char kind[16] = "";

	if (answer->nlmsg_type != RTM_NEWTFILTER ||
	    !netlink_parse(answer, sizeof(*header), attributes, TCA_MAX) || !attributes[TCA_KIND] ||
	    !attributes[TCA_OPTIONS] || header->tcm_info >> 16 != FILTER_PRIORITY)
		return 0;
	attribute_text(attributes[TCA_KIND], kind, sizeof(kind));
	attributes_parse(attribute_value(attributes[TCA_OPTIONS]),
			 attribute_size(attributes[TCA_OPTIONS]), options, TCA_BPF_MAX);
	ops = options[TCA_BPF_OPS];
	if (strcmp(kind, FILTER_KIND) == 0 && ops &&
	    attribute_size(ops) == sizeof(search->program) &&
	    memcmp(attribute_value(ops), search->program, sizeof(search->program)) == 0 &&
	    options[TCA_BPF_FLAGS] &&
	    attribute_u32(options[TCA_BPF_FLAGS]) == TCA_BPF_FLAG_ACT_DIRECT)
		search->found = true;
	return 0;
}

int bridge_filter_intact(struct netlink *host, unsigned ifindex)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct tcmsg header = {.tcm_ifindex = (int)ifindex, .tcm_parent = ends[i].parent};
		struct search search = {.found = false};
		int result;

		program_write(ends[i].stamp, search.program);
		result = netlink_query(
		    host, netlink_request(RTM_GETTFILTER, NLM_F_DUMP, &header, sizeof(header)),
		    "list the bridge's filters", filter_read, &search);

		if (result < 0)
			return result;
		if (!search.found)
			return 0;
	}
	return 1;
}
