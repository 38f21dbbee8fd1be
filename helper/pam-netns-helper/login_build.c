/*
 * Everything that a first login makes: lease, namespaces, mount view, uplink, guard, record.
 *
 * Until the last step, publishing the pins by a rename, nobody can see it; whatever fails before
 * is undone by teardown(), the code that also ends a user's last session. What a killed helper
 * leaves is found by name (uid) and torn down by the user's next login or by gc.
 */
#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "net/guard.h"
#include "state/lease.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "net/rtnl.h"
#include "ns/view.h"

static int build_lease(struct login *login)
{
	struct prefix *subnet = &login->network.subnet;
	const char *network = login->profile->network->name;
	CLEANUP_FD int leases = lease_folder_open();
	uid_t uid = login->request->who.uid;
	uint32_t offset;
	int result;

	if (leases < 0)
		return leases;
	result = lease_find(leases, network, subnet, uid, &offset);
	if (result == -ENOENT) {
		result = leases_lost(login->host, login->profile->network, leases);
		if (result == 0)
			result = lock_take(login->host->lock, login->host->proc, LOCK_LEASES);
		if (result < 0)
			return result;
		result = lease_take(leases, network, subnet, uid, &offset);
		lock_release(login->host->lock, LOCK_LEASES);
	}
	if (result == -EADDRNOTAVAIL)
		result = lease_take_over(login->host, login->profile->network, uid, &offset);
	if (result < 0)
		return result;
	uplink_init(&login->uplink, &login->network, uid, offset);
	return 0;
}

/* Reserves a port, and makes the next bridge where the others are full. */
static int build_port(struct login *login)
{
	const struct network *network = login->profile->network;
	struct host *host = login->host;
	int bridge = ports_reserve(host->run, network->name, network->ports_per_bridge, 0);
	int result = 0;

	if (bridge < 0)
		return log_errno(-bridge, "find a bridge with a free port (ports_per_bridge)");
	login->bridge = (unsigned)bridge;
	if (login->bridge >= login->setup.state.bridges)
		result = setup_grow(host, &login->setup, login->bridge);
	if (result == 0)
		result = ruleset_bridge_name(network, login->bridge, login->uplink.bridge);
	/* From here to the record nobody may replace the rules or bridges: see login_build(). */
	if (result == 0)
		result = lock_share(host->lock, host->proc, LOCK_HOST);
	if (result == 0) {
		login->uplink.bridge_ifindex = link_find(&host->route, login->uplink.bridge);
		if (!login->uplink.bridge_ifindex)
			result = log_errno(ENODEV, "find bridge %s", login->uplink.bridge);
	}
	/* The teardown of a login that fails here knows of no port yet. */
	if (result < 0)
		ports_release(host->run, network->name, login->bridge);
	return result;
}

/* What the log, the command and a later teardown know of the user. */
static int build_state(struct login *login)
{
	const struct who *who = &login->request->who;
	const struct profile *p = login->profile;
	struct user_state *s = &login->state;
	char host[CONF_HOSTNAME_MAX];
	int result;

	if (gethostname(host, sizeof(host)) < 0)
		return log_errno(errno, "read the host's name");
	*s = (struct user_state){
	    .uid = who->uid,
	    .gid = who->gid,
	    .address = login->uplink.address,
	    .address6 = login->uplink.address6,
	    .mac = login->uplink.mac,
	    .namespaces = p->namespaces,
	    .linger = p->linger,
	    .since = time(NULL),
	};
	memcpy(s->user, who->user, sizeof(s->user));
	memcpy(s->account, who->account, sizeof(s->account));
	memcpy(s->netns, who->account, sizeof(s->netns));
	memcpy(s->profile, p->name, sizeof(s->profile));
	memcpy(s->network, p->network->name, sizeof(s->network));
	memcpy(s->bridge, login->uplink.bridge, sizeof(s->bridge));
	if (!(p->namespaces & NAMESPACE_UTS)) {
		memcpy(s->hostname, host, sizeof(s->hostname));
		return 0;
	}
	result = conf_hostname(p, who->user, who->uid, who->group, host, s->hostname);
	if (result < 0)
		return log_errno(-result, "make a host name of \"%s\"", p->hostname);
	/* A name that does not resolve makes sudo wait 10 s: the user's /etc/hosts has it. */
	return strcmp(s->hostname, host) == 0 || !(p->namespaces & NAMESPACE_MNT)
		   ? 0
		   : setup_hosts(login->host, who->uid, s->hostname);
}

/* Makes one namespace for this process and pins it. */
static int build_namespace(struct login *login, enum namespace_kind kind)
{
	int64_t start = clock_ms();
	int result;

	result = namespace_unshare(kind);
	if (result < 0)
		return result;
	rtnl_tell(start);
	CLEANUP_FD int fd = namespace_open(AT_FDCWD, "/proc/self", kind);

	if (fd < 0)
		return fd;
	result = pin_add(login->request->who.uid, kind, fd);
	if (result < 0)
		return log_errno(-result, "pin a %s namespace", namespace_kinds[kind].name);
	login->pins.fd[kind] = steal_fd(&fd);
	return 0;
}

struct view_attempt {
	struct login *login;
	struct view view;
	int template;
};

static int view_attempt(void *context)
{
	struct view_attempt *v = context;
	struct login *login = v->login;
	CLEANUP_FD int mnt = view_make(&v->view, v->template, login->host->ns.fd[KIND_MNT]);
	int result;

	if (mnt < 0)
		return mnt;
	result = pin_add(login->request->who.uid, KIND_MNT, mnt);
	if (result == 0)
		login->pins.fd[KIND_MNT] = steal_fd(&mnt);
	return result;
}

static int build_view(struct login *login)
{
	struct view_attempt v = {
	    .login = login,
	    .view = {.uid = login->request->who.uid,
		     .account = login->request->who.account,
		     .profile = login->profile},
	};
	char hosts[128];
	struct stat st;
	CLEANUP_FD int template = view_template_open(login->profile->network);
	int result;

	if (template <0)
		return log_errno(-template, "open the template of network %s",
				 login->profile->network->name);
	v.template = template;
	snprintf(hosts, sizeof(hosts), USERS_DIR "/%u/" VIEW_HOSTS_NAME, login->request->who.uid);
	v.view.own_hosts = lstat(hosts, &st) == 0;
	result = pin_retry(view_attempt, &v);
	login->state.runtime_dir = v.view.runtime_dir;
	return result;
}

static int build_namespaces(struct login *login, struct netlink *user)
{
	const struct profile *p = login->profile;
	CLEANUP_FD int proc = sysctl_proc(login->host);
	char ping_range[64];
	struct stat net;
	int result = pins_begin(login->request->who.uid);

	sysctl_ping_range(proc, ping_range);
	if (result == 0)
		result = build_namespace(login, KIND_NET);
	if (result == 0 && fstat(login->pins.fd[KIND_NET], &net) == 0)
		login->state.net_inode = net.st_ino;
	if (result == 0)
		result = sysctl_user(proc, ping_range, p->low_ports);
	if (result == 0)
		result = netlink_open(user, NETLINK_ROUTE);
	if (result == 0 && (p->namespaces & NAMESPACE_UTS)) {
		result = build_namespace(login, KIND_UTS);
		if (result == 0 &&
		    sethostname(login->state.hostname, strlen(login->state.hostname)) < 0)
			result = log_errno(errno, "set the host name to %s", login->state.hostname);
	}
	if (result == 0 && (p->namespaces & NAMESPACE_MNT))
		result = build_view(login);
	/* Making the view has led back to the host's mount namespace. After a failure login_build()
	 * goes back. */
	if (result == 0)
		result = host_return_to(login->host, KIND_NET);
	return result < 0 ? result : host_return_to(login->host, KIND_UTS);
}

static int build_uplink(struct login *login, struct netlink *user)
{
	struct host *host = login->host;
	struct user_state *s = &login->state;
	int result = uplink_create(&host->route, login->pins.fd[KIND_NET], &login->uplink);

	memcpy(s->interface, login->uplink.port, sizeof(s->interface));
	s->ifindex = login->uplink.ifindex;
	if (result == 0) {
		struct ruleset_member member = member_of(s, login->profile->network);
		uint32_t generation;

		member.address6 = login->uplink.address6;
		result = guard_add(&host->netfilter, &member, &generation);
		if (result == 0)
			rules_follow(host, generation);
	}
	if (result == 0)
		result = uplink_configure_user(user, &login->uplink);
	return result < 0 ? result : uplink_connect(&host->route, &login->uplink);
}

/* /run/netns/NAME, for ip-netns(8): a link to the pin. A name that is taken is not ours to take. */
int login_name_netns(const struct login *login)
{
	char path[PATH_MAX], target[64], there[64];
	ssize_t length;

	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return log_errno(errno, "make %s", NETNS_DIR);
	snprintf(path, sizeof(path), "%s/%s", NETNS_DIR, login->state.netns);
	snprintf(target, sizeof(target), PINS_DIR "/%u/net", login->request->who.uid);
	if (symlink(target, path) == 0)
		return 0;
	if (errno != EEXIST)
		return log_errno(errno, "make %s", path);
	length = readlink(path, there, sizeof(there));
	if (length == (ssize_t)strlen(target) && memcmp(there, target, (size_t)length) == 0)
		return 0; /* of an interrupted login */
	log_error(
	    "%s exists and is not ours: a network namespace of that name was made by somebody "
	    "else (ip netns del %s removes it)",
	    path, login->state.netns);
	return -EEXIST;
}

int login_build(struct login *login)
{
	struct netlink user = {.fd = -1};
	int result;

	/* What an earlier login recorded is torn down: not once more if this one fails. */
	login->state = (struct user_state){0};
	login->network = network_state_uplink(&login->setup.state);
	/* The host may have moved to other name servers since set-up, and gc not have run. */
	result = setup_resolv(login->host, login->profile->network);
	if (result == 0)
		result = build_lease(login);
	if (result == 0)
		result = build_port(login);
	if (result == 0)
		result = build_state(login);
	if (result == 0)
		result = login_name_netns(login);
	if (result == 0)
		result = build_namespaces(login, &user);
	if (result == 0)
		result = build_uplink(login, &user);
	netlink_close(&user);
	if (result == 0) {
		result = state_write(login->host->run, &login->state);
		if (result < 0)
			log_errno(-result, "write the user's state");
	}
	if (result == 0)
		result = pins_publish(login->request->who.uid);
	lock_release(login->host->lock, LOCK_HOST);
	if (result < 0) {
		namespaces_close(&login->pins);
		if (host_return(login->host) < 0 ||
		    teardown(login->host, login->request->who.uid, &login->state) < 0)
			log_warning(
			    "something is left of a login that failed: pam-netns gc removes it");
	}
	return result;
}

/* A netlink socket in the namespace of a user who is in. */
static int user_socket_open(const struct login *login, struct netlink *user)
{
	int result = 0, back;

	if (setns(login->pins.fd[KIND_NET], CLONE_NEWNET) < 0)
		return log_errno(errno, "enter the user's network namespace");
	result = netlink_open(user, NETLINK_ROUTE);
	back = host_return(login->host);
	return result < 0 ? result : back;
}

static uint32_t address_number(const struct address *address)
{
	const uint8_t *b = address->bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/*
 * As it was recorded: the lease, or the network's subnet, may be another one by now. So may the
 * user's profile be: who is in stays in the old one's network.
 */
static int uplink_recorded(struct login *login)
{
	const struct user_state *s = &login->state;
	struct network_state network = login->setup.state;
	int result = 0;

	if (strcmp(s->network, network.name) != 0)
		result = network_state_read(login->host->run, s->network, &network);
	if (result < 0)
		return log_errno(-result, "read the state of network %s", s->network);
	login->network = network_state_uplink(&network);
	login->uplink = (struct uplink){.network = &login->network,
					.uid = s->uid,
					.offset = address_number(&s->address) -
						  address_number(&login->network.subnet.address),
					.address = s->address,
					.mac = s->mac,
					.ifindex = s->ifindex};
	/* IPv6 may have been disabled on the host since. */
	if (network.subnet6.family)
		login->uplink.address6 = s->address6;
	memcpy(login->uplink.bridge, s->bridge, sizeof(s->bridge));
	memcpy(login->uplink.port, s->interface, sizeof(s->interface));
	login->uplink.bridge_ifindex = link_find(&login->host->route, s->bridge);
	return 0;
}

/* Made again where it is gone; connected again where it is only down. */
static int uplink_mend(struct login *login)
{
	struct user_state *s = &login->state;
	struct host *host = login->host;
	struct netlink user = {.fd = -1};
	int result;

	if (!login->uplink.bridge_ifindex)
		return log_errno(ENODEV, "find bridge %s", s->bridge);
	if (link_find(&host->route, s->interface) == s->ifindex) {
		log_warning("the uplink of uid %u is down: connecting it again", s->uid);
		return uplink_connect(&host->route, &login->uplink);
	}
	log_warning("the uplink of uid %u is gone: making it again", s->uid);
	result = user_socket_open(login, &user);
	if (result == 0)
		result = build_uplink(login, &user);
	netlink_close(&user);
	return result < 0 ? result : state_write(host->run, s);
}

int login_mend_uplink(struct login *login)
{
	struct host *host = login->host;
	int result = lock_share(host->lock, host->proc, LOCK_HOST);

	if (result < 0)
		return result;
	result = uplink_recorded(login);
	if (result == 0)
		result = uplink_mend(login);
	lock_release(host->lock, LOCK_HOST);
	return result;
}
