/* members.c: the processes in each namespace. */
#ifndef PAM_NETNS_MEMBERS_H
#define PAM_NETNS_MEMBERS_H

#include "helper.h"

/*
 * All processes of the host except the caller, by the namespaces that they are in; on request also
 * by the user who made their user namespace.
 */
struct process_list {
	struct process_list_entry {
		uint64_t key; /* the inode of a namespace, or MEMBERS_OF a uid */
		pid_t pid;
	} * entries; /* sorted by key */
	size_t count, size;
	unsigned kinds;	       /* as requested, enum namespace_bit */
	bool owners;	       /* as requested */
	uint64_t initial_user; /* inode of the host's user namespace */
};
#define MEMBERS_OF(uid)	     (UINT64_C(1) << 63 | (uid))
#define MEMBERS_KEYS	     (NAMESPACE_KINDS + 1) /* a namespace of each kind, and the user */
#define CLEANUP_PROCESS_LIST __attribute__((cleanup(process_list_free)))
void process_list_free(struct process_list *processes);
/* Reads the whole process list. Never while a caller waits. kinds: those that a user in question
 * has; each costs a system call for each process. 0: unknown. */
int process_list_read(const struct host *host, unsigned kinds, bool owners,
		      struct process_list *out) MUST_CHECK;

/*
 * The processes in any of the namespaces of a user's pins; a process may be listed several times.
 * owned: also those that left them all for namespaces that the user made (unshare -Urmnu, a
 * container). These keep no network, but must end with it.
 */
struct members {
	pid_t *pids;
	size_t count;
	pid_t init;		     /* process 1 of the PID namespace, which is none of them */
	uint64_t keys[MEMBERS_KEYS]; /* the keys that found them, 0: none */
	uint64_t initial_user;
};
#define CLEANUP_MEMBERS __attribute__((cleanup(members_free)))
void members_free(struct members *members);
int members_find(const struct host *host, const struct process_list *processes, uid_t uid,
		 bool owned, struct members *out) MUST_CHECK;

/*
 * Is the process with this number still one of them? Open a pidfd of it before this call.
 * Then the pidfd is that process, or one that has ended, but never another process that
 * got the number since.
 */
bool member_there(const struct host *host, const struct members *members, pid_t pid);

#endif
