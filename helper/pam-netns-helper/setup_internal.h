/* What setup.c and setup_plan.c share: one run of the set-up. */
#ifndef PAM_NETNS_SETUP_INTERNAL_H
#define PAM_NETNS_SETUP_INTERNAL_H

#include "helper.h"
#include "net/uplink.h"

#define PLAN_NETWORKS_MAX 64

/* A network that is to be up; state.conf is known from the start. */
struct planned {
	struct network_state state;
	unsigned ifindex[NETWORK_BRIDGES_MAX];
	bool policy_changed; /* since the last set-up */
};

struct planned_user {
	struct user_state state;
	struct planned *network; /* NULL: the conf file does not have it any more */
	bool safe;		 /* its port is up and as it should be */
};

struct plan {
	struct host *host;
	const struct conf *conf;
	const struct network *grow; /* this network gets at least so many bridges */
	unsigned bridges;
	struct planned networks[PLAN_NETWORKS_MAX];
	size_t count;
	struct planned_user *users;
	size_t users_count;
};

/* Decides what is "auto": subnets, MTU; keeps what was decided before. */
int plan_decide(struct plan *plan) MUST_CHECK;
/* Says of which networks with active users the policy has changed. */
void plan_policy_tell(const struct plan *plan);
/* Networks that are up but no longer in the conf have no rules any more: they go. */
int plan_drop_unlisted(struct plan *plan) MUST_CHECK;

/* Has the network IPv6 if this host has, and on all of its bridges? */
bool setup_ipv6_follows(const struct network *network,
			const struct network_state *state) MUST_CHECK;

/* setup_remove.c: a network's bridges, routes, template and record. */
int network_remove(struct host *host, const char *name) MUST_CHECK;

/* setup_rules.c: all our rules in one transaction; NULL: removes them. */
int rules_load(const struct ruleset *ruleset) MUST_CHECK;
/* setup_rules.c: those of the plan's networks and users. */
int plan_rules(struct plan *plan, struct host_state *state) MUST_CHECK;
/*
 * setup_rules.c: have the rules still the fingerprint that was recorded? 1, 0, or -errno. *gone:
 * none is there, in one table at least.
 */
int rules_intact(struct host *host, uint64_t recorded, bool *gone) MUST_CHECK;

/* What can differ from what set-up left. */
enum {
	PART_NETWORK = 1U << 0,
	PART_CONF = 1U << 1,
	PART_UNFINISHED = 1U << 2,
	PART_RULES_GONE = 1U << 3,
	PART_RULES_CHANGED = 1U << 4,
	PART_FORWARDING = 1U << 5,
	PART_FORWARDING6 = 1U << 6,
	PART_BRIDGE_GONE = 1U << 7,
	PART_BRIDGE_DOWN = 1U << 8,
	PART_FILTER = 1U << 9,
	PART_TRANSIT = 1U << 10,
	PART_TEMPLATE = 1U << 11,
};
/*
 * setup_look.c: is all as set-up left it? 1, 0, or -errno where that cannot be told: no reason to
 * take the ports of users who are in down. setup->differs says what is not.
 */
int setup_intact(struct host *host, struct setup *setup) MUST_CHECK;
/* Logs what setup_intact() found different; mended: and that it is as it should be again. */
void setup_tell(const struct setup *setup, bool mended);

/* setup_flush.c: what holds while the rules are flushed; notes in state what the kernel lacks. */
void plan_flush(struct plan *plan, struct host_state *state);
/* Is it there? 1 (also if the kernel lacks it), 0, or -errno. */
int flush_filter_intact(struct host *host, const struct host_state *state,
			const char *bridge) MUST_CHECK;
int flush_transit_intact(struct host *host, const struct host_state *state) MUST_CHECK;
/* A network went and others are left: the routing rules follow. */
int flush_follow(struct host *host) MUST_CHECK;
/* Routing rules of ours say that this host did not forward before us: notes it in state. */
int flush_recall(struct host *host, struct host_state *state) MUST_CHECK;
int flush_remove(struct host *host) MUST_CHECK;
/* Applies everything, for a network with so many bridges or (NULL) all. LOCK_HOST is held. */
int setup_apply_locked(struct host *host, const struct conf *conf, uint64_t version,
		       const struct network *network, unsigned bridges) MUST_CHECK;

#endif
