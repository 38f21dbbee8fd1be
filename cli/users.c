/* The active users; see users.h. */
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>

#include "counters.h"
#include "kernel.h"
#include "limits.h"
#include "base/log.h"
#include "base/paths.h"
#include "text.h"

static int uid_compare(const void *a, const void *b)
{
	uid_t left = *(const uid_t *)a, right = *(const uid_t *)b;

	return (left > right) - (left < right);
}

/*
 * The host's processes. Root reads them through HOSTPROC, which works in every session. An
 * ordinary user cannot open that, and reads /proc. If even PID 1 is hidden (hidepid), the
 * answer is unknown (-1).
 */
static int proc_open(void)
{
	int proc = open(HOSTPROC, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc >= 0 && faccessat(proc, "1", F_OK, 0)) {
		close(proc);
		proc = -1;
	}
	return proc;
}

static int sessions_read(int run, int proc, struct user_in *user)
{
	size_t live = 0;
	int error =
	    session_list(run, user->state.uplink.uid, &user->sessions, &user->sessions_count);

	if (error)
		return error;
	for (size_t i = 0; i < user->sessions_count; i++) {
		if (proc < 0 || !process_gone(proc, &user->sessions[i].leader))
			user->sessions[live++] = user->sessions[i];
	}
	user->sessions_count = live;
	return 0;
}

/* The close of the last session leaves a note. It is removed when the user's processes have
 * ended; if they stay, gc removes it. */
static enum left left_read(int run, uid_t uid)
{
	char name[32];

	snprintf(name, sizeof(name), "closing/%u", uid);
	if (!faccessat(run, name, F_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW))
		return LEFT_ENDING;
	return errno == ENOENT ? LEFT_PROCESSES : LEFT_UNKNOWN;
}

/* The user may log out meanwhile. A user without a complete state file is not active. */
static int user_read(int run, int proc, uid_t uid, struct users *users)
{
	struct user_in *user = &users->list[users->count];
	int error = state_read(run, uid, &user->state);

	error = error ?: sessions_read(run, proc, user);
	if (!error && !user->sessions_count)
		user->left = left_read(run, uid);
	if (!error)
		users->count++;
	return error == -ENOENT || error == -EBADMSG ? 0 : error;
}

/* The ports are on the host. With sudo inside a session, root is in a user's namespace. */
static int user_count_bytes(struct users *users)
{
	struct user_in *user = users->list;

	if (users->count && geteuid() == 0 && !kernel_host_enter())
		return log_errno(errno, "enter the host's network");
	if (users->count)
		user->counted = counters_one(&user->state, &user->received, &user->sent);
	return 0;
}

static int users_count_bytes(struct users *users)
{
	struct counters *counters;
	int error = users->count ? counters_read(&counters) : 0;

	if (error || !users->count)
		return error;
	for (size_t i = 0; i < users->count; i++) {
		struct user_in *user = &users->list[i];

		user->counted = counters_find(counters, &user->state, &user->received, &user->sent);
	}
	counters_free(counters);
	return 0;
}

int users_read(struct users *out, const uid_t *only)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int proc = proc_open();
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count = 1;
	int error = 0;

	*out = (struct users){0};
	if (run < 0)
		return errno == ENOENT ? 0 : log_errno(errno, "open %s", RUN_DIR);
	if (!only)
		error = state_list(run, &uids, &count);
	if (error)
		return error;
	if (!only && count)
		qsort(uids, count, sizeof(*uids), uid_compare);
	out->list = calloc(count ? count : 1, sizeof(*out->list));
	if (!out->list)
		return log_errno(ENOMEM, "list %zu users", count);
	for (size_t i = 0; i < count && !error; i++)
		error = user_read(run, proc, only ? *only : uids[i], out);
	error = error ?: only ? user_count_bytes(out) : users_count_bytes(out);
	if (error)
		users_free(out);
	return error;
}

void users_free(struct users *users)
{
	for (size_t i = 0; i < users->count; i++)
		free(users->list[i].sessions);
	free(users->list);
	*users = (struct users){0};
}

int users_uid(const char *name, uid_t *uid)
{
	struct passwd *entry;

	if (name[0] == '#' && name[1] && !name[1 + strspn(name + 1, "0123456789")]) {
		unsigned long long number;

		errno = 0;
		number = strtoull(name + 1, NULL, 10);
		if (errno == 0 && number < UINT32_MAX) {
			*uid = (uid_t)number;
			return 0;
		}
	}
	errno = 0;
	entry = getpwnam(name);
	if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
		return log_errno(errno, "find user %s", name);
	if (!entry) {
		log_error("no user is called '%s'; write '#UID' for a removed user", name);
		return -ENOENT;
	}
	*uid = entry->pw_uid;
	return 0;
}

static void key_text(FILE *out, const char *key, const char *value)
{
	fprintf(out, "\"%s\": ", key);
	json_string(out, value);
	fputs(", ", out);
}

static void key_address(FILE *out, const char *key, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	if (address->family)
		key_text(out, key, address_format(address, text));
	else
		fprintf(out, "\"%s\": null, ", key);
}

static void key_bytes(FILE *out, const char *key, bool known, uint64_t value)
{
	if (known)
		fprintf(out, "\"%s\": %llu, ", key, (unsigned long long)value);
	else
		fprintf(out, "\"%s\": null, ", key);
}

static void sessions_json(FILE *out, const struct user_in *user)
{
	char since[TEXT_TIME_MAX];

	fputs("\"sessions\": [", out);
	for (size_t i = 0; i < user->sessions_count; i++) {
		const struct session *session = &user->sessions[i];

		fprintf(out, "%s{\"pid\": %d, ", i ? ", " : "", session->leader.pid);
		key_text(out, "service", session->service);
		key_text(out, "tty", session->tty);
		key_text(out, "rhost", session->rhost);
		fprintf(out, "\"since\": \"%s\"}", time_utc(session->since, since));
	}
	fputs("]", out);
}

void user_json(FILE *out, const struct user_in *user, int processes)
{
	const struct user_state *state = &user->state;
	char text[TEXT_TIME_MAX], mac[MAC_TEXT_MAX];

	fputc('{', out);
	key_text(out, "user", state->account);
	fprintf(out, "\"uid\": %u, ", state->uplink.uid);
	key_text(out, "profile", state->profile);
	key_text(out, "network", state->network);
	key_text(out, "netns", state->netns);
	key_text(out, "interface", state->uplink.port);
	key_address(out, "address", &state->uplink.address);
	key_address(out, "address6", &state->uplink.address6);
	key_text(out, "mac", mac_format(&state->uplink.mac, mac));
	key_text(out, "hostname", state->hostname);
	key_text(out, "since", time_utc(state->since, text));
	key_bytes(out, "rx_bytes", user->counted, user->received);
	key_bytes(out, "tx_bytes", user->counted, user->sent);
	limits_json(out, state);
	if (processes >= 0)
		fprintf(out, "\"processes\": %d, ", processes);
	sessions_json(out, user);
	fputc('}', out);
}
