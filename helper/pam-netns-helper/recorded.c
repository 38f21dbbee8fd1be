/* The records behind a leftover; see recorded.h. */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "net/link.h"
#include "state/lock.h"

bool recorded_user(const struct host *host, uid_t uid, struct user_state *state)
{
	return !state_absent(state_read(host->run, uid, state));
}

bool recorded_port(const struct host *host, const char *name)
{
	struct user_state state;
	uid_t uid;

	return port_uid(name, &uid) && recorded_user(host, uid, &state) &&
	       (!*state.uplink.port || strcmp(state.uplink.port, name) == 0);
}

int unrecorded_remove(struct host *host, const char *port,
		      int (*remove)(struct host *host, const void *object), const void *object)
{
	uid_t uid;
	int error;

	if (!port_uid(port, &uid))
		return 0;
	error = lock_take(host->lock, host->proc, uid);
	if (!error && !recorded_port(host, port))
		error = remove(host, object);
	lock_release(host->lock, uid);
	return error;
}

bool recorded_address(const struct host *host, const struct address *address)
{
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count = 0;
	bool found = state_list(host->run, &uids, &count) < 0;

	for (size_t i = 0; i < count && !found; i++) {
		struct user_state state;

		found = recorded_user(host, uids[i], &state) &&
			(!*state.uplink.port || address_equal(&state.uplink.address, address) ||
			 address_equal(&state.uplink.address6, address));
	}
	return found;
}
