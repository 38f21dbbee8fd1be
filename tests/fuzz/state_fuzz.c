/*
 * Files below RUN_DIR: a user's state, a session, a network's state, the host's state, by the first byte. An
 * accepted record can be written again, and reads as the same.
 */
#include <errno.h>

#include "fuzz.h"
#include "state/network.h"
#include "state/state.h"

static void try_state(int run)
{
	struct user_state read, again;

	if (state_read(run, 7, &read) < 0)
		return;
	/* A written record is printable, so a second write changes nothing. */
	if (read.uplink.uid != 7 || state_write(run, &read) < 0 || state_read(run, 7, &read) < 0 ||
	    state_write(run, &read) < 0 || state_read(run, 7, &again) < 0 ||
	    memcmp(&read, &again, sizeof(read)) != 0)
		abort();
}

static void try_session(int run)
{
	struct session *sessions;
	size_t count;

	if (session_list(run, 7, &sessions, &count) < 0 || count != 1 ||
	    sessions[0].leader.pid != 1 || sessions[0].leader.start != 5)
		abort();
	if (sessions[0].service[0] && session_add(run, 7, &sessions[0]) < 0)
		abort();
	free(sessions);
}

static void try_network(int run)
{
	struct network_state read, again;

	if (network_state_read(run, "n", &read) < 0)
		return;
	if (strcmp(read.name, "n") != 0)
		return;
	if (network_state_write(run, &read) < 0 || network_state_read(run, "n", &read) < 0 ||
	    network_state_write(run, &read) < 0 || network_state_read(run, "n", &again) < 0 ||
	    memcmp(&read, &again, sizeof(read)) != 0)
		abort();
}

static void try_host(int run)
{
	struct host_state read, again;

	if (host_state_read(run, &read) < 0)
		return;
	if (host_state_write(run, &read) < 0 || host_state_read(run, &again) < 0 ||
	    memcmp(&read, &again, sizeof(read)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *path;
		void (*run)(int run);
	} kinds[] = {
	    {"users/7/state", try_state},
	    {"users/7/sessions/1.5", try_session},
	    {"networks/n/state", try_network},
	    {"host", try_host},
	};
	unsigned kind = size ? data[0] % 4 : 0;

	if (!size)
		return 0;
	folder_add("users");
	folder_add("users/7");
	folder_add("users/7/sessions");
	folder_add("networks");
	folder_add("networks/n");
	file_put(kinds[kind].path, data + 1, size - 1);
	kinds[kind].run(folder_open());
	return 0;
}
