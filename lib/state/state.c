/* Active users: folders of users and files of sessions, all in RUN_DIR. See state.h. */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "state/record.h"
#include "state/folder.h"
#include "base/uid.h"

#define STATE_NAME	 "state"
#define SESSION_NAME_MAX 48 /* PID.START with its NUL */
#define ARRAY_GROWTH	 64

#define STATE_FIELD(member, kind)	RECORD_FIELD(struct user_state, member, kind)
#define UPLINK_FIELD(key, member, kind) RECORD_FIELD_AS(key, struct user_state, uplink.member, kind)
#define LIMIT_FIELD(key, limit)                                                                    \
	{                                                                                          \
		key, RECORD_NUMBER, offsetof(struct user_state, limits.values[limit]),             \
		    sizeof(uint64_t), true                                                         \
	}
#define SESSION_FIELD(member, kind) RECORD_FIELD(struct session, member, kind)

static const struct record_field state_fields[] = {
    STATE_FIELD(user, RECORD_TEXT),
    STATE_FIELD(account, RECORD_TEXT),
    UPLINK_FIELD("uid", uid, RECORD_NUMBER),
    UPLINK_FIELD("gid", gid, RECORD_NUMBER),
    STATE_FIELD(profile, RECORD_TEXT),
    STATE_FIELD(network, RECORD_TEXT),
    STATE_FIELD(netns, RECORD_TEXT),
    UPLINK_FIELD("bridge", bridge, RECORD_TEXT),
    UPLINK_FIELD("interface", port, RECORD_TEXT),
    UPLINK_FIELD("ifindex", ifindex, RECORD_NUMBER),
    UPLINK_FIELD("address", address, RECORD_ADDRESS),
    UPLINK_FIELD("address6", address6, RECORD_ADDRESS),
    UPLINK_FIELD("mac", mac, RECORD_MAC),
    STATE_FIELD(hostname, RECORD_TEXT),
    STATE_FIELD(namespaces, RECORD_NUMBER),
    STATE_FIELD(linger, RECORD_NUMBER),
    STATE_FIELD(since, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct user_state, runtime_dir, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct user_state, net_inode, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct user_state, view, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct user_state, root, RECORD_TEXT),
    LIMIT_FIELD("limit_memory", LIMIT_MEMORY),
    LIMIT_FIELD("limit_cpu", LIMIT_CPU),
    LIMIT_FIELD("limit_tasks", LIMIT_TASKS),
    LIMIT_FIELD("limit_io", LIMIT_IO),
};

/* The file's name has the leader. */
static const struct record_field session_fields[] = {
    SESSION_FIELD(service, RECORD_TEXT),
    SESSION_FIELD(tty, RECORD_TEXT),
    SESSION_FIELD(rhost, RECORD_TEXT),
    SESSION_FIELD(since, RECORD_NUMBER),
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

_Static_assert(sizeof(time_t) == 4 || sizeof(time_t) == 8, "RECORD_NUMBER takes time_t");
_Static_assert(sizeof(enum conf_linger) == 4, "RECORD_NUMBER takes enums");
_Static_assert(COUNT(state_fields) <= RECORD_FIELDS_MAX, "record.h");

static int user_folder_open(int run, uid_t uid, const char *below, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "users/%u%s", uid, below);
	return files_directory_below(run, path, flags);
}

int state_write(int run, const struct user_state *state)
{
	CLEANUP_FD int folder = state_folder_make(run, state->uplink.uid);
	int error;

	if (folder < 0)
		return folder;
	state_folder_share(folder, state->uplink.uid);
	error = record_write(folder, STATE_NAME, state_fields, COUNT(state_fields), state);
	return error ? log_errno(-error, "write %s/%u/state", USERS_DIR, state->uplink.uid) : 0;
}

/* Checks what the form does not show: strings end, enums are in range, the uid is the folder's. */
static bool state_is_sound(const struct user_state *state, uid_t uid)
{
	return state->uplink.uid == uid && !(state->namespaces & ~NAMESPACES_ALL) &&
	       state->linger <= LINGER_NO;
}

static int state_read_file(int run, uid_t uid, struct user_state *out)
{
	char text[STATE_FILE_MAX];
	char path[64];
	ssize_t length;
	struct stat st;
	int error;

	snprintf(path, sizeof(path), "users/%u/" STATE_NAME, uid);
	length = files_read_below(run, path, text, sizeof(text));
	if (length == -ENOENT)
		return -ENOENT;
	/* It is no file of ours, or incomplete: equally unusable. */
	if (length == -EFBIG || (length < 0 && fstatat(run, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				 !S_ISREG(st.st_mode)))
		return -EBADMSG;
	if (length < 0)
		return (int)length;
	error = record_parse(state_fields, COUNT(state_fields), text, (size_t)length, out);
	if (!error && !state_is_sound(out, uid))
		error = -EBADMSG;
	return error;
}

int state_read(int run, uid_t uid, struct user_state *out)
{
	int error;

	*out = (struct user_state){0};
	error = state_read_file(run, uid, out);
	if (!error)
		return 0;
	*out = (struct user_state){0};
	if (error == -ENOENT)
		return error;
	if (error == -ELOOP || error == -ENOTDIR)
		error = -EBADMSG; /* no folder */
	return log_errno(-error, "read %s/%u/state", USERS_DIR, uid);
}

int state_remove(int run, uid_t uid)
{
	CLEANUP_FD int users = files_directory_below(run, "users", O_PATH);
	char name[16];
	int error;

	if (users == -ENOENT)
		return 0;
	snprintf(name, sizeof(name), "%u", uid);
	error = users < 0 ? users : files_remove_tree(users, name);
	return error ? log_errno(-error, "remove %s/%u", USERS_DIR, uid) : 0;
}

/* Makes room for one more element of an array that grows by ARRAY_GROWTH. */
static bool array_grow(void **array, size_t count, size_t size)
{
	void *grown;

	if (count % ARRAY_GROWTH)
		return true;
	grown = reallocarray(*array, count + ARRAY_GROWTH, size);
	if (grown)
		*array = grown;
	return grown != NULL;
}

static int uid_compare(const void *a, const void *b)
{
	const uid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Takes over fd. */
static int uids_collect(int fd, uid_t **uids, size_t *count)
{
	CLEANUP_DIR DIR *stream = fdopendir(fd);
	const struct dirent *entry;
	uid_t uid;

	if (!stream) {
		int error = -errno;

		close(fd);
		return error;
	}
	while (errno = 0, entry = readdir(stream)) {
		if (!uid_parse(entry->d_name, &uid))
			continue;
		if (!array_grow((void **)uids, *count, sizeof(uid)))
			return -ENOMEM;
		(*uids)[(*count)++] = uid;
	}
	return -errno;
}

int state_list(int run, uid_t **uids, size_t *count)
{
	int fd = files_directory_below(run, "users", O_RDONLY), error;

	*uids = NULL;
	*count = 0;
	if (fd == -ENOENT)
		return 0;
	error = fd < 0 ? fd : uids_collect(fd, uids, count);
	if (error) {
		free(*uids);
		*uids = NULL;
		*count = 0;
		return log_errno(-error, "list %s", USERS_DIR);
	}
	if (*count)
		qsort(*uids, *count, sizeof(**uids), uid_compare);
	return 0;
}

static void session_name(const struct process *leader, char name[SESSION_NAME_MAX])
{
	snprintf(name, SESSION_NAME_MAX, "%d.%llu", (int)leader->pid, leader->start);
}

static bool session_name_parse(const char *name, struct process *out)
{
	char text[SESSION_NAME_MAX], *end;
	unsigned long pid;

	if (*name < '1' || *name > '9')
		return false;
	errno = 0;
	pid = strtoul(name, &end, 10);
	if (errno || *end != '.' || pid > INT_MAX)
		return false;
	*out = (struct process){.pid = (pid_t)pid, .start = strtoull(end + 1, NULL, 10)};
	session_name(out, text);
	return !strcmp(text, name);
}

int session_add(int run, uid_t uid, const struct session *session)
{
	CLEANUP_FD int sessions = state_folder_sessions(run, uid);
	char name[SESSION_NAME_MAX];
	int error;

	if (sessions < 0)
		return sessions;
	session_name(&session->leader, name);
	error = record_write(sessions, name, session_fields, COUNT(session_fields), session);
	return error ? log_errno(-error, "write %s/%u/sessions/%s", USERS_DIR, uid, name) : 0;
}

static int session_unlink(int sessions, uid_t uid, const struct process *leader)
{
	char name[SESSION_NAME_MAX];

	session_name(leader, name);
	if (!unlinkat(sessions, name, 0))
		return 0;
	if (errno == ENOENT)
		return -ENOENT;
	if (errno == EISDIR && !files_remove_tree(sessions, name))
		return 0;
	return log_errno(errno, "remove %s/%u/sessions/%s", USERS_DIR, uid, name);
}

int session_remove(int run, uid_t uid, const struct process *leader)
{
	CLEANUP_FD int sessions = user_folder_open(run, uid, "/sessions", O_PATH);

	if (sessions == -ENOENT)
		return -ENOENT;
	if (sessions < 0)
		return log_errno(-sessions, "open %s/%u/sessions", USERS_DIR, uid);
	return session_unlink(sessions, uid, leader);
}

/* Calls each() for the leader of every record until it fails. *sessions is the open folder. */
static int sessions_walk(int run, uid_t uid,
			 int each(void *context, int sessions, const struct process *leader),
			 void *context)
{
	int fd = user_folder_open(run, uid, "/sessions", O_RDONLY), error = 0;
	CLEANUP_DIR DIR *stream = NULL;
	const struct dirent *entry;
	struct process leader;

	/* If it is no folder, it holds no records. */
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP
			   ? 0
			   : log_errno(-fd, "open %s/%u/sessions", USERS_DIR, uid);
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while (!error && (errno = 0, entry = readdir(stream))) {
		if (session_name_parse(entry->d_name, &leader))
			error = each(context, dirfd(stream), &leader);
	}
	return error || !errno ? error : log_errno(errno, "list %s/%u/sessions", USERS_DIR, uid);
}

struct session_array {
	struct session *sessions;
	size_t count;
};

/* -ENOENT: it was removed meanwhile. Torn: only the leader is known. */
static int session_read(int sessions, const struct process *leader, struct session *out)
{
	char name[SESSION_NAME_MAX], text[STATE_FILE_MAX];
	ssize_t length;

	session_name(leader, name);
	*out = (struct session){.leader = *leader};
	length = files_read(sessions, name, text, sizeof(text));
	if (length == -ENOENT)
		return -ENOENT;
	if (length < 0 ||
	    record_parse(session_fields, COUNT(session_fields), text, (size_t)length, out))
		*out = (struct session){.leader = *leader};
	return 0;
}

static int session_collect(void *context, int sessions, const struct process *leader)
{
	struct session_array *array = context;

	if (!array_grow((void **)&array->sessions, array->count, sizeof(*array->sessions)))
		return -ENOMEM;
	if (!session_read(sessions, leader, &array->sessions[array->count]))
		array->count++;
	return 0;
}

/* Ordered by the leader's age: torn records have it too, and no change of the clock moves it. */
static int session_compare(const void *a, const void *b)
{
	const struct process *x = &((const struct session *)a)->leader;
	const struct process *y = &((const struct session *)b)->leader;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int session_list(int run, uid_t uid, struct session **sessions, size_t *count)
{
	struct session_array array = {0};
	int error = sessions_walk(run, uid, session_collect, &array);

	*sessions = NULL;
	*count = 0;
	if (error) {
		free(array.sessions);
		return error;
	}
	if (array.count)
		qsort(array.sessions, array.count, sizeof(*array.sessions), session_compare);
	*sessions = array.sessions;
	*count = array.count;
	return 0;
}

struct pruning {
	int proc;
	uid_t uid;
	bool live;
	int error; /* the first error; the other records are still read */
};

/*
 * Stops at the first live leader: if a thousand sessions end at once, each must not read
 * all others. A leader that cannot be checked counts as live, because its namespaces
 * must not be removed.
 */
static int session_prune_one(void *context, int sessions, const struct process *leader)
{
	struct pruning *pruning = context;
	int error;

	pruning->live = !process_gone(pruning->proc, leader);
	if (pruning->live)
		return 1;
	error = session_unlink(sessions, pruning->uid, leader);
	if (error != -ENOENT && !pruning->error)
		pruning->error = error;
	return 0;
}

int session_prune(int run, int proc, uid_t uid, bool *live)
{
	struct pruning pruning = {.proc = proc, .uid = uid};
	int error = sessions_walk(run, uid, session_prune_one, &pruning);

	*live = pruning.live;
	return error < 0 ? error : pruning.error;
}
