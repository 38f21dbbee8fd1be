/* pam-netns doctor: networks that are about to run out of addresses. */
#include <fcntl.h>

#include "doctor.h"
#include "state/lease_use.h"
#include "state/network.h"
#include "base/paths.h"

#define FULL_PERCENT 90

void doctor_leases(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int leases = open(LEASES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; run >= 0 && leases >= 0 && i < doctor->conf->networks_count; i++) {
		const char *name = doctor->conf->networks[i].name;
		struct network_state state;
		uint32_t leased, all;

		if (network_state_read(run, name, &state))
			continue;
		if (lease_count(leases, name, &state.subnet, &leased, &all) == 0 &&
		    (uint64_t)leased * 100 >= (uint64_t)all * FULL_PERCENT)
			doctor_warning(doctor,
				       "%u of %u addresses of network %s are leased: if none is "
				       "free, a new user gets the address that has been unused for "
				       "the longest time -> choose a larger subnet",
				       leased, all, name);
	}
}
