/* What setup.c and setup_plan.c share: one run of the set-up. */
#ifndef PAM_NETNS_SETUP_INTERNAL_H
#define PAM_NETNS_SETUP_INTERNAL_H

#include "helper.h"
#include "uplink.h"

#define PLAN_NETWORKS_MAX 64

struct planned {
	const struct network *conf;
	struct network_state state;
	struct uplink_network uplink;
	unsigned ifindex[NETWORK_BRIDGES_MAX];
	bool policy_changed; /* since the last set-up */
};

struct planned_user {
	struct user_state state;
	struct planned *network; /* NULL: it is not in the conf any more */
	struct uplink uplink;
	bool safe; /* its port is up and as it should be */
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
int plan_drop_strangers(struct plan *plan) MUST_CHECK;

/* Has the network IPv6 if this host has, and on all of its bridges? */
bool setup_ipv6_follows(const struct network *network,
			const struct network_state *state) MUST_CHECK;

/* setup_remove.c: a network's bridges, routes, template and record. */
int network_remove(struct host *host, const char *name) MUST_CHECK;

/* The recorded uplink of a user who is in; its bridge's index is not known yet. */
struct uplink uplink_of(const struct user_state *state);
/* setup_rules.c: all our rules in one transaction; NULL: removes them. */
int rules_load(const struct ruleset *ruleset) MUST_CHECK;
/* setup_rules.c: those of the plan's networks and users. */
int plan_rules(struct plan *plan, const struct host_state *state) MUST_CHECK;
/* setup_rules.c: have the rules still the fingerprint that was recorded? 1, 0, or -errno. */
int rules_intact(struct host *host, uint64_t recorded) MUST_CHECK;

/* setup_gate.c: the gates of a network, after its rules; *made: how many had been missing. */
int gates_close(struct host *host, const struct network_state *network,
		const struct host_state *state, unsigned *made) MUST_CHECK;
/* A network that goes: no policy rule speaks of it any more. Its bridges' gates go with them. */
int gates_forget(struct host *host, const struct network_state *network) MUST_CHECK;
/* The last network is gone. */
int gates_remove(struct host *host) MUST_CHECK;

/*
 * setup.c, for setup_change.c: is all as set-up left it? 1, 0, or -errno where that cannot be told:
 * no reason to take the ports of users who are in down.
 */
int setup_intact(struct host *host, struct setup *setup) MUST_CHECK;
/* Applies everything, for a network with so many bridges or (NULL) all. LOCK_HOST is held. */
int setup_apply_locked(struct host *host, const struct conf *conf, uint64_t identity,
		       const struct network *network, unsigned bridges) MUST_CHECK;

#endif
