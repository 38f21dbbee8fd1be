/* members.c: who is in which namespaces. */
#ifndef PAM_NETNS_MEMBERS_H
#define PAM_NETNS_MEMBERS_H

#include "helper.h"

/*
 * All processes of the host but the caller, by the namespaces that they are in, and if asked for by
 * the user who made the user namespace that they are in.
 */
struct census {
	struct census_entry {
		uint64_t key; /* the inode of a namespace, or MEMBERS_OF a uid */
		pid_t pid;
	} * entries; /* sorted by key */
	size_t count, size;
	bool owners;	       /* as asked for */
	uint64_t initial_user; /* inode of the host's user namespace */
};
#define MEMBERS_OF(uid) (UINT64_C(1) << 63 | (uid))
#define MEMBERS_KEYS	(NAMESPACE_KINDS + 1) /* a namespace of each kind, and the user */
#define CLEANUP_CENSUS	__attribute__((cleanup(census_free)))
void census_free(struct census *census);
/* Scans the whole procfs: never while a caller waits. */
int census_take(const struct host *host, bool owners, struct census *out) MUST_CHECK;

/*
 * Processes in any of the namespaces of a user's pins; one may stand there several times. owned:
 * also those that left them all for namespaces of the user's own making (unshare -Urmnu, a
 * container). Those keep no network, but are to end where it does.
 */
struct members {
	pid_t *pids;
	size_t count;
	uint64_t keys[MEMBERS_KEYS]; /* what they were found by, 0: nothing */
	uint64_t initial_user;
};
#define CLEANUP_MEMBERS __attribute__((cleanup(members_free)))
void members_free(struct members *members);
int members_find(const struct census *census, uid_t uid, bool owned,
		 struct members *out) MUST_CHECK;

/*
 * Whether that number is still one of them. Asked with a pidfd of it open: if so, the pidfd is that
 * process's, or of one that has ended, and not of a stranger that was given the number since.
 */
bool member_there(const struct host *host, const struct members *members, pid_t pid);

#endif
