/* The gates that hold without nftables; see gate.h. */
#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

/* Newer than some C libraries' copies of the kernel's headers. */
#define CLSACT_INGRESS TC_H_MAKE(TC_H_CLSACT, 0xfff2U)
#define CLSACT_EGRESS  TC_H_MAKE(TC_H_CLSACT, 0xfff3U)

static struct netlink_message *request_clsact(unsigned ifindex)
{
	const struct tcmsg header = {
	    .tcm_ifindex = (int)ifindex,
	    .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
	    .tcm_parent = TC_H_CLSACT,
	};
	struct netlink_message *m = netlink_request(
	    RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));

	netlink_put_text(m, TCA_KIND, "clsact");
	return m;
}

static struct netlink_message *request_stamp_filter(unsigned ifindex, unsigned parent)
{
	static const struct sock_filter program[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_MARK)),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, GATE_STAMP, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, TC_ACT_OK),
	    BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	const struct tcmsg header = {
	    .tcm_ifindex = (int)ifindex,
	    .tcm_handle = 1,
	    .tcm_parent = parent,
	    .tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL)), /* priority, protocol */
	};
	struct netlink_message *m = netlink_request(
	    RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof(header));
	struct nlattr *options;

	netlink_put_text(m, TCA_KIND, "bpf");
	options = netlink_nest(m, TCA_OPTIONS);
	netlink_put_u16(m, TCA_BPF_OPS_LEN, sizeof(program) / sizeof(program[0]));
	netlink_put(m, TCA_BPF_OPS, sizeof(program), program);
	netlink_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	netlink_nest_end(m, options);
	return m;
}

/* What was there already is not counted. */
static int run_counted(struct netlink *host, struct netlink_batch *batch, unsigned *made)
{
	unsigned count = batch->count;
	int result = netlink_run(host, batch);

	for (unsigned i = 0; i < count; i++)
		*made += batch->requests[i].result == 0 && !batch->requests[i].was_tolerated;
	return result;
}

int gate_bridge(struct netlink *host, unsigned ifindex, unsigned *made)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, request_clsact(ifindex), "make the bridge's clsact", EEXIST);
	netlink_add(&b, request_stamp_filter(ifindex, CLSACT_INGRESS),
		    "make the gate at the bridge's ingress", EEXIST);
	netlink_add(&b, request_stamp_filter(ifindex, CLSACT_EGRESS),
		    "make the gate at the bridge's egress", EEXIST);
	return run_counted(host, &b, made);
}

/* One policy rule; the caller puts in what it matches. */
static struct netlink_message *request_rule(bool add, int family, unsigned number, uint8_t action,
					    uint32_t flags, uint8_t length)
{
	const struct fib_rule_hdr header = {
	    .family = (uint8_t)family, .dst_len = length, .action = action, .flags = flags};
	struct netlink_message *m = netlink_request(
	    add ? RTM_NEWRULE : RTM_DELRULE, NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0),
	    &header, sizeof(header));

	netlink_put_u32(m, FRA_PRIORITY, GATE_PRIORITY + number);
	netlink_put_u8(m, FRA_PROTOCOL, GATE_PROTOCOL);
	if (action == FR_ACT_GOTO)
		netlink_put_u32(m, FRA_GOTO, GATE_PRIORITY + 3);
	return m;
}

static int rule_run(struct netlink *host, const struct netlink_message *rule, const char *what,
		    bool add, unsigned *made)
{
	struct netlink_batch b;

	netlink_batch_init(&b);
	netlink_add(&b, rule, what, add ? EEXIST : ENOENT);
	return run_counted(host, &b, made);
}

int gate_pass_bridge(struct netlink *host, int family, const char *bridge, bool add, unsigned *made)
{
	struct netlink_message *m = request_rule(add, family, 0, FR_ACT_GOTO, 0, 0);

	netlink_put_text(m, FRA_IIFNAME, bridge);
	return rule_run(host, m, "change the policy rule of a bridge", add, made);
}

int gate_pass_subnet(struct netlink *host, const struct prefix *subnet, bool add, unsigned *made)
{
	struct netlink_message *m =
	    request_rule(add, subnet->address.family, 1, FR_ACT_GOTO, 0, (uint8_t)subnet->length);

	netlink_put(m, FRA_DST, address_size(&subnet->address), subnet->address.bytes);
	return rule_run(host, m, "change the policy rule of a subnet", add, made);
}

int gate_forwarding(struct netlink *host, int family, bool close, unsigned *made)
{
	struct netlink_message *m;
	struct netlink_batch b;
	int tolerated = close ? EEXIST : ENOENT;

	netlink_batch_init(&b);
	netlink_add(&b, request_rule(close, family, 3, FR_ACT_NOP, 0, 0),
		    "change the last policy rule", tolerated);
	m = request_rule(close, family, 2, FR_ACT_BLACKHOLE, FIB_RULE_INVERT, 0);
	netlink_put_text(m, FRA_IIFNAME, "lo");
	netlink_add(&b, m, "change the policy rule for what is not ours", tolerated);
	return run_counted(host, &b, made);
}
