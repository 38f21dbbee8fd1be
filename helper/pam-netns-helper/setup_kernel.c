/*
 * Does this kernel have what users' networks need? The set-up tries it, because a version number
 * says nothing of backports, or of what a build left out; see setup_internal.h.
 *
 * nftables is tried by loading the rules: nft names the rule that the kernel refuses.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/needs.h"
#include "net/uplink.h"
#include "setup_internal.h"

static int lock_probe(struct plan *plan)
{
	bool locked;
	int error = uplink_probe(plan->host->proc, &locked);
	int back = host_return(plan->host, NAMESPACE_NET);

	if (error || back)
		return error ?: back;
	plan->port_lock = locked ? PORT_LOCK_THERE : PORT_LOCK_MISSING;
	if (!locked)
		log_warning("this kernel cannot lock bridge ports to a MAC (Linux 5.18 can): "
			    "only the firewall rules stop false MACs");
	return 0;
}

int plan_kernel(struct plan *plan)
{
	const char *missing = needs_missing();
	struct host_state state;

	if (missing) {
		log_error("this kernel has no %s: run a newer kernel", missing);
		return -ENOSYS;
	}
	/* A kernel stays the same until a boot, which also removes the record. */
	if (!plan->host->by_hand && host_state_read(plan->host->run, &state) == 0)
		plan->port_lock = state.port_lock;
	return plan->port_lock == PORT_LOCK_UNKNOWN ? lock_probe(plan) : 0;
}

int plan_lock_required(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct network *network = plan->networks[i].state.conf;

		if (!network->lock_required || plan->port_lock == PORT_LOCK_THERE)
			continue;
		log_error("network %s: locked = required, and this kernel cannot lock bridge ports "
			  "to a MAC: run Linux 5.18 or later, or write locked = auto",
			  network->name);
		return -EOPNOTSUPP;
	}
	return 0;
}
