/* What is decided at set-up: subnets, MTU, which networks go; see setup_internal.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "lease.h"
#include "log.h"
#include "paths.h"
#include "setup_internal.h"

#define MACHINE_ID	 "machine-id"
#define SUBNET_NAME	 "subnet" /* LEASES_DIR/NETWORK/subnet -> the subnet that "auto" became */
#define AUTO_SUBNET_LAST 255

static int machine_id_read(uint8_t id[16])
{
	CLEANUP_FD int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[64];
	ssize_t length = files_read(etc, MACHINE_ID, text, sizeof(text));

	if (length < 32)
		return log_errno(ENOENT,
				 "read /etc/machine-id, which subnet6 = auto is derived from "
				 "(systemd-machine-id-setup makes it; or set subnet6)");
	for (int i = 0; i < 16; i++)
		if (sscanf(text + 2 * i, "%2hhx", &id[i]) != 1)
			return log_errno(EINVAL, "use /etc/machine-id");
	return 0;
}

static bool subnet_planned(const struct plan *plan, const struct prefix *subnet)
{
	for (size_t i = 0; i < plan->conf->networks_count; i++) {
		const struct network *n = &plan->conf->networks[i];

		if (n->subnet_source == SOURCE_GIVEN && prefix_overlaps(&n->subnet, subnet))
			return true;
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct network_state *s = &plan->networks[i].state;
		struct prefix other = {.address = s->subnet, .length = s->subnet_length};

		if (s->subnet.family && prefix_overlaps(&other, subnet))
			return true;
	}
	return false;
}

/* The subnet chosen on an earlier boot: the same user, the same address. */
static int auto_subnet_remembered(int leases, struct prefix *out)
{
	char text[ADDRESS_TEXT_MAX];
	ssize_t length = readlinkat(leases, SUBNET_NAME, text, sizeof(text) - 1);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '_')
			*p = '/';
	return prefix_parse(text, out);
}

static int auto_subnet_remember(int leases, const struct prefix *subnet)
{
	char text[ADDRESS_TEXT_MAX];

	/* A link's target may not look like a path: "10.203.0.0_16". */
	prefix_format(subnet, text);
	text[strcspn(text, "/")] = '_';
	(void)unlinkat(leases, SUBNET_NAME, 0);
	if (symlinkat(text, leases, SUBNET_NAME) < 0 || fsync(leases) < 0)
		return log_errno(errno, "remember subnet %s in %s", text, LEASES_DIR);
	return 0;
}

static int auto_subnet(struct plan *plan, const struct planned *p, struct prefix *out)
{
	CLEANUP_FD int leases = lease_folder_open();
	CLEANUP_FD int made = leases < 0 ? -errno : files_make_dir(leases, p->conf->name, 0755);
	CLEANUP_FD int dir = made < 0 ? -1 : openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return log_errno(made < 0 ? -made : errno, "make %s/%s", LEASES_DIR, p->conf->name);
	if (auto_subnet_remembered(dir, out) == 0)
		return 0;
	for (unsigned second = 203; second <= AUTO_SUBNET_LAST; second++) {
		char text[ADDRESS_TEXT_MAX];

		snprintf(text, sizeof(text), "10.%u.0.0/16", second);
		if (prefix_parse(text, out) == 0 && !subnet_planned(plan, out) &&
		    !uplink_prefix_taken(&plan->host->route, out))
			return auto_subnet_remember(dir, out);
	}
	return log_errno(EADDRNOTAVAIL,
			 "find a free subnet between 10.203.0.0/16 and 10.255.0.0/16");
}

static bool network_moved(const struct network_state *old, const struct network_state *now)
{
	return strcmp(old->bridge, now->bridge) != 0 ||
	       !address_equal(&old->subnet, &now->subnet) ||
	       old->subnet_length != now->subnet_length ||
	       !address_equal(&old->subnet6, &now->subnet6) ||
	       old->subnet6_length != now->subnet6_length;
}

/*
 * The conf has another bridge or other addresses for a network that is up. Users in cannot follow,
 * and no rule would speak of a bridge that is no longer in the conf: it goes when nobody is in.
 */
static int network_move(struct plan *plan, const struct planned *p)
{
	for (size_t i = 0; i < plan->users_count; i++) {
		const struct planned_user *user = &plan->users[i];

		if (user->network != p)
			continue;
		log_error(
		    "bridge, subnet or subnet6 of network %s was changed, but %s is in: change "
		    "it back, or end its users' sessions (pam-netns kick)",
		    p->conf->name, user->state.user);
		return -EBUSY;
	}
	return network_remove(plan->host, p->conf->name);
}

static int network_decide(struct plan *plan, struct planned *p)
{
	const struct network *conf = p->conf;
	struct network_state old = {0};
	struct prefix subnet = conf->subnet, subnet6 = {0};
	uint8_t id[16];
	int result = network_state_read(plan->host->run, conf->name, &old);

	if (result < 0 && !state_absent(result))
		return log_errno(-result, "read the state of network %s", conf->name);
	result = 0;
	if (conf->subnet_source == SOURCE_AUTO)
		result = auto_subnet(plan, p, &subnet);
	if (!sysctl_ipv6_present()) {
		if (conf->subnet6_source == SOURCE_GIVEN)
			log_warning("network %s gets no IPv6: this kernel has none", conf->name);
	} else if (result == 0 && conf->subnet6_source == SOURCE_AUTO) {
		result = machine_id_read(id);
		subnet6 = prefix_unique_local(id, conf->name);
	} else if (conf->subnet6_source == SOURCE_GIVEN) {
		subnet6 = conf->subnet6;
	}
	if (result < 0)
		return result;
	p->state = (struct network_state){
	    .subnet = subnet.address,
	    .subnet_length = subnet.length,
	    .subnet6 = subnet6.address,
	    .subnet6_length = subnet6.length,
	    .mtu = conf->mtu ? conf->mtu : uplink_default_mtu(&plan->host->route),
	    .bridges = old.bridges ? old.bridges : 1,
	};
	if (plan->grow == conf && p->state.bridges < plan->bridges)
		p->state.bridges = plan->bridges;
	snprintf(p->state.name, sizeof(p->state.name), "%s", conf->name);
	memcpy(p->state.bridge, conf->bridge, sizeof(p->state.bridge));
	return *old.name && network_moved(&old, &p->state) ? network_move(plan, p) : 0;
}

int plan_decide(struct plan *plan)
{
	int result = 0;

	for (size_t i = 0; i < plan->count && result == 0; i++)
		result = network_decide(plan, &plan->networks[i]);
	return result;
}

static bool plan_has(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->networks[i].conf->name, name) == 0)
			return true;
	return false;
}

/* Its bridges go, which cuts its users off: without rules nothing may pass. */
static int stranger_drop(struct plan *plan, const char *name)
{
	log_warning("network %s is no longer in the conf file: its bridges are removed", name);
	return network_remove(plan->host, name);
}

int plan_drop_strangers(struct plan *plan)
{
	CLEANUP_DIR DIR *dir = opendir(NETWORKS_DIR);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    !conf_network(plan->conf, entry->d_name) && !plan_has(plan, entry->d_name))
			result = stranger_drop(plan, entry->d_name);
	return result;
}
