/*
 * Finds a user; see identity.h. Only this file uses NSS, and no program calls it after it has
 * joined a user's namespaces (T15).
 */
#include "call/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/characters.h"
#include "base/log.h"

#define ENTRY_MAX    (4U << 20) /* bytes of one NSS entry: a directory's group has many members */
#define ENTRY_FIRST  4096
#define GROUPS_FIRST 64
#define GROUPS_MAX   65536 /* NGROUPS_MAX: the kernel takes no more */
#define ID_NONE	     ((uid_t)-1)

/* One NSS lookup into the buffer, as getpwnam_r(3): *found is NULL if there is no entry. */
typedef int lookup(const void *key, void *entry, char *buffer, size_t size, void **found);

static int find_name(const void *key, void *entry, char *buffer, size_t size, void **found)
{
	return getpwnam_r(key, entry, buffer, size, (struct passwd **)found);
}

static int find_uid(const void *key, void *entry, char *buffer, size_t size, void **found)
{
	return getpwuid_r(*(const uid_t *)key, entry, buffer, size, (struct passwd **)found);
}

static int find_group(const void *key, void *entry, char *buffer, size_t size, void **found)
{
	return getgrnam_r(key, entry, buffer, size, (struct group **)found);
}

static int find_gid(const void *key, void *entry, char *buffer, size_t size, void **found)
{
	return getgrgid_r(*(const gid_t *)key, entry, buffer, size, (struct group **)found);
}

/* Runs it with a buffer that grows; the caller frees *buffer, which holds the entry's strings. */
static int look_up(lookup *function, const void *key, void *entry, char **buffer)
{
	for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 2) {
		char *grown = realloc(*buffer, size);
		void *found = NULL;
		int error;

		if (!grown)
			return -ENOMEM;
		*buffer = grown;
		do
			error = function(key, entry, *buffer, size, &found);
		while (error == EINTR);
		if (error == ERANGE)
			continue;
		if (found)
			return 0;
		/* The results of NSS modules for "no such entry"; see getpwnam(3). */
		if (error == 0 || error == ESRCH || error == EBADF || error == EPERM)
			return -ENOENT;
		return -error;
	}
	return -ERANGE;
}

static bool name_valid(const char *name)
{
	size_t length = strnlen(name, WHO_NAME_MAX);

	if (length == 0 || length == WHO_NAME_MAX || name[0] == '-')
		return false;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return !strpbrk(name, "/ ") && !text_has_control(name);
}

static int take_account(const char *user, struct who *who)
{
	CLEANUP_FREE char *buffer = NULL;
	struct passwd entry;
	int error;

	error = look_up(find_name, user, &entry, &buffer);
	if (error)
		return log_errno(-error, "find user %s", user);
	if (!name_valid(entry.pw_name) || entry.pw_uid == ID_NONE || entry.pw_gid == (gid_t)-1) {
		log_error("user %s: the name, uid or gid of the account is not usable", user);
		return -EINVAL;
	}
	/* Not the name that was typed: a directory may find ALICE when the conf file has alice. */
	(void)text_set(who->user, sizeof(who->user), entry.pw_name);
	who->uid = entry.pw_uid;
	who->gid = entry.pw_gid;

	error = look_up(find_uid, &who->uid, &entry, &buffer);
	if (error)
		return log_errno(-error, "find the name of uid %u", (unsigned)who->uid);
	if (!name_valid(entry.pw_name)) {
		log_error("uid %u: the name of the account is not usable", (unsigned)who->uid);
		return -EINVAL;
	}
	(void)text_set(who->account, sizeof(who->account), entry.pw_name);
	return 0;
}

/* A group without a name, or with a name that no conf file could hold, counts as its number. */
static int group_name(gid_t gid, char name[WHO_NAME_MAX])
{
	CLEANUP_FREE char *buffer = NULL;
	struct group entry;
	int error = look_up(find_gid, &gid, &entry, &buffer);

	if (error && error != -ENOENT)
		return log_errno(-error, "find the name of group %u", (unsigned)gid);
	if (error || !*entry.gr_name || !text_set(name, WHO_NAME_MAX, entry.gr_name))
		snprintf(name, WHO_NAME_MAX, "%u", (unsigned)gid);
	return 0;
}

/* Lists the groups, the primary group first. The caller frees *gids. */
static int list_gids(const char *user, gid_t primary, gid_t **gids, int *count)
{
	for (int size = GROUPS_FIRST; size <= GROUPS_MAX; size *= 2) {
		gid_t *grown = reallocarray(*gids, (size_t)size, sizeof(**gids));

		if (!grown)
			return log_errno(ENOMEM, "list the groups of %s", user);
		*gids = grown;
		*count = size;
		if (getgrouplist(user, primary, *gids, count) >= 0)
			return 0;
	}
	return log_errno(E2BIG, "list the groups of %s", user);
}

static int take_groups(struct who *who)
{
	CLEANUP_FREE gid_t *gids = NULL;
	int count = 0, error;

	error = list_gids(who->user, who->gid, &gids, &count);
	if (error)
		return error;
	for (int i = 0; i < count; i++) {
		char name[WHO_NAME_MAX];

		error = group_name(gids[i], name);
		if (error)
			return error;
		error = who_add_group(who, name);
		if (error == -E2BIG) {
			log_warning("user %s has %d groups; profiles are matched by the first %d",
				    who->user, count, i);
			break;
		}
		if (error)
			return log_errno(-error, "list the groups of %s", who->user);
	}
	strcpy(who->group, who_next_group(who, NULL));
	return 0;
}

int identity_group(const char *name, gid_t *gid)
{
	CLEANUP_FREE char *buffer = NULL;
	struct group entry;
	int error = look_up(find_group, name, &entry, &buffer);

	if (!error && entry.gr_gid == (gid_t)-1)
		error = -EINVAL;
	if (error)
		return error;
	*gid = entry.gr_gid;
	return 0;
}

int identity_home(const char *user, char **home, char **shell)
{
	CLEANUP_FREE char *buffer = NULL;
	struct passwd entry;
	int error = look_up(find_name, user, &entry, &buffer);

	if (error)
		return error;
	if (text_has_control(entry.pw_dir) || text_has_control(entry.pw_shell))
		return -EINVAL;
	*home = strdup(entry.pw_dir);
	*shell = strdup(*entry.pw_shell ? entry.pw_shell : "/bin/sh");
	return *home && *shell ? 0 : -ENOMEM;
}

int identity_resolve(const char *user, struct who *who)
{
	int error;

	who_free(who);
	if (!name_valid(user)) {
		log_error("the name of the user is empty, too long or has characters that names do "
			  "not have");
		return -EINVAL;
	}
	error = take_account(user, who);
	error = error ?: take_groups(who);
	if (error)
		who_free(who);
	return error;
}
