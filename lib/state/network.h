/*
 * Networks that are set up: the values that "auto" in the conf became.
 *
 *	networks/NETWORK/state		struct network_state, 0644; exists only if the set-up is
 *					complete
 *	networks/NETWORK/ports		a count of ports for each bridge, mapped and changed
 *					atomically
 *	networks/host			struct host_state, 0644
 *
 * run is a descriptor of RUN_DIR. Writers hold LOCK_HOST.
 */
#ifndef PAM_NETNS_NETWORK_STATE_H
#define PAM_NETNS_NETWORK_STATE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "rules/types.h"

/*
 * Defences that this kernel lacks: bridges' filters (bridge_filter.h), routing rules (transit.h).
 * Without them a flush of the rules has effect until the rules are restored.
 */
#define OPEN_BRIDGES 1U
#define OPEN_TRANSIT 2U

/* What the probe of this kernel found (uplink_probe()). */
enum port_lock { PORT_LOCK_UNKNOWN, PORT_LOCK_THERE, PORT_LOCK_MISSING };

struct host_state {
	uint64_t rules;		      /* guard_fingerprint() after set-up */
	uint64_t conf;		      /* setup_version() of the conf file that was applied */
	unsigned forwarding_ours;     /* IPv4 forwarding was off before us */
	unsigned forwarding6_ours;    /* IPv6 forwarding was off before us */
	unsigned open_if_flushed;     /* OPEN_… */
	unsigned nat_first, nat_last; /* ports that NAT gives to users */
	unsigned port_lock;	      /* enum port_lock */
};

/* A hash of the policy that the conf file has for a network's users: peers, host_access, egress. */
uint64_t network_policy(const struct network *conf);
/* Without its conf, which the caller looks up. */
int network_state_read(int run, const char *name, struct network_state *out) MUST_CHECK;
int network_state_write(int run, const struct network_state *state) MUST_CHECK;
/* Removes the network's folder. */
int network_state_remove(int run, const char *name) MUST_CHECK;
/* Opens the network's folder, made if missing: a descriptor, or -errno. */
int network_state_dir(int run, const char *name) MUST_CHECK;

int host_state_read(int run, struct host_state *out) MUST_CHECK;
int host_state_write(int run, const struct host_state *state) MUST_CHECK;
int host_state_remove(int run) MUST_CHECK;

/*
 * Reserves a port on the first bridge, from number from on, with fewer than limit ports. Returns
 * the bridge's number, at most NETWORK_BRIDGES_MAX - 1, or -EXFULL. No lock needed. The counts stay
 * mapped until the process ends.
 */
int ports_reserve(int run, const char *network, unsigned limit, unsigned from) MUST_CHECK;
void ports_release(int run, const char *network, unsigned bridge);
/* Reads the counts; all are 0 if there are none yet. */
void ports_read(int run, const char *network, uint32_t counts[NETWORK_BRIDGES_MAX]);
/* Corrects the counts that are still as they were read. */
void ports_mend(int run, const char *network, const uint32_t read[NETWORK_BRIDGES_MAX],
		const uint32_t right[NETWORK_BRIDGES_MAX]);

#endif
