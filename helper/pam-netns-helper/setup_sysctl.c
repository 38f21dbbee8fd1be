/*
 * Kernel settings: forwarding and router advertisements, of the host and of a user's namespace.
 *
 * Paths use '/', because a bridge's name may have dots. /proc/sys/net shows the network namespace
 * of the process that opens it. A setting that has the right value is not written.
 *
 * Each network namespace in which a process looks up "net" in /proc/sys adds an entry of that name
 * to the same hash chain of that procfs (proc_sys_compare() of fs/proc/proc_sysctl.c; BENCHMARKS
 * has the cost). So netlink reads what every login needs. If more than a few users are active, the
 * helper writes a user's settings through a procfs of its own. If they are few, the unmount would
 * take longer, because it waits for RCU.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "helper.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"

#define FORWARDING4    "/proc/sys/net/ipv4/ip_forward"
#define FORWARDING6    "/proc/sys/net/ipv6/conf/all/forwarding"
#define LOCAL_PORTS    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED_PORTS "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define CONF6	       "/proc/sys/net/ipv6/conf"
#define PING_RANGE     "sys/net/ipv4/ping_group_range"
#define LOW_PORTS      "sys/net/ipv4/ip_unprivileged_port_start"
#define ACCEPT_RA_NAME "accept_ra" /* in NETWORKS_DIR: interfaces whose 1 we changed to 2 */
#define ACCEPT_RA_MAX  4096
#define USERS_FEW      64

static int value_read(int dir, const char *path, char *out, size_t size)
{
	CLEANUP_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	out[0] = '\0';
	length = fd < 0 ? -1 : read(fd, out, size - 1);
	if (length < 0)
		return -errno;
	out[length] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static int value_set(int dir, const char *path, const char *value)
{
	CLEANUP_FD int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return log_errno(errno, "set %s to %s", path, value);
	return 0;
}

static int value_write(const char *path, const char *value)
{
	char now[64];

	if (value_read(AT_FDCWD, path, now, sizeof(now)) == 0 && strcmp(now, value) == 0)
		return 0;
	return value_set(AT_FDCWD, path, value);
}

bool sysctl_ipv6_present(void)
{
	return access(FORWARDING6, F_OK) == 0;
}

static int netconf_read(void *context, struct nlmsghdr *answer)
{
	const struct nlattr *attributes[NETCONFA_MAX + 1];

	if (answer->nlmsg_type == RTM_NEWNETCONF &&
	    netlink_parse(answer, sizeof(struct netconfmsg), attributes, NETCONFA_MAX) &&
	    attributes[NETCONFA_FORWARDING])
		*(int *)context = attribute_u32(attributes[NETCONFA_FORWARDING]) != 0;
	return 0;
}

int sysctl_forwarding_on(struct host *host, bool ipv6)
{
	struct netconfmsg header = {.ncm_family = ipv6 ? AF_INET6 : AF_INET};
	struct netlink_message *request =
	    netlink_request(RTM_GETNETCONF, 0, &header, sizeof(header));
	int on = -EPROTO, result;

	netlink_put_u32(request, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
	result =
	    netlink_query(&host->route, request, "ask whether forwarding is on", netconf_read, &on);
	return result < 0 ? result : on;
}

/* Is the name a line of the list? */
static bool list_has(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
		if ((at == list || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

/*
 * A forwarding interface ignores router advertisements unless accept_ra is 2. So switching
 * forwarding on would delete a default route that the host has from advertisements (ip-sysctl.rst).
 * If another program switched forwarding off meanwhile, the list of interfaces is there already.
 */
static int accept_ra_keep(const struct host *host)
{
	CLEANUP_FD int networks = openat(host->run, "networks", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = opendir(CONF6);
	char list[ACCEPT_RA_MAX] = "", before[ACCEPT_RA_MAX] = "", path[512], now[8];
	struct dirent *entry;
	size_t used = 0;
	int result;

	(void)!files_read(networks, ACCEPT_RA_NAME, before, sizeof(before));
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), CONF6 "/%s/accept_ra", entry->d_name);
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "all") == 0 ||
		    strcmp(entry->d_name, "default") == 0 || strcmp(entry->d_name, "lo") == 0 ||
		    value_read(AT_FDCWD, path, now, sizeof(now)) < 0)
			continue;
		if (strcmp(now, "1") != 0 &&
		    !(strcmp(now, "2") == 0 && list_has(before, entry->d_name)))
			continue;
		result = *now == '1' ? value_write(path, "2") : 0;
		if (result < 0)
			return result;
		if (used + strlen(entry->d_name) + 2 < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s\n",
						 entry->d_name);
	}
	result = files_write_atomic(networks, ACCEPT_RA_NAME, 0600, list, used, false);
	return result < 0 ? log_errno(-result, "write %s/%s", NETWORKS_DIR, ACCEPT_RA_NAME) : 0;
}

int sysctl_nat_ports(struct nat_ports *ports)
{
	struct port_set services;
	char local[64], reserved[16384];
	int result = value_read(AT_FDCWD, LOCAL_PORTS, local, sizeof(local));

	port_set_clear(&services);
	if (result < 0)
		return log_errno(-result, "read " LOCAL_PORTS);
	result = value_read(AT_FDCWD, RESERVED_PORTS, reserved, sizeof(reserved));
	if (result < 0)
		return log_errno(-result, "read " RESERVED_PORTS);
	result = nat_ports_services(&services);
	if (result < 0)
		return log_errno(-result, "read which ports services of this host have");
	if (nat_ports_choose(local, reserved, &services, ports))
		return 0;
	local[strcspn(local, "\t")] = ' ';
	log_warning(
	    "NAT gives users the ports %u-%u, some of which are the host's own: "
	    "net.ipv4.ip_local_port_range is %s; set it to 32768 60999, for instance, and run "
	    "pam-netns up",
	    ports->first, ports->last, local);
	return 0;
}

int sysctl_forwarding(struct host *host, bool ipv6)
{
	int result = sysctl_forwarding_on(host, ipv6);

	if (result)
		return result < 0 ? result : 0;
	if (ipv6)
		result = accept_ra_keep(host);
	return result < 0 ? result : value_write(ipv6 ? FORWARDING6 : FORWARDING4, "1");
}

static int accept_ra_restore(const struct host *host)
{
	CLEANUP_FD int networks = openat(host->run, "networks", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char list[ACCEPT_RA_MAX], path[512], now[8], *name, *rest = list;

	if (files_read(networks, ACCEPT_RA_NAME, list, sizeof(list)) < 0)
		return 0;
	while ((name = strsep(&rest, "\n"))) {
		snprintf(path, sizeof(path), CONF6 "/%s/accept_ra", name);
		if (*name && value_read(AT_FDCWD, path, now, sizeof(now)) == 0 &&
		    strcmp(now, "2") == 0 && value_write(path, "1") < 0)
			return -EIO;
	}
	return unlinkat(networks, ACCEPT_RA_NAME, 0) < 0 ? -errno : 0;
}

int sysctl_forwarding_restore(const struct host *host, const struct host_state *state)
{
	int result = 0;

	if (state->forwarding_ours)
		result = value_write(FORWARDING4, "0");
	if (result == 0 && state->forwarding6_ours) {
		result = value_write(FORWARDING6, "0");
		result = result ?: accept_ra_restore(host);
	}
	return result;
}

int sysctl_bridge_ipv6(const char *bridge)
{
	char path[256];

	snprintf(path, sizeof(path), CONF6 "/%s/disable_ipv6", bridge);
	return access(path, F_OK) == 0 ? value_write(path, "0") : 0;
}

bool sysctl_bridge_ipv6_off(const char *bridge)
{
	char path[256], value[8];

	snprintf(path, sizeof(path), CONF6 "/%s/disable_ipv6", bridge);
	return value_read(AT_FDCWD, path, value, sizeof(value)) == 0 && strcmp(value, "0") != 0;
}

int sysctl_bridge(const struct host *host, const char *bridge)
{
	static const struct {
		const char *name, *value;
	} settings[] = {
	    {"ipv6/conf/%s/accept_ra", "0"}, /* a user's advertisement is no route for the host */
	    {"ipv4/conf/%s/route_localnet", "0"},      {"ipv4/conf/%s/send_redirects", "0"},
	    {"ipv4/conf/%s/accept_redirects", "0"},    {"ipv6/conf/%s/accept_redirects", "0"},
	    {"ipv4/conf/%s/accept_source_route", "0"}, /* the rules see only the router */
	};
	char path[256] = "/proc/sys/net/";
	size_t base = strlen(path);

	(void)host;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const char *mark = strstr(settings[i].name, "%s");

		snprintf(path + base, sizeof(path) - base, "%.*s%s%s",
			 (int)(mark - settings[i].name), settings[i].name, bridge, mark + 2);
		if (settings[i].name[3] == '6' && access(path, F_OK) < 0)
			continue; /* this kernel has no IPv6 */
		int result = value_write(path, settings[i].value);

		if (result < 0)
			return result;
	}
	return 0;
}

int sysctl_proc(const struct host *host)
{
	if (host->users <= 2 + USERS_FEW)
		return -1;

	CLEANUP_FD int context = fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

void sysctl_ping_range(int proc, char out[64])
{
	int result = value_read(proc, PING_RANGE, out, 64);

	if (result < 0)
		log_warning("cannot read /proc/%s (%s): the user's ping may need privilege",
			    PING_RANGE, strerror(-result));
	if (strcmp(out, "1\t0") == 0)
		out[0] = '\0';
}

int sysctl_user(int proc, const char *ping_range, bool low_ports)
{
	int result = *ping_range ? value_set(proc, PING_RANGE, ping_range) : 0;

	return result == 0 && low_ports ? value_set(proc, LOW_PORTS, "0") : result;
}
