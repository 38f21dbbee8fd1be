/* Shared by the files of the set-up: one run of it. */
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
	const struct network *grow; /* this network gets at least this number of bridges */
	unsigned bridges;
	struct planned networks[PLAN_NETWORKS_MAX];
	size_t count;
	struct planned_user *users;
	size_t users_count;
	unsigned port_lock; /* enum port_lock */
};

/*
 * setup_kernel.c: does this kernel have what the plan needs? The set-up tries it once after a boot,
 * and again for `up`. What is missing is logged.
 */
int plan_kernel(struct plan *plan) MUST_CHECK;
/* setup_kernel.c: -EOPNOTSUPP, logged, if a network requires locked ports and the kernel has none.
 */
int plan_lock_required(const struct plan *plan) MUST_CHECK;

/* Decides the values of "auto" (subnets, MTU); keeps earlier decisions. */
int plan_decide(struct plan *plan) MUST_CHECK;
/* Logs each network with active users whose policy has changed. */
void plan_policy_tell(const struct plan *plan);
/* Removes networks that are up but no longer in the conf: they have no rules any more. */
int plan_drop_unlisted(struct plan *plan) MUST_CHECK;

/* Does the network have IPv6 if this host has, and on all of its bridges? */
bool setup_ipv6_follows(const struct network *network,
			const struct network_state *state) MUST_CHECK;

/* setup_remove.c: a network's bridges, routes, template and record. */
int network_remove(struct host *host, const char *name) MUST_CHECK;

/* setup_rules.c: all our rules in one transaction; NULL: removes them. */
int rules_load(const struct ruleset *ruleset) MUST_CHECK;
/* setup_rules.c: those of the plan's networks and users. */
int plan_rules(struct plan *plan, struct host_state *state) MUST_CHECK;
/*
 * setup_rules.c: do the rules still have the recorded fingerprint? 1, 0, or -errno. *gone: there
 * are none, in one table at least.
 */
int rules_intact(struct host *host, uint64_t recorded, bool *gone) MUST_CHECK;

/* The parts of the set-up that can differ. */
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
 * setup_look.c: is everything as set-up left it? 1; 0; or -errno: unknown, which is no reason to
 * take the ports of active users down. setup->differs has the differences.
 */
int setup_intact(struct host *host, struct setup *setup) MUST_CHECK;
/* Logs the differences that setup_intact() found; mended: they are repaired. */
void setup_tell(const struct setup *setup, bool mended);
/* The record of the host. If it is lost, only with what the rules still tell of it: which forwarding
 * is ours. */
int setup_host_state(struct host *host, struct host_state *state) MUST_CHECK;

/* setup_flush.c: the defences against a flush of the rules; records in state
 * what the kernel lacks. */
void plan_flush(struct plan *plan, struct host_state *state);
/* Are they there? 1 (also if the kernel lacks them), 0, or -errno. */
int flush_filter_intact(struct host *host, const struct host_state *state,
			const char *bridge) MUST_CHECK;
int flush_transit_intact(struct host *host, const struct host_state *state) MUST_CHECK;
/* Updates the routing rules after a network went and others are left. */
int flush_follow(struct host *host) MUST_CHECK;
/* Do routing rules of ours say that this host did not forward before us? Records it in state. */
int flush_recall(struct host *host, struct host_state *state) MUST_CHECK;
int flush_remove(struct host *host) MUST_CHECK;
/* Applies everything, for a network with this number of bridges or (NULL)
 * all. LOCK_HOST is held. */
int setup_apply_locked(struct host *host, const struct conf *conf, uint64_t version,
		       const struct network *network, unsigned bridges) MUST_CHECK;

#endif
