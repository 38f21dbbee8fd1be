/*
 * Bytes a user received and sent, from the network interfaces' statistics.
 *
 * Always as the user sees them: what the user received is what the bridge port, the host's end of
 * the veth pair, transmitted. Where the port is not visible because this process is in the user's
 * own namespace, the user's eth0 tells the same.
 */
#ifndef PAM_NETNS_COUNTERS_H
#define PAM_NETNS_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "state/state.h"

struct counters; /* opaque */

/* One user's, by the port's index; with that unseen, by eth0 of this network namespace. */
bool counters_one(const struct user_state *state, uint64_t *received, uint64_t *sent);

/* All interfaces: the host's for root, those of this network namespace for others. */
int counters_read(struct counters **out) MUST_CHECK;
/* False: the user's port is not among them. */
bool counters_find(const struct counters *counters, const struct user_state *state,
		   uint64_t *received, uint64_t *sent);
void counters_free(struct counters *counters);

#endif
