/* Whose record there is; see recorded.h. */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "net/link.h"

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
