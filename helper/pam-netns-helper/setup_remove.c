/* `pam-netns down`: removes networks and, with the last one, all the rest; see helper.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "helper.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "setup_internal.h"
#include "net/uplink.h"
#include "ns/mntns.h"

/*
 * Counts the active users of a network ("": of any), and names one of them. An error must not look
 * like 0: the users' pins would be removed.
 */
static int users_in(const struct host *host, const char *network, char example[STATE_TEXT_MAX],
		    size_t *in)
{
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count;
	struct user_state state;
	int result = state_list(host->run, &uids, &count);

	*in = 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		result = state_read(host->run, uids[i], &state);
		if (state_absent(result)) {
			result = 0;
		} else if (result < 0) {
			(void)log_errno(-result, "read the record of uid %u", uids[i]);
		} else if (!*network || strcmp(state.network, network) == 0) {
			memcpy(example, state.user, STATE_TEXT_MAX);
			++*in;
		}
	}
	return result;
}

int network_remove(struct host *host, const char *name)
{
	struct network_state state;
	int result = network_state_read(host->run, name, &state);

	if (result == 0) {
		for (unsigned i = 0; i < state.bridges && i < NETWORK_BRIDGES_MAX && result == 0;
		     i++) {
			char bridge[IFNAMSIZ];

			result = ruleset_bridge_name(state.bridge, i, bridge);
			result = result ?: uplink_bridge_remove(&host->route, bridge);
		}
		result = result ?: uplink_network_routes(&host->route, &state, false);
	} else if (state_absent(result)) {
		result = 0;
	} else {
		/* Without the record its bridges would stay. */
		result = log_errno(-result, "read the state of network %s", name);
	}
	result = result ?: mntns_template_remove(name);
	return result < 0 ? result : network_state_remove(host->run, name);
}

static int networks_remove(struct host *host, const char *name, size_t *left)
{
	CLEANUP_DIR DIR *dir = opendir(NETWORKS_DIR);
	struct dirent *entry;
	bool found = !*name;
	int result = 0;

	*left = 0;
	if (!dir && errno != ENOENT)
		return log_errno(errno, "list %s", NETWORKS_DIR);
	while (dir && result == 0 && (errno = 0, entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (*name && strcmp(entry->d_name, name) != 0) {
			++*left;
			continue;
		}
		found = true;
		result = network_remove(host, entry->d_name);
	}
	/* The other networks stay, so nothing that they all need is removed. */
	if (dir && result == 0 && errno)
		result = log_errno(errno, "list %s", NETWORKS_DIR);
	if (result == 0 && !found)
		log_warning("network %s is not set up", name);
	return result;
}

/* The last network was removed. Removes rules, forwarding, and all that no user needs any more. */
static int host_remove(struct host *host, bool users)
{
	struct host_state state;
	int result = setup_host_state(host, &state);

	/* Forwarding goes first: without the filter only what passed before us may pass. */
	result = result ?: sysctl_forwarding_restore(host, &state);
	result = result ?: rules_load(NULL);
	result = result ?: flush_remove(host);
	result = result ?: host_state_remove(host->run);
	if (result == 0 && !users) {
		(void)umount2(PINS_DIR, MNT_DETACH | UMOUNT_NOFOLLOW);
		(void)umount2(HOSTPROC, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	return result;
}

int setup_remove(struct host *host, const char *name, bool force)
{
	char example[STATE_TEXT_MAX] = "";
	size_t in, left = 0;
	int result = users_in(host, name, example, &in);

	if (result < 0)
		return result;
	if (in && !force) {
		log_error("%zu user%s active (%s%s): end their sessions with pam-netns kick, or "
			  "use --force, which cuts their network until the next pam-netns up",
			  in, in == 1 ? " is" : "s are", example, in == 1 ? "" : ", …");
		return -EBUSY;
	}
	result = lock_take(host->lock, host->proc, LOCK_HOST);
	if (result < 0)
		return result;
	result = networks_remove(host, name, &left);
	result = result ?: left ? flush_follow(host) : host_remove(host, in > 0);
	lock_release(host->lock, LOCK_HOST);
	return result;
}
