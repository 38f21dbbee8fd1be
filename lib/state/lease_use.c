/* The last uses of leases; see lease_use.h. */
#include "state/lease_use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uid.h"

#define ABSENT	      ".absent"
#define LOOKED	      ABSENT "/looked"
#define LINK_PATH_MAX 128
#define GROWTH	      256

int lease_links_open(int leases, const char *path, DIR **out)
{
	int fd = openat(leases, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*out = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(errno, "open %s/%s", LEASES_DIR, path);
	*out = fdopendir(fd);
	if (*out)
		return 0;
	close(fd);
	return log_errno(ENOMEM, "list %s/%s", LEASES_DIR, path);
}

void lease_used(const char *network, uid_t uid)
{
	char path[sizeof(LEASES_DIR) + LINK_PATH_MAX];

	snprintf(path, sizeof(path), LEASES_DIR "/%s/uid/%u", network, uid);
	if (utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		log_debug("cannot note that %s was used: %s", path, strerror(errno));
}

/* The time of modification; 0: it does not exist. */
static time_t link_time(int leases, const char *path)
{
	struct stat st;

	return fstatat(leases, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtime : 0;
}

void lease_used_again(int leases, const char *network, uid_t uid, time_t older_s)
{
	char path[LINK_PATH_MAX];
	time_t used;

	snprintf(path, sizeof(path), "%s/uid/%u", network, uid);
	used = link_time(leases, path);
	/* A time in the future comes from a wrong clock. */
	if (used && (used > time(NULL) || used < time(NULL) - older_s))
		lease_used(network, uid);
}

static int use_compare(const void *a, const void *b)
{
	const struct lease_use *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int uses_collect(DIR *stream, struct lease_use **uses, size_t *count)
{
	const struct dirent *entry;
	struct lease_use *grown;
	struct stat st;
	uid_t uid;

	while (errno = 0, entry = readdir(stream)) {
		if (!uid_parse(entry->d_name, &uid) ||
		    fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (*count % GROWTH == 0) {
			grown = reallocarray(*uses, *count + GROWTH, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			*uses = grown;
		}
		(*uses)[(*count)++] = (struct lease_use){uid, st.st_mtime};
	}
	return -errno;
}

/* The links in a folder with a uid as name, the oldest first; none if the folder is missing. */
static int uses_list(int leases, const char *path, struct lease_use **uses, size_t *count)
{
	CLEANUP_DIR DIR *stream = NULL;
	int error = lease_links_open(leases, path, &stream);

	*uses = NULL;
	*count = 0;
	if (!stream)
		return error;
	error = uses_collect(stream, uses, count);
	if (error)
		return log_errno(-error, "list %s/%s", LEASES_DIR, path);
	if (*count)
		qsort(*uses, *count, sizeof(**uses), use_compare);
	return 0;
}

int lease_uses(int leases, const char *network, struct lease_use **uses, size_t *count)
{
	char path[LINK_PATH_MAX];

	snprintf(path, sizeof(path), "%s/uid", network);
	return uses_list(leases, path, uses, count);
}

int lease_count(int leases, const char *network, const struct prefix *subnet, uint32_t *leased,
		uint32_t *all)
{
	char path[LINK_PATH_MAX];
	CLEANUP_DIR DIR *stream = NULL;
	const struct dirent *entry;
	struct address address;
	int error;

	*leased = 0;
	*all = prefix_last_offset(subnet) < 2 ? 0 : prefix_last_offset(subnet) - 1;
	snprintf(path, sizeof(path), "%s/address", network);
	error = lease_links_open(leases, path, &stream);
	if (!stream)
		return error;
	while (errno = 0, entry = readdir(stream))
		*leased += address_parse(entry->d_name, &address) == 0 &&
			   prefix_contains(subnet, &address);
	return errno ? log_errno(errno, "list %s/%s", LEASES_DIR, path) : 0;
}

int lease_absent(int leases, struct lease_use **absent, size_t *count)
{
	return uses_list(leases, ABSENT, absent, count);
}

time_t lease_looked(int leases)
{
	return link_time(leases, LOOKED);
}

static int absent_make(int leases, const char *path)
{
	CLEANUP_FD int folder = files_make_dir(leases, ABSENT, 0755);

	if (folder < 0)
		return log_errno(-folder, "make the folder %s/%s", LEASES_DIR, ABSENT);
	if (symlinkat("absent", leases, path) < 0 && errno != EEXIST)
		return log_errno(errno, "make %s/%s", LEASES_DIR, path);
	return 0;
}

int lease_absent_set(int leases, uid_t uid, bool absent)
{
	char path[LINK_PATH_MAX];

	snprintf(path, sizeof(path), ABSENT "/%u", uid);
	if (absent)
		return absent_make(leases, path);
	if (unlinkat(leases, path, 0) < 0 && errno != ENOENT)
		return log_errno(errno, "remove %s/%s", LEASES_DIR, path);
	return 0;
}

int lease_looked_set(int leases)
{
	int error = absent_make(leases, LOOKED);

	if (!error && utimensat(leases, LOOKED, NULL, AT_SYMLINK_NOFOLLOW) < 0)
		error = log_errno(errno, "note the time of %s/%s", LEASES_DIR, LOOKED);
	return error;
}

int lease_absent_forget(int leases)
{
	int error = files_remove_tree(leases, ABSENT);

	return error ? log_errno(-error, "remove %s/%s", LEASES_DIR, ABSENT) : 0;
}
