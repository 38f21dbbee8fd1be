/*
 * Bytes that a user received and sent, from the statistics of network interfaces.
 *
 * All numbers are from the user's side: a user received what the bridge port (the host's end of the
 * veth pair) transmitted. If the port is not visible, because this process is in the user's own
 * namespace, the numbers come from the user's eth0.
 */
#ifndef PAM_NETNS_COUNTERS_H
#define PAM_NETNS_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "state/state.h"

struct counters; /* opaque */

/* One user's bytes, by the port's index; if it is not visible, by eth0 of
 * this network namespace. */
bool counters_one(const struct user_state *state, uint64_t *received, uint64_t *sent);

/* All interfaces: root reads the host's, other users those of this network namespace. */
int counters_read(struct counters **out) MUST_CHECK;
/* False: the user's port is not in the list. */
bool counters_find(const struct counters *counters, const struct user_state *state,
		   uint64_t *received, uint64_t *sent);
void counters_free(struct counters *counters);

#endif
