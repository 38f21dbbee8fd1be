/*
 * pam-netns doctor: what blocks networks or refuses their logins: overlaps, a changed subnet, IPv6
 * disabled on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "net/ipv6.h"
#include "host/wanted.h"
#include "host/obstacle.h"
#include "base/paths.h"
#include "state/state.h"
#include "sysctl.h"

static void report_obstacle(void *context, const char *what, const char *remedy)
{
	doctor_warning(context, "%s -> %s", what, remedy);
}

#define UNLISTED_MAX 8

static void unlisted_tell(struct doctor *doctor, int run, const char *network)
{
	char kick[NETWORK_CHANGE_MAX];
	int active = network_users(run, network, kick);

	if (active > 0)
		doctor_problem(doctor,
			       "network %s is not in " CONF_PATH ", but %d user%s active in it: "
			       "the next login or 'pam-netns up' cuts them off, and then their "
			       "logins are refused; to keep them, write [network %s] again -> "
			       "%spam-netns up",
			       network, active, active == 1 ? " is" : "s are", network, kick);
}

/* Networks with active users that the conf file has no more. */
static void unlisted_check(struct doctor *doctor, int run)
{
	char told[UNLISTED_MAX][CONF_NAME_MAX];
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count = 0, networks = 0;
	struct user_state state;

	if (run < 0 || state_list(run, &uids, &count) < 0)
		return;
	for (size_t i = 0; i < count && networks < UNLISTED_MAX; i++) {
		size_t n = 0;

		if (state_read(run, uids[i], &state) < 0 ||
		    conf_network(doctor->conf, state.network))
			continue;
		while (n < networks && strcmp(told[n], state.network) != 0)
			n++;
		if (n < networks)
			continue;
		snprintf(told[networks++], CONF_NAME_MAX, "%s", state.network);
		unlisted_tell(doctor, run, state.network);
	}
}

void doctor_subnet(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char what[NETWORK_TEXT_MAX], remedy[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];

		if (network_refuses(run, network, what, remedy))
			doctor_at(doctor, LEVEL_PROBLEM, CONF_PATH,
				  conf_section_line("network", network->name), "%s -> %s", what,
				  remedy);
	}
	unlisted_check(doctor, run);
}

/* Addresses and routes of other programs in our subnets. */
void doctor_overlap(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct netlink route = {.fd = -1};

	if (netlink_open(&route, NETLINK_ROUTE) < 0 ||
	    obstacle_overlaps(run, &route, doctor->conf, report_obstacle, doctor) < 0)
		doctor_warning(doctor,
			       "cannot read the host's routes -> look at the error of ip route");
	netlink_close(&route);
}

/* The command that enables IPv6 now, and comments out the lines that disable
 * it at the next boot. */
static void ipv6_enable(char out[], size_t size)
{
	static const char *const settings[] = {"net.ipv6.conf.all.disable_ipv6",
					       "net.ipv6.conf.default.disable_ipv6"};
	struct sysctl_line line;
	size_t used = 0;

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (sysctl_line_find(settings[i], &line) && line.value && used < size)
			used += (size_t)snprintf(out + used, size - used,
						 "sed -i '%us/^/#/' %s && ", line.line, line.file);
	if (used < size)
		snprintf(out + used, size - used, "sysctl -w %s=0 %s=0 && pam-netns up",
			 settings[0], settings[1]);
}

/* With an IPv6 prefix in the conf file, first logins are refused. With auto,
 * users get only IPv4. */
static void ipv6_missing(struct doctor *doctor, const struct network *network, const char *setting)
{
	bool given = network->subnet6_source == SOURCE_GIVEN;
	enum level level = given ? LEVEL_PROBLEM : LEVEL_WARNING;
	unsigned line = conf_section_line("network", network->name);
	const char *what = given ? "first logins are refused" : "users get only IPv4";
	char enable[1024];

	ipv6_enable(enable, sizeof(enable));
	/* IPv6 that the kernel's command line disables comes back only with a reboot. */
	if (strncmp(setting, "net.", 4) != 0)
		doctor_at(doctor, level, CONF_PATH, line,
			  "IPv6 is disabled on this host (%s), so %s -> write subnet6 = none in "
			  "[network %s]",
			  setting, what, network->name);
	else
		doctor_at(doctor, level, CONF_PATH, line,
			  "IPv6 is disabled on this host (%s), so %s; to accept that, write "
			  "subnet6 = none in [network %s] -> %s",
			  setting, what, network->name, enable);
}

void doctor_ipv6(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *setting = ipv6_disabled();

	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];
		struct network_state up;

		if (network->subnet6_source == SOURCE_NONE)
			continue;
		if (setting)
			ipv6_missing(doctor, network, setting);
		else if (run >= 0 && network_state_read(run, network->name, &up) == 0 &&
			 !up.subnet6.address.family)
			doctor_warning(
			    doctor, "network %s was set up while IPv6 was disabled -> pam-netns up",
			    network->name);
	}
}
