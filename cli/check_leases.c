/* pam-netns check: networks that are about to run out of addresses. */
#include <fcntl.h>

#include "check.h"
#include "lease_use.h"
#include "network_state.h"
#include "paths.h"

#define FULL_PERCENT 90

void check_leases(struct check *check)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int leases = open(LEASES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; run >= 0 && leases >= 0 && i < check->conf->networks_count; i++) {
		const char *name = check->conf->networks[i].name;
		struct network_state state;
		uint32_t leased, all;

		if (network_state_read(run, name, &state))
			continue;
		struct uplink_network network = network_state_uplink(&state);

		if (lease_count(leases, name, &network.subnet, &leased, &all) == 0 &&
		    (uint64_t)leased * 100 >= (uint64_t)all * FULL_PERCENT)
			check_warning(
			    check,
			    "%u of %u addresses of network %s are leased: if none is free, "
			    "a new user is given the one that has been unused for the "
			    "longest; a larger subnet avoids that",
			    leased, all, name);
	}
}
