/*
 * The user's namespaces but mount and PID namespace, kept by pins (lib/ns/pins.h).
 *
 * namespaces_make() leaves the process in them. The mount namespace must be made there, because
 * sysfs shows the network namespace in which it is mounted, and /dev/mqueue the IPC namespace; and
 * the veth pair needs a socket from there. veth_make() goes back.
 */
#include "../resource.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "net/rtnl.h"
#include "ns/owned.h"

/* The cgroup, mount and PID namespaces have resources of their own. */
static bool is_made_here(const struct user *user, enum namespace_kind kind)
{
	return kind != KIND_CGROUP && kind != KIND_MNT && kind != KIND_PID &&
	       (user->state.namespaces & namespace_kinds[kind].bit);
}

/* The user's own network namespace (net_admin): a child has made it. */
static int network_join(const struct user *user)
{
	CLEANUP_FD int net = owned_make(user->uid, user->state.uplink.gid);
	int error = net < 0 ? net : pin_owner_set(user->uid, net);

	if (!error && setns(net, CLONE_NEWNET) < 0)
		error = log_errno(errno, "enter the user's network namespace");
	return error;
}

/* Makes them for this process at once; if that fails, one by one, since the log names the kind. */
static int namespaces_unshare(const struct user *user)
{
	int first = user->profile->net_admin ? KIND_NET + 1 : KIND_NET;
	int64_t start = clock_ms();
	int flags = 0, error = first == KIND_NET ? 0 : network_join(user);

	for (int i = first; i < NAMESPACE_KINDS; i++)
		if (is_made_here(user, i))
			flags |= namespace_kinds[i].clone_flag;
	if (!error && unshare(flags) < 0)
		for (int i = first; i < NAMESPACE_KINDS && !error; i++)
			if (is_made_here(user, i))
				error = namespace_unshare(i);
	rtnl_tell(start);
	return error;
}

static int namespace_pin(struct user *user, enum namespace_kind kind)
{
	int error;
	CLEANUP_FD int fd = namespace_open_made(kind);

	if (fd < 0)
		return fd;
	error = pin_add(user->uid, kind, fd);
	if (error)
		return log_errno(-error, "pin a %s namespace", namespace_kinds[kind].name);
	user->pins.fd[kind] = steal_fd(&fd);
	return 0;
}

/*
 * The user's boot time is now. The monotonic clock stays the host's: programs hand its times to each
 * other, also across namespaces (messages to journald and logind, timestamps of input and sound).
 * Must come before the first process is in the namespace. By number: Linux 5.6 knows no names.
 */
static int boottime_set(int proc)
{
	CLEANUP_FD int fd = openat(proc, "self/timens_offsets", O_WRONLY | O_CLOEXEC);
	struct timespec now = {0};
	char text[48];

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	snprintf(text, sizeof(text), "%d -%lld 0", CLOCK_BOOTTIME, (long long)now.tv_sec);
	if (fd >= 0 && write(fd, text, strlen(text)) >= 0)
		return 0;
	if (errno == EPERM)
		log_error(
		    "no boot time for a time namespace: the login program has no "
		    "CAP_SYS_TIME (ProtectClock or CapabilityBoundingSet of its unit, or a "
		    "container); give it that, or remove time from namespaces in the profile");
	return errno == EPERM ? -EPERM : log_errno(errno, "set the boot time of a time namespace");
}

static int network_make(struct user *user)
{
	CLEANUP_FD int own = sysctl_proc(user->host);
	int proc = own < 0 ? user->host->proc : own;
	struct stat net;
	char ping_range[64];
	int error;

	sysctl_ping_range(proc, ping_range);
	error = namespaces_unshare(user);
	error = error ?: namespace_pin(user, KIND_NET);
	if (error)
		return error;
	if (fstat(user->pins.fd[KIND_NET], &net) == 0)
		user->state.net_inode = net.st_ino;
	error = sysctl_user(proc, ping_range, user->profile->low_ports);
	return error ?: netlink_open(&user->inside, NETLINK_ROUTE);
}

static int namespaces_make(struct user *user)
{
	const char *hostname = user->state.hostname;
	int error = pins_begin(user->uid);

	error = error ?: network_make(user);
	for (int i = KIND_NET + 1; i < NAMESPACE_KINDS && !error; i++)
		if (is_made_here(user, i))
			error = namespace_pin(user, i);
	if (!error && is_made_here(user, KIND_UTS) && sethostname(hostname, strlen(hostname)) < 0)
		error = log_errno(errno, "set the host name to %s", hostname);
	if (!error && is_made_here(user, KIND_TIME))
		error = boottime_set(user->host->proc);
	if (!error && (user->state.namespaces & NAMESPACE_PID))
		error = init_begin(user);
	return error;
}

/* The mount namespace's pin too: all of a user's pins are in one folder. */
static int namespaces_undo(struct user *user)
{
	return pins_remove(user->uid, user->state.namespaces);
}

/* Pins the network namespace of a session's leader, if it is the recorded one. 1: done. */
static int leader_pin(const struct user *user, const struct process *leader)
{
	const struct host *host = user->host;
	struct stat st;
	char name[32], folder[sizeof(PINS_DIR) + 16];
	int error;

	snprintf(folder, sizeof(folder), PINS_DIR "/%u", user->uid);
	snprintf(name, sizeof(name), "%d/ns/net", leader->pid);
	CLEANUP_FD int net = openat(host->proc, name, O_RDONLY | O_CLOEXEC);

	if (net < 0 || fstat(net, &st) < 0 || st.st_ino != user->state.net_inode ||
	    !pin_valid(net, KIND_NET, AT_FDCWD, folder) || !process_alive(host->proc, leader))
		return 0;
	snprintf(name, sizeof(name), "%u/net", user->uid);
	error = pin_named_set(name, net);
	return error ?: 1;
}

/*
 * `ip netns del NAME` removes the pin behind our link. The namespace lives on with the processes in
 * it. -ENOENT: no session's leader is in it.
 */
static int network_pin_again(struct user *user)
{
	CLEANUP_FREE struct session *sessions = NULL;
	size_t count = 0;
	int result = session_list(user->host->run, user->uid, &sessions, &count);

	for (size_t i = 0; i < count && !result; i++)
		result = leader_pin(user, &sessions[i].leader);
	if (result <= 0)
		return result ?: -ENOENT;
	result = netns_name_make(user);
	if (!result)
		log_warning("the pin of uid %u's network was removed (ip netns del?): pinned it "
			    "again",
			    user->uid);
	return result;
}

static int namespaces_check(struct user *user)
{
	unsigned namespaces = user->state.namespaces;
	int error = pins_open(user->uid, namespaces, &user->pins);

	if (error != -ENOENT || !user->state.net_inode)
		return error;
	error = network_pin_again(user);
	return error ?: pins_open(user->uid, namespaces, &user->pins);
}

const struct resource resource_namespaces = {
    .name = "namespaces",
    .make = namespaces_make,
    .undo = namespaces_undo,
    .check = namespaces_check,
};
