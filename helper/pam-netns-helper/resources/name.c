/*
 * The name: /run/netns/NAME, a symbolic link to the pin of the network namespace, for ip-netns(8).
 */
#include "../resource.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "state/lock.h"

#define NAME_PATH_MAX (sizeof(NETNS_DIR "/") + NAME_MAX)
#define TARGET_MAX    sizeof(PINS_DIR "/4294967295/net")

/* Is it a link to this uid's pin? */
static bool name_ours(const char *path, uid_t uid)
{
	char target[TARGET_MAX], there[TARGET_MAX];
	ssize_t length = readlink(path, there, sizeof(there));
	int expected = snprintf(target, sizeof(target), PINS_DIR "/%u/net", uid);

	return length == expected && memcmp(there, target, (size_t)length) == 0;
}

static void name_path(const char *name, char path[NAME_PATH_MAX])
{
	snprintf(path, NAME_PATH_MAX, "%s/%s", NETNS_DIR, name);
}

/* A name that another program has taken is not replaced. */
int netns_name_make(const struct user *user)
{
	char path[NAME_PATH_MAX], target[TARGET_MAX];

	name_path(user->state.netns, path);
	snprintf(target, sizeof(target), PINS_DIR "/%u/net", user->uid);
	if (symlink(target, path) == 0)
		return 0;
	if (errno == ENOENT) {
		if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
			return log_errno(errno, "make %s", NETNS_DIR);
		if (symlink(target, path) == 0)
			return 0;
	}
	if (errno != EEXIST)
		return log_errno(errno, "make %s", path);
	if (name_ours(path, user->uid))
		return 0; /* an interrupted login made it */
	log_error("%s exists and is not ours: another program made a network namespace of that "
		  "name (ip netns del %s removes it)",
		  path, user->state.netns);
	return -EEXIST;
}

static int name_make(struct user *user)
{
	return netns_name_make(user);
}

static int name_remove(const char *name, uid_t uid)
{
	char path[NAME_PATH_MAX];

	name_path(name, path);
	if (name_ours(path, uid) && unlink(path) < 0 && errno != ENOENT)
		return log_errno(errno, "remove %s", path);
	return 0;
}

/* If the record does not tell the name: each link to this uid's pin. */
static int names_remove(uid_t uid)
{
	CLEANUP_DIR DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	int error = 0;

	while (dir && !error && (entry = readdir(dir)))
		if (entry->d_type == DT_LNK)
			error = name_remove(entry->d_name, uid);
	return error;
}

static int name_undo(struct user *user)
{
	if (!user->recorded)
		return names_remove(user->uid);
	return *user->state.netns ? name_remove(user->state.netns, user->uid) : 0;
}

/* The uid whose pin a link names; false: it names none. */
static bool name_uid(const char *path, uid_t *uid)
{
	char there[TARGET_MAX + 1];
	ssize_t length = readlink(path, there, sizeof(there) - 1);

	there[length > 0 ? length : 0] = '\0';
	return sscanf(there, PINS_DIR "/%u/net", uid) == 1;
}

static int name_sweep(struct host *host, const struct conf *conf)
{
	CLEANUP_DIR DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	int error = 0;

	(void)conf;
	while (dir && !error && (entry = readdir(dir))) {
		char path[NAME_PATH_MAX];
		uid_t uid;

		name_path(entry->d_name, path);
		if (entry->d_type != DT_LNK || !name_uid(path, &uid) || pins_exist(uid))
			continue;
		/* A login makes the name before the pins, under the lock. */
		error = lock_take(host->lock, host->proc, uid);
		if (!error && !pins_exist(uid))
			error = name_remove(entry->d_name, uid);
		lock_release(host->lock, uid);
	}
	return error;
}

static void name_tell(const struct user *user, FILE *out)
{
	fprintf(out, " netns=%s", user->state.netns);
}

const struct resource resource_name = {
    .name = "name",
    .make = name_make,
    .undo = name_undo,
    .sweep = name_sweep,
    .tell = name_tell,
};
