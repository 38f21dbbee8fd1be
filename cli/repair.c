/*
 * pam-netns repair: users who administer their own network bring it back to what a login gave them.
 *
 * It runs as the user, who owns the network, so it needs no privilege. The uplink is found by the
 * index of its port on the host, which the user cannot change; names, MACs and addresses can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "command.h"
#include "doctor/output.h"
#include "kernel.h"
#include "net/uplink.h"
#include "ns/owned.h"
#include "state/network.h"
#include "state/state.h"

#define WORDS_MAX    20
#define COMMAND_MAX  256
#define RULES_MAX    1000 /* of priority 0 */
#define OUTPUT_MAX   4096
#define DISABLE_IPV6 "/proc/sys/net/ipv6/conf/%s/disable_ipv6"

/* They begin with "-" if they may fail: what they remove is missing, or this kernel has no IPv6. */
static const char *const before[] = {
    "nft flush ruleset",
    "ip rule flush",
    "-ip rule add priority 0 lookup local",
    "-ip rule add priority 32766 lookup main",
    "-ip rule add priority 32767 lookup default",
    "-ip -6 rule flush",
    "-ip -6 rule add priority 0 lookup local",
    "-ip -6 rule add priority 32766 lookup main",
    "ip route flush table main",
    "-ip -6 route flush table main",
    /* The kernel gives lo its addresses and their routes when it comes up. */
    "ip address flush dev lo",
    "ip link set dev lo down",
    "ip link set dev lo up",
};

/* The link is called eth0 and down. */
static const char *const after[] = {
    "-tc qdisc del dev eth0 root",
    "-tc qdisc del dev eth0 clsact",
    "-tc qdisc del dev eth0 ingress",
    "ip link set dev eth0 nomaster arp on promisc off allmulticast off txqueuelen 1000",
    "ip address flush dev eth0",
    "ip neighbour flush dev eth0 nud all",
};

/* The program's path, whatever PATH is. */
static bool program_find(const char *name, char path[64])
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, 64, "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Words are separated by single blanks. */
static bool succeeds(const char *command)
{
	char text[COMMAND_MAX], path[64], output[OUTPUT_MAX], *words[WORDS_MAX + 1], *rest = text;
	size_t count = 0;

	snprintf(text, sizeof(text), "%s", command);
	while (count < WORDS_MAX && (words[count] = strsep(&rest, " ")))
		count++;
	words[count] = NULL;
	if (!program_find(words[0], path))
		return false;
	words[0] = path;
	return output_read(words, output, sizeof(output));
}

static int run(const char *command)
{
	bool may_fail = *command == '-';

	if (succeeds(command + may_fail) || may_fail)
		return 0;
	log_error("'%s' failed; run it to see why (it needs iproute2 and nftables)", command);
	return -EIO;
}

static int run_all(const char *const *commands, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = run(commands[i]);
	return error;
}
#define RUN_ALL(commands) run_all(commands, sizeof(commands) / sizeof((commands)[0]))

static int run_with(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run_with(const char *format, ...)
{
	char command[COMMAND_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return run(command);
}

/* `ip rule flush` leaves priority 0 alone. */
static void first_rules_remove(void)
{
	for (int i = 0; i < RULES_MAX && succeeds("ip rule del priority 0"); i++)
		;
	for (int i = 0; i < RULES_MAX && succeeds("ip -6 rule del priority 0"); i++)
		;
}

/* Another link may have the name. Any link, the uplink too, may have it as an alternative name. */
static int name_free(unsigned index)
{
	unsigned other = if_nametoindex("eth0");
	char name[IFNAMSIZ];

	if (!other)
		return 0;
	if (!if_indextoname(other, name))
		return log_errno(errno, "find the link that is called eth0");
	if (strcmp(name, "eth0") != 0)
		return run_with("ip link property del dev %s altname eth0", name);
	if (other == index)
		return 0;
	return run_with("ip link set dev eth0 down")
		   ?: run_with("ip link set dev eth0 name eth0-%x", other);
}

static int link_name(const struct uplink *uplink, unsigned index)
{
	char name[IFNAMSIZ], mac[ADDRESS_TEXT_MAX];
	int error = name_free(index);

	if (!error && !if_indextoname(index, name))
		error = log_errno(errno, "find the name of the uplink");
	error = error ?: run_with("ip link set dev %s down", name);
	if (!error && strcmp(name, "eth0") != 0)
		error = run_with("ip link set dev %s name eth0", name);
	return error
		   ?: run_with("ip link set dev eth0 address %s mtu %u",
			       mac_format(&uplink->mac, mac), uplink->network->mtu);
}

/* Without them the network works, but slowly. */
static void offloads_on(void)
{
	static const uint32_t offloads[] = {ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_SSG,
					    ETHTOOL_STSO, ETHTOOL_SGSO};
	CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		struct ethtool_value value = {.cmd = offloads[i], .data = 1};
		struct ifreq link = {.ifr_name = "eth0", .ifr_data = (void *)&value};

		if (fd < 0 || ioctl(fd, SIOCETHTOOL, &link) < 0)
			log_warning("cannot switch an offload of eth0 on: %s", strerror(errno));
	}
}

static void ipv6_on(void)
{
	static const char *const links[] = {"all", "default", "lo", "eth0"};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		char path[sizeof(DISABLE_IPV6) + 16];

		snprintf(path, sizeof(path), DISABLE_IPV6, links[i]);
		CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "0", 1) < 0)
			log_warning("cannot write %s: %s", path, strerror(errno));
	}
}

static int network_repair(const struct uplink *uplink, unsigned index)
{
	struct netlink inside;
	int error = netlink_open(&inside, NETLINK_ROUTE);

	if (error)
		return error;
	first_rules_remove();
	error = link_name(uplink, index);
	if (uplink->address6.family)
		ipv6_on();
	error = error ?: RUN_ALL(before);
	error = error ?: RUN_ALL(after);
	if (!error)
		offloads_on();
	error = error ?: uplink_configure_user(&inside, uplink, index);
	netlink_close(&inside);
	return error;
}

/* Is this process in the network of the record, and does the user own it? */
static int network_check(const struct user_state *state)
{
	struct stat st;
	CLEANUP_FD int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (net < 0 || fstat(net, &st) < 0)
		return log_errno(errno, "look at this process's network");
	if (st.st_ino != state->net_inode) {
		log_error(
		    "this process is not in your network: pam-netns exec -- pam-netns repair");
		return -EXDEV;
	}
	if (!owned_by(net, getuid())) {
		log_error(
		    "your profile, %s, has no net_admin = yes: only the administrator changes "
		    "your network",
		    state->profile);
		return -EPERM;
	}
	return 0;
}

static int own_read(struct user_state *state, struct network_state *network)
{
	CLEANUP_FD int dir = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 ? -ENOENT : state_read(dir, getuid(), state);

	if (error == -ENOENT)
		log_error("you have no network of your own at present; log in first");
	error = error ?: network_check(state);
	if (error)
		return error;
	error = network_state_read(dir, state->network, network);
	if (error)
		log_error("cannot read what is set up of network %s: %s; the "
			  "administrator runs pam-netns up",
			  state->network, strerror(-error));
	state->uplink.network = network;
	if (!error && !network->subnet6.address.family)
		state->uplink.address6.family = 0;
	return error;
}

int command_repair(const struct arguments *arguments)
{
	struct network_state network;
	struct user_state state;
	char address[ADDRESS_TEXT_MAX];
	unsigned index;

	(void)arguments;
	if (getuid() == 0) {
		log_error(
		    "root has no network of its own; pam-netns exec USER -- pam-netns repair");
		return STATUS_FAILED;
	}
	if (own_read(&state, &network))
		return STATUS_FAILED;
	index = kernel_other_end(state.uplink.ifindex);
	if (!index) {
		log_error(
		    "your uplink is not in your network: log in once more, and that login makes "
		    "it again if it was removed");
		return STATUS_FAILED;
	}
	if (network_repair(&state.uplink, index))
		return STATUS_FAILED;
	printf("eth0 is up with %s\n", address_format(&state.uplink.address, address));
	return STATUS_FINE;
}
