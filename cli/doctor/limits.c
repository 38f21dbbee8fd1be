/*
 * pam-netns doctor: are the kernel's limits high enough for all active users, and for all users
 * with an address (all who ever logged in)?
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "base/files.h"
#include "state/network.h"
#include "state/state.h"
#include "rules/nat_ports.h"
#include "base/paths.h"
#include "peer.h"

#define SPARE		 64   /* namespaces and mounts of others */
#define NAMESPACES_USUAL 1000 /* a limit of user namespaces that hinders no user */
#define IP_SYSCTL	 "/proc/sys/net/ipv4/"
#define MOUNTS_A_USER	 3	    /* pins, on the host */
#define ENTRIES_MAX	 (4U << 20) /* connections that a command should ask for; 320 bytes each */

/* What is needed now, and if all users with an address are active. */
struct need {
	uint64_t active, all;
};

static uint64_t leases_count(const char *network)
{
	char path[sizeof(LEASES_DIR "//uid") + CONF_NAME_MAX];
	struct dirent *entry;
	uint64_t count = 0;

	snprintf(path, sizeof(path), LEASES_DIR "/%s/uid", network);
	CLEANUP_DIR DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	return count;
}

/* For each network of the conf file. Each record is read once. The caller frees it; NULL: no memory. */
static struct need *users_read(int run, const struct conf *conf)
{
	struct need *users = calloc(conf->networks_count + 1, sizeof(*users));
	CLEANUP_FREE uid_t *uids = NULL;
	struct user_state state;
	size_t count = 0;

	if (!users || run < 0 || state_list(run, &uids, &count) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (state_read(run, uids[i], &state) < 0)
			continue;
		for (size_t n = 0; n < conf->networks_count; n++)
			users[n].active += strcmp(state.network, conf->networks[n].name) == 0;
	}
	for (size_t n = 0; users && n < conf->networks_count; n++) {
		users[n].all = leases_count(conf->networks[n].name);
		if (users[n].all < users[n].active)
			users[n].all = users[n].active;
	}
	return users;
}

/* The value of "user.max_net_namespaces". 0: there is no such setting. */
static uint64_t setting_read(const char *setting)
{
	char path[128], value[32];
	size_t base = strlen("/proc/sys/");

	snprintf(path, sizeof(path), "/proc/sys/%s", setting);
	for (char *p = path + base; *p; p++)
		if (*p == '.')
			*p = '/';
	return files_read(AT_FDCWD, path, value, sizeof(value)) > 0 ? strtoull(value, NULL, 10) : 0;
}

static uint64_t power_of_two(uint64_t least)
{
	uint64_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

/* what: "network namespaces", as in "70 active users need 134 network namespaces". */
static void limit_check(struct doctor *doctor, const char *setting, const struct need *need,
			const struct need *users, const char *what, const char *otherwise)
{
	uint64_t limit = setting_read(setting);
	bool now = need->active > limit;

	if (!limit || need->all <= limit)
		return;
	(now ? doctor_problem : doctor_warning)(
	    doctor,
	    "%s is %llu, but %llu %s need %llu %s; else %s -> sysctl -w %s=%llu | "
	    "tee -a /etc/sysctl.d/61-pam-netns.conf",
	    setting, (unsigned long long)limit,
	    (unsigned long long)(now ? users->active : users->all),
	    now ? "active users" : "users with an address",
	    (unsigned long long)(now ? need->active : need->all), what, otherwise, setting,
	    (unsigned long long)power_of_two(need->all));
}

static uint64_t host_mounts(void)
{
	CLEANUP_FILE FILE *file = fopen(HOSTPROC "/1/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	uint64_t count = 0;
	size_t room = 0;

	if (!file)
		file = fopen("/proc/1/mountinfo", "re");
	while (file && getline(&line, &room, file) > 0)
		count++;
	return count;
}

/* If the limit would be too high, the remedy is fewer connections for each user. */
static void connections_check(struct doctor *doctor, const struct need *entries,
			      const struct need *users)
{
	static const char setting[] = "net.netfilter.nf_conntrack_max";
	uint64_t limit = setting_read(setting);

	if (entries->all <= ENTRIES_MAX)
		limit_check(doctor, setting, entries, users, "connections",
			    "a full table fails the host's own connections");
	else if (limit && entries->all > limit)
		doctor_warning(
		    doctor,
		    "%s is %llu, but %llu users with an address may need %llu connections -> write "
		    "smaller max_connections and new_connections in " CONF_PATH
		    ", for at most %llu a user",
		    setting, (unsigned long long)limit, (unsigned long long)users->all,
		    (unsigned long long)entries->all, (unsigned long long)(limit / users->all));
}

/* bit 0: of all users. */
static const struct {
	unsigned bit;
	const char *setting, *title;
} kinds[] = {
    {0, "user.max_net_namespaces", "network namespaces"},
    {0, "user.max_mnt_namespaces", "mount namespaces"},
    {0, "user.max_uts_namespaces", "UTS namespaces"},
    {NAMESPACE_IPC, "user.max_ipc_namespaces", "IPC namespaces"},
    {NAMESPACE_PID, "user.max_pid_namespaces", "PID namespaces"},
    {NAMESPACE_TIME, "user.max_time_namespaces", "time namespaces"},
    {NAMESPACE_CGROUP, "user.max_cgroup_namespaces", "cgroup namespaces"},
};

static bool namespace_wanted(const struct conf *conf, unsigned bit)
{
	for (size_t i = 0; i < conf->profiles_count; i++)
		if (conf->profiles[i].namespaces & bit)
			return true;
	return false;
}

void doctor_limits(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE struct need *here = users_read(run, doctor->conf);
	struct need users = {0}, connections = {0}, namespaces, mounts;

	for (size_t i = 0; here && i < doctor->conf->networks_count; i++) {
		uint64_t entries = conf_network_entries(&doctor->conf->networks[i]);

		users.active += here[i].active;
		users.all += here[i].all;
		connections.active += here[i].active * entries;
		connections.all += here[i].all * entries;
	}
	namespaces = (struct need){users.active + SPARE, users.all + SPARE};
	mounts.active = host_mounts() + SPARE;
	mounts.all = mounts.active + (users.all - users.active) * MOUNTS_A_USER;
	connections_check(doctor, &connections, &users);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!kinds[i].bit || namespace_wanted(doctor->conf, kinds[i].bit))
			limit_check(doctor, kinds[i].setting, &namespaces, &users, kinds[i].title,
				    "logins are refused");
	limit_check(doctor, "fs.mount-max", &mounts, &users, "mounts on the host",
		    "logins are refused");
}

/* Services of the host that receive on a port which NAT gives to users. */
static void services_check(struct doctor *doctor, int run, const struct port_set *services)
{
	struct host_state state;
	char list[64] = "";
	size_t used = 0;

	if (host_state_read(run, &state) < 0 || !state.nat_last)
		return;
	for (unsigned port = state.nat_first; used + 8 < sizeof(list); port++) {
		port = port_set_next(services, port, state.nat_last);
		if (!port)
			break;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%u", used ? ", " : "",
					 port);
	}
	if (*list)
		doctor_warning(
		    doctor,
		    "services of this host receive on ports that NAT gives to users (%u-%u), and a "
		    "user can get packets that are meant for them: %s -> pam-netns up",
		    state.nat_first, state.nat_last, list);
}

/*
 * Ports that NAT gives to users. If there are too few, users take some of the host's own: a
 * warning. All users together cannot have more connections to one server than there are ports. That
 * matters only if they all use the same server: a note.
 */
void doctor_nat(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE struct need *users = NULL;
	char local[64], reserved[4096];
	struct port_set services = {0};
	struct nat_ports ports;
	uint64_t active = 0, connections = 0, count;

	if (files_read(AT_FDCWD, IP_SYSCTL "ip_local_port_range", local, sizeof(local)) < 0 ||
	    files_read(AT_FDCWD, IP_SYSCTL "ip_local_reserved_ports", reserved, sizeof(reserved)) <
		0 ||
	    nat_ports_services(&services) < 0) {
		doctor_warning(doctor,
			       "cannot read the host's own ports (" IP_SYSCTL
			       "ip_local_port_range, ip_local_reserved_ports, /proc/net) -> "
			       "look whether /proc is mounted");
		return;
	}
	users = users_read(run, doctor->conf);
	for (size_t i = 0; users && i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];

		active += network->nat ? users[i].active : 0;
		connections += network->nat ? users[i].active * network->max_connections : 0;
	}
	services_check(doctor, run, &services);
	if (!nat_ports_choose(local, reserved, &services, &ports))
		doctor_warning(doctor,
			       "the host's own ports leave too few for users, so users take some "
			       "of the host's: net.ipv4.ip_local_port_range = %.*s -> sysctl -w "
			       "net.ipv4.ip_local_port_range='32768 60999' && pam-netns up",
			       (int)strcspn(local, "\n"), local);
	count = ports.last - ports.first + 1U;
	if (connections > count)
		doctor_note(doctor,
			    "%llu active users can take all %llu ports of NAT toward one server; "
			    "further connections to it fail -> if users depend on one server, "
			    "write max_connections = %llu in the networks of " CONF_PATH
			    ", then run pam-netns up",
			    (unsigned long long)active, (unsigned long long)count,
			    (unsigned long long)(count / active ?: 1));
}

/* The first profile whose users administer their networks, or NULL. */
static const struct profile *profile_with_owners(const struct conf *conf)
{
	for (size_t i = 0; conf && i < conf->profiles_count; i++)
		if (conf->profiles[i].isolate && conf->profiles[i].net_admin)
			return &conf->profiles[i];
	return NULL;
}

/* They have a user namespace, whatever other users may have. */
static void owners_check(struct doctor *doctor, const struct profile *profile)
{
	int refused;

	if (setting_read("user.max_user_namespaces") == 0) {
		doctor_problem(
		    doctor,
		    "[profile %s] net_admin = yes: user.max_user_namespaces is 0, so logins "
		    "of its users are refused -> sysctl -w user.max_user_namespaces=%d",
		    profile->name, NAMESPACES_USUAL);
		return;
	}
	refused = geteuid() == 0 ? peer_refused(-1) : 1;
	if (refused == 0)
		doctor_problem(
		    doctor,
		    "[profile %s] net_admin = yes: this kernel lets its users put links into "
		    "the host's network, past all rules -> update the kernel (it needs the "
		    "commit 7b735ef81286 of 2026), or net_admin = no",
		    profile->name);
	else if (refused < 0)
		doctor_warning(
		    doctor,
		    "[profile %s] net_admin = yes: cannot try whether this kernel lets its users "
		    "put links into the host's network -> look at the error of setpriv "
		    "--reuid=65534 --regid=65534 --clear-groups unshare -Urn ip link add type veth",
		    profile->name);
	else
		doctor_note(
		    doctor,
		    "[profile %s] net_admin = yes: its users can take memory that no limit "
		    "counts (neighbours, routes), and the end of a network with many bridges "
		    "delays first logins of other users -> net_admin = no for users that you do "
		    "not trust",
		    profile->name);
}

/*
 * The kernel needs 4.8 s to remove a network namespace with 300 bridges, and holds the lock
 * of all network configuration meanwhile. The host's admin chooses whether users may make
 * such namespaces: a note.
 */
void doctor_userns(struct doctor *doctor)
{
	const struct profile *profile = profile_with_owners(doctor->conf);
	char value[16];

	if (profile) {
		owners_check(doctor, profile);
		return;
	}
	if (setting_read("user.max_user_namespaces") == 0)
		return;
	/* Debian's and Ubuntu's own settings. */
	if (files_read(AT_FDCWD, "/proc/sys/kernel/unprivileged_userns_clone", value,
		       sizeof(value)) > 0 &&
	    *value == '0')
		return;
	if (files_read(AT_FDCWD, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", value,
		       sizeof(value)) > 0 &&
	    *value == '1')
		return;
	if (geteuid() == 0 && peer_refused(-1) == 0) {
		doctor_warning(
		    doctor,
		    "users may make user namespaces, and this kernel lets these put links into "
		    "the host's network, past all rules; without user namespaces, rootless "
		    "containers fail -> sysctl -w user.max_user_namespaces=0");
		return;
	}
	doctor_note(doctor,
		    "users may make user namespaces: the end of one with many bridges delays first "
		    "logins of other users; without user namespaces, rootless containers fail -> "
		    "sysctl -w user.max_user_namespaces=0");
}
