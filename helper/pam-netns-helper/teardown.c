/*
 * Removing everything that was made for a user: at the last logout, after a login that failed
 * half-way, and by gc after a crash. The same code, every step of which may find its work done.
 *
 * The veth pair is not deleted: it goes with the network namespace, which goes with its last pin,
 * process and socket. The host's end is taken down, so nothing passes until then. Guard elements
 * stay (they name a port that is gone); gc removes them. The caller holds the user's lock, not
 * LOCK_HOST, and is in the host's namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"
#include "state/lease_use.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "net/uplink.h"

/* 1 if NETNS_DIR/name is a link to this uid's pin. */
static bool netns_name_ours(const char *path, uid_t uid)
{
	char target[64], there[64];
	ssize_t length = readlink(path, there, sizeof(there));
	int expected = snprintf(target, sizeof(target), PINS_DIR "/%u/net", uid);

	return length == expected && memcmp(there, target, (size_t)length) == 0;
}

static int netns_name_remove(const char *name, uid_t uid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", NETNS_DIR, name);
	if (netns_name_ours(path, uid) && unlink(path) < 0 && errno != ENOENT)
		return log_errno(errno, "remove %s", path);
	return 0;
}

/* Without a record of the name: every link to this uid's pin. */
static int netns_names_remove(uid_t uid)
{
	CLEANUP_DIR DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_LNK)
			result = netns_name_remove(entry->d_name, uid);
	return result;
}

/* The uid whose pin a link names; false if it names none. */
static bool netns_link_uid(const char *path, uid_t *uid)
{
	char there[64];
	ssize_t length = readlink(path, there, sizeof(there) - 1);

	there[length > 0 ? length : 0] = '\0';
	return sscanf(there, PINS_DIR "/%u/net", uid) == 1;
}

int netns_names_collect(struct host *host)
{
	CLEANUP_DIR DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	int result = 0;

	while (dir && result == 0 && (entry = readdir(dir))) {
		char path[PATH_MAX];
		uid_t uid;

		snprintf(path, sizeof(path), "%s/%s", NETNS_DIR, entry->d_name);
		if (entry->d_type != DT_LNK || !netns_link_uid(path, &uid) || pins_exist(uid))
			continue;
		/* A login makes the name before the pins, under the lock. */
		result = lock_take(host->lock, host->proc, uid);
		if (result == 0 && !pins_exist(uid))
			result = netns_name_remove(entry->d_name, uid);
		lock_release(host->lock, uid);
	}
	return result;
}

static void port_release(const struct host *host, const struct user_state *state)
{
	const char *dot = strrchr(state->bridge, '.');
	struct network_state network;

	if (!state->bridge[0] || network_state_read(host->run, state->network, &network) < 0)
		return;
	ports_release(host->run, state->network,
		      strcmp(network.bridge, state->bridge) == 0 || !dot ? 0
									 : (unsigned)atoi(dot + 1));
}

static int teardown_uplink(struct host *host, const struct user_state *state)
{
	struct uplink uplink = {.address = state->address, .address6 = state->address6};

	if (!state->bridge[0])
		return 0;
	memcpy(uplink.bridge, state->bridge, sizeof(uplink.bridge));
	memcpy(uplink.port, state->interface, sizeof(uplink.port));
	port_release(host, state);
	return uplink_detach(&host->route, &uplink);
}

int teardown(struct host *host, uid_t uid, const struct user_state *known)
{
	struct user_state state;
	char name[32];
	int result = 0, read;

	snprintf(name, sizeof(name), "closing/%u", uid);
	(void)unlinkat(host->run, name, 0);
	snprintf(name, sizeof(name), "users/%u", uid);
	if (!known && !pins_exist(uid) && faccessat(host->run, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* Else a set-up that has read the record would make the routes again behind us. */
	bool shared = lock_share(host->lock, host->proc, LOCK_HOST) == 0;

	pins_withdraw(uid);
	read = known ? 0 : state_read(host->run, uid, &state);
	if (read == 0) {
		const struct user_state *s = known ? known : &state;

		lease_used(s->network, uid);
		result = teardown_uplink(host, s);
		if (result == 0)
			result = netns_name_remove(s->netns, uid);
	} else {
		result = netns_names_remove(uid);
	}
	/* Go on whatever failed: the more is gone the better; the first error is the result. */
	int pins = pins_remove(uid);
	int record = state_remove(host->run, uid);

	if (shared)
		lock_release(host->lock, LOCK_HOST);
	return result < 0 ? result : pins < 0 ? pins : record;
}
