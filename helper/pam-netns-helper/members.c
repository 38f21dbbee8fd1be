/*
 * Processes in users' namespaces: found in the host's procfs, never remembered.
 *
 * One reading of the process list serves all users, so a thousand logouts do not cost a thousand
 * readings. A process that forks during the reading may be missed; a caller that acts on "none"
 * must read twice.
 */
#include "members.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ns/pins.h"

#define TASK_LINKS 2 /* links of the folder of a process's threads, besides one for each thread */

void process_list_free(struct process_list *processes)
{
	free(processes->entries);
	*processes = (struct process_list){0};
}

static int entry_compare(const void *a, const void *b)
{
	const struct process_list_entry *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Most threads are in the same namespaces as the thread before: remember them once. */
static bool entry_repeated(const struct process_list *processes, uint64_t key, pid_t pid)
{
	for (size_t i = 1; i <= MEMBERS_KEYS && i <= processes->count; i++) {
		const struct process_list_entry *entry = &processes->entries[processes->count - i];

		if (entry->key == key && entry->pid == pid)
			return true;
	}
	return false;
}

static int entry_add(struct process_list *processes, uint64_t key, pid_t pid)
{
	if (entry_repeated(processes, key, pid))
		return 0;
	if (processes->count == processes->size) {
		size_t size = processes->size * 2 + 64;
		struct process_list_entry *more =
		    reallocarray(processes->entries, size, sizeof(*processes->entries));

		if (!more)
			return -ENOMEM;
		processes->entries = more;
		processes->size = size;
	}
	processes->entries[processes->count++] =
	    (struct process_list_entry){.key = key, .pid = pid};
	return 0;
}

/*
 * Finds the uid that made the outermost user namespace around a task, whatever uids the task has
 * there. False: the task is in the host's user namespace.
 */
static bool owner_find(const struct host *host, const char *task, uint64_t initial, uid_t *uid)
{
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "%s/ns/user", task);
	if (fstatat(host->proc, path, &st, 0) < 0 || st.st_ino == initial)
		return false;
	CLEANUP_FD int user = openat(host->proc, path, O_RDONLY | O_CLOEXEC);

	while (user >= 0) {
		int parent = ioctl(user, NS_GET_PARENT);

		if (parent >= 0 && fstat(parent, &st) == 0 && st.st_ino == initial) {
			close(parent);
			return ioctl(user, NS_GET_OWNER_UID, uid) == 0;
		}
		close(user);
		user = parent;
	}
	return false;
}

static bool gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* A task that has ended, or hides from us, is in no namespace. The task is PID or PID/task/TID. */
static int task_enter(const struct host *host, const char *task, pid_t pid,
		      struct process_list *processes)
{
	int result = 0;
	uid_t owner;

	for (int i = 0; i < NAMESPACE_KINDS && result == 0; i++) {
		char path[96];
		struct stat st;

		if (!(processes->kinds & namespace_kinds[i].bit))
			continue;
		snprintf(path, sizeof(path), "%s/ns/%s", task, namespace_kinds[i].name);
		if (fstatat(host->proc, path, &st, 0) == 0)
			result = entry_add(processes, st.st_ino, pid);
		else if (!gone(errno) && errno != EACCES && errno != EPERM)
			result = log_errno(errno, "look at process %d", pid);
	}
	if (result == 0 && processes->owners &&
	    owner_find(host, task, processes->initial_user, &owner))
		result = entry_add(processes, MEMBERS_OF(owner), pid);
	return result;
}

static int threads_enter(const struct host *host, const char *tasks, pid_t pid,
			 struct process_list *processes)
{
	CLEANUP_FD int fd = openat(host->proc, tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char path[64];
	int result = 0;

	if (!dir)
		return gone(errno) ? 0 : log_errno(errno, "list the threads of process %d", pid);
	(void)steal_fd(&fd);
	while (result == 0 && (errno = 0, entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%.32s/%.20s", tasks, entry->d_name);
		if (entry->d_name[0] != '.')
			result = task_enter(host, path, pid, processes);
	}
	if (result == 0 && errno && !gone(errno))
		result = log_errno(errno, "list the threads of process %d", pid);
	return result;
}

/*
 * Each thread has namespaces of its own, and /proc/PID/ns shows only the first thread's. That
 * thread may have left the user's namespaces, or have ended, while others stay (T37). Threads are
 * counted after the reading of the first one: if there is one thread then, no other was missed.
 */
static int process_enter(const struct host *host, const char *pid, struct process_list *processes)
{
	char tasks[32];
	struct stat st;
	int result = task_enter(host, pid, atoi(pid), processes);

	snprintf(tasks, sizeof(tasks), "%.20s/task", pid);
	if (result < 0)
		return result;
	if (fstatat(host->proc, tasks, &st, 0) < 0)
		return gone(errno) ? 0 : log_errno(errno, "look at process %s", pid);
	return st.st_nlink == TASK_LINKS + 1 ? 0 : threads_enter(host, tasks, atoi(pid), processes);
}

int process_list_read(const struct host *host, unsigned kinds, bool owners,
		      struct process_list *out)
{
	CLEANUP_FD int fd = openat(host->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	pid_t self = host->self ?: getpid();
	struct dirent *entry;
	struct stat user;
	int result = 0;

	*out = (struct process_list){.kinds = kinds ?: NAMESPACES_ALL, .owners = owners};
	if (!dir || fstatat(host->proc, "1/ns/user", &user, 0) < 0)
		return log_errno(errno, "list the host's processes");
	(void)steal_fd(&fd);
	out->initial_user = user.st_ino;
	while (result == 0 && (errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    atoi(entry->d_name) != self)
			result = process_enter(host, entry->d_name, out);
	if (result == 0 && errno)
		result = log_errno(errno, "list the host's processes");
	if (result < 0)
		process_list_free(out);
	else if (out->count)
		qsort(out->entries, out->count, sizeof(*out->entries), entry_compare);
	return result;
}

/* The inodes of a user's pins, 0 if there is none. Only nsfs has them, so they are unique. */
static int pins_inodes(uid_t uid, unsigned kinds, uint64_t inodes[NAMESPACE_KINDS])
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		CLEANUP_NAMESPACES struct namespaces pins;
		struct stat st;
		int result = kinds & namespace_kinds[i].bit
				 ? pins_open(uid, namespace_kinds[i].bit, &pins)
				 : (namespaces_init(&pins), -ENOENT);

		inodes[i] = 0;
		if (result == -ENOENT)
			continue;
		if (result < 0)
			return result;
		if (fstat(pins.fd[i], &st) < 0)
			return log_errno(errno, "look at a pin");
		inodes[i] = st.st_ino;
	}
	return 0;
}

void members_free(struct members *members)
{
	free(members->pids);
	*members = (struct members){0};
}

/* The entries with this key; *count is their number. */
static const struct process_list_entry *entries_find(const struct process_list *processes,
						     uint64_t key, size_t *count)
{
	const struct process_list_entry wanted = {.key = key},
					*end = processes->entries + processes->count;
	const struct process_list_entry *entry =
	    processes->count ? bsearch(&wanted, processes->entries, processes->count,
				       sizeof(wanted), entry_compare)
			     : NULL;

	*count = 0;
	if (!entry)
		return NULL;
	while (entry > processes->entries && entry[-1].key == key)
		entry--;
	while (entry + *count < end && entry[*count].key == key)
		++*count;
	return entry;
}

static int members_add(struct members *members, const struct process_list *processes, uint64_t key)
{
	size_t count;
	const struct process_list_entry *entries = entries_find(processes, key, &count);
	pid_t *more;

	if (!count)
		return 0;
	more = reallocarray(members->pids, members->count + count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	members->pids = more;
	for (size_t i = 0; i < count; i++)
		if (entries[i].pid != members->init)
			more[members->count++] = entries[i].pid;
	return 0;
}

int members_find(const struct host *host, const struct process_list *processes, uid_t uid,
		 bool owned, struct members *out)
{
	struct process init;
	bool in = false;
	int result;

	*out = (struct members){.initial_user = processes->initial_user};
	result = pins_inodes(uid, processes->kinds, out->keys);
	if (out->keys[KIND_PID] && pins_init_read(uid, &init) == 0 &&
	    process_alive(host->proc, &init))
		out->init = init.pid;
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		in |= out->keys[i] != 0;
	/* Root and other users who are not isolated have no members. */
	if (in && owned)
		out->keys[NAMESPACE_KINDS] = MEMBERS_OF(uid);
	for (int i = 0; i < MEMBERS_KEYS && result == 0; i++)
		if (out->keys[i])
			result = members_add(out, processes, out->keys[i]);
	if (result < 0)
		members_free(out);
	return result;
}

bool member_there(const struct host *host, const struct members *members, pid_t pid)
{
	CLEANUP_PROCESS_LIST struct process_list now = {
	    .owners = members->keys[NAMESPACE_KINDS] != 0, .initial_user = members->initial_user};
	char name[16];

	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if (members->keys[i])
			now.kinds |= namespace_kinds[i].bit;
	snprintf(name, sizeof(name), "%d", pid);
	if (process_enter(host, name, &now) < 0)
		return false;
	for (size_t i = 0; i < now.count; i++)
		for (int k = 0; k < MEMBERS_KEYS; k++)
			if (now.entries[i].key == members->keys[k])
				return true;
	return false;
}
