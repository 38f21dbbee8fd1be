/* members.c: who is in which namespaces. */
#ifndef PAM_NETNS_MEMBERS_H
#define PAM_NETNS_MEMBERS_H

#include "helper.h"

/* All processes of the host but the caller, by the network, mount and UTS namespaces they are in.
 */
struct census {
	struct census_entry {
		uint64_t inode;
		pid_t pid;
	} * entries; /* sorted by inode */
	size_t count, size;
};
#define CLEANUP_CENSUS __attribute__((cleanup(census_free)))
void census_free(struct census *census);
/* Scans the whole procfs: never while a caller waits. */
int census_take(const struct host *host, struct census *out) MUST_CHECK;

/* Processes in any of the namespaces of a user's pins; one may stand there several times. */
struct members {
	pid_t *pids;
	size_t count;
};
#define CLEANUP_MEMBERS __attribute__((cleanup(members_free)))
void members_free(struct members *members);
int members_find(const struct census *census, uid_t uid, struct members *out) MUST_CHECK;

#endif
