/*
 * Finds the uids that have a lease but belong to no user any more. Only name services can tell, and
 * the helper has none, so the command asks them: once a day, and only for leases that have been
 * unused for long. See lease_use.h.
 */
#include "absent.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "state/lease_use.h"
#include "base/log.h"
#include "base/paths.h"

/* 1: no user has the uid; 0: a user has it; -errno: name services cannot answer now. */
static int uid_absent(uid_t uid)
{
	char text[4096];
	struct passwd entry, *found = NULL;
	int error = getpwuid_r(uid, &entry, text, sizeof(text), &found);

	/* ERANGE: the entry exists, and is longer than text. */
	if (error && error != ERANGE)
		return -error;
	return !error && !found;
}

/* Checks the uids that have not used their lease of this network for long. */
static int network_look(int leases, const char *network)
{
	CLEANUP_FREE struct lease_use *uses = NULL;
	time_t old = time(NULL) - LEASE_KEPT_S;
	size_t count;
	int result = lease_uses(leases, network, &uses, &count);

	for (size_t i = 0; i < count && result == 0 && uses[i].time <= old; i++) {
		int absent = uid_absent(uses[i].uid);

		if (absent < 0)
			return log_errno(-absent,
					 "find out whether a user has uid %u, to free its lease: "
					 "name services fail",
					 uses[i].uid);
		result = lease_absent_set(leases, uses[i].uid, absent);
	}
	return result;
}

static int networks_look(int leases)
{
	CLEANUP_DIR DIR *stream = fdopendir(openat(leases, ".", O_RDONLY | O_CLOEXEC));
	const struct dirent *entry;
	int result = stream ? 0 : -errno;

	while (stream && result == 0 && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			result = network_look(leases, entry->d_name);
	return result;
}

/* Removes the mark of a uid that has a user again. */
static int absent_prune(int leases)
{
	CLEANUP_FREE struct lease_use *absent = NULL;
	size_t count;
	int result = lease_absent(leases, &absent, &count);

	for (size_t i = 0; i < count && result == 0; i++)
		if (uid_absent(absent[i].uid) == 0)
			result = lease_absent_set(leases, absent[i].uid, false);
	return result;
}

void absent_look(void)
{
	CLEANUP_FD int leases = open(LEASES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	time_t now = time(NULL), looked = leases < 0 ? now : lease_looked(leases);

	if (leases < 0 || (looked <= now && looked > now - LEASE_LOOK_S))
		return;
	/* After a failure, the next day's run begins anew. */
	if (networks_look(leases) < 0 || absent_prune(leases) < 0)
		(void)!lease_absent_forget(leases);
	(void)!lease_looked_set(leases);
}
