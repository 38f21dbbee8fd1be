/*
 * pam-netns doctor: is the host's set-up still complete? Each login and gc check this too, and
 * repair it. Until then users may be cut off, or not be filtered.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "doctor.h"
#include "base/files.h"
#include "net/bridge_filter.h"
#include "net/guard.h"
#include "state/lock.h"
#include "state/network.h"
#include "base/paths.h"
#include "net/uplink.h"

/* The filters that drop users' packets while the rules are flushed; see bridge_filter.h. */
static void filter_check(struct doctor *doctor, struct netlink *route, const char *bridge)
{
	unsigned ifindex = link_find(route, bridge);

	if (ifindex && bridge_filter_intact(route, ifindex) == 0)
		doctor_warning(
		    doctor,
		    "the filter of bridge %s was removed: after a flush of the firewall rules, "
		    "users reach the host and each other until the next login -> pam-netns up",
		    bridge);
}

/* What this kernel lacks, as the last set-up found. */
static void kernel_check(struct doctor *doctor, const struct host_state *state)
{
	if (state->open_if_flushed & OPEN_BRIDGES)
		doctor_warning(
		    doctor,
		    "this kernel has no filter for bridges (NET_SCH_INGRESS, NET_CLS_BPF): after "
		    "a flush of the firewall rules, users reach the host and each other until the "
		    "next login or pam-netns gc -> enable pam-netns-gc.timer, and run pam-netns gc "
		    "after each reload of nftables");
	if (state->open_if_flushed & OPEN_TRANSIT)
		doctor_warning(
		    doctor,
		    "the routing rules that hold without the firewall rules cannot be set: after a "
		    "flush, this host forwards for others until the next login or pam-netns gc -> "
		    "enable pam-netns-gc.timer, and run pam-netns gc after each reload of "
		    "nftables");
}

static void bridges_check(struct doctor *doctor, struct netlink *route, const struct network *conf,
			  const struct network_state *up, const struct host_state *state)
{
	for (unsigned i = 0; i < up->bridges; i++) {
		char name[IFNAMSIZ];

		if (ruleset_bridge_name(up->bridge, i, name) < 0)
			continue;
		if (!(state->open_if_flushed & OPEN_BRIDGES))
			filter_check(doctor, route, name);
		if (link_up(route, 0, name) == 0)
			doctor_problem(doctor,
				       "bridge %s of network %s is %s, so its users are cut off -> "
				       "pam-netns up",
				       name, conf->name,
				       link_find(route, name) ? "down" : "missing");
	}
}

static void forwarding_check(struct doctor *doctor, const char *setting, const char *path)
{
	char value[16];

	if (files_read(AT_FDCWD, path, value, sizeof(value)) > 0 && *value == '0')
		doctor_problem(doctor,
			       "%s = 0: users cannot reach the outside "
			       "-> pam-netns up",
			       setting);
}

/* The set-up changed accept_ra of these interfaces from 1 to 2; see setup_sysctl.c. */
static void advertisements_check(struct doctor *doctor, int run)
{
	char list[4096], path[512], value[8], *rest = list, *name;

	if (files_read(run, "networks/accept_ra", list, sizeof(list)) < 0)
		return;
	while ((name = strsep(&rest, "\n"))) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", name);
		if (*name && files_read(AT_FDCWD, path, value, sizeof(value)) > 0 && *value == '1')
			doctor_warning(
			    doctor,
			    "net.ipv6.conf.%s.accept_ra is 1 again, and %s forwards: it "
			    "ignores router advertisements, and this host loses the routes "
			    "that it has from them -> sysctl -w net/ipv6/conf/%s/accept_ra=2 "
			    "# and in the file of sysctl.d that says 1",
			    name, name, name);
	}
}

static void rules_check(struct doctor *doctor, int run)
{
	struct netlink netfilter = {.fd = -1};
	struct host_state state;
	uint64_t rules = 0;

	if (host_state_read(run, &state) < 0) {
		doctor_warning(doctor,
			       "the record of the host's set-up is missing or damaged, so the next "
			       "login sets up everything anew -> pam-netns up");
		return;
	}
	if (netlink_open(&netfilter, NETLINK_NETFILTER) < 0 ||
	    guard_fingerprint(&netfilter, &rules) < 0)
		doctor_warning(doctor, "cannot read our firewall rules -> look at the error of nft "
				       "list tables");
	else if (!state.rules)
		doctor_problem(doctor, "the last set-up did not finish -> pam-netns up");
	else if (rules != state.rules)
		doctor_problem(doctor,
			       "our firewall rules were %s since they were loaded, so users "
			       "are cut off or not filtered -> pam-netns up",
			       rules ? "changed" : "flushed");
	netlink_close(&netfilter);
}

/* During a set-up the state looks incomplete, so the check waits for its end. */
static void setup_wait(void)
{
	CLEANUP_FD int proc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int lock = proc < 0 ? -1 : lock_open();

	if (lock >= 0 && proc >= 0 && lock_share(lock, proc, LOCK_HOST) == 0)
		lock_release(lock, LOCK_HOST);
}

void doctor_live(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct netlink route = {.fd = -1};
	struct host_state state = {0};
	bool any = false, any6 = false;

	if (run >= 0 && netlink_open(&route, NETLINK_ROUTE) < 0) {
		doctor_warning(
		    doctor, "cannot ask the kernel about bridges -> look at the error of ip link");
		return;
	}
	if (run >= 0) /* else nothing was set up since the boot */
		setup_wait();
	(void)!host_state_read(run, &state);
	kernel_check(doctor, &state);
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];
		struct network_state up;
		int error = run < 0 ? -ENOENT : network_state_read(run, network->name, &up);

		if (error && error != -ENOENT)
			doctor_warning(doctor,
				       "the record of network %s is damaged, so the next login "
				       "sets it up anew -> pam-netns up",
				       network->name);
		if (error)
			continue;
		any = true;
		any6 |= up.subnet6.address.family != 0;
		bridges_check(doctor, &route, network, &up, &state);
	}
	netlink_close(&route);
	if (any)
		forwarding_check(doctor, "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward");
	if (any6)
		forwarding_check(doctor, "net.ipv6.conf.all.forwarding",
				 "/proc/sys/net/ipv6/conf/all/forwarding");
	if (any6)
		advertisements_check(doctor, run);
	if (any)
		rules_check(doctor, run);
	else if (!doctor->found)
		doctor_at(doctor, LEVEL_SKIPPED, NULL, 0,
			  "no network is set up, the first login does it -> pam-netns up");
}
