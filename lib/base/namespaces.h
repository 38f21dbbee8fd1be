/*
 * The kinds of namespaces that a user can have of their own, and a set of descriptors of them.
 *
 * The table's order is the order of joining: the mount namespace is the last, because afterwards
 * paths mean the user's files. A process that joins a PID namespace stays outside of it; its
 * children are inside. Of a time namespace that is so for the process that makes it. A further kind
 * is a constant, a bit and a row. pam-netns-enter, which is setuid, has a table of its own.
 */
#ifndef PAM_NETNS_NAMESPACES_H
#define PAM_NETNS_NAMESPACES_H

#include "base/cleanup.h"

#define NAMESPACE_NAME_MAX 16 /* bytes of a kind's name, with its NUL */

enum namespace_kind {
	KIND_NET,
	KIND_UTS,
	KIND_IPC,
	KIND_TIME,
	KIND_CGROUP,
	KIND_PID,
	KIND_MNT,
	NAMESPACE_KINDS
};

/* A set of kinds. Users' records hold it as a number, so the bits never change. */
enum namespace_bit {
	NAMESPACE_NET = 1 << 0,
	NAMESPACE_UTS = 1 << 1,
	NAMESPACE_MNT = 1 << 2,
	NAMESPACE_IPC = 1 << 3,
	NAMESPACE_PID = 1 << 4,
	NAMESPACE_TIME = 1 << 5,
	NAMESPACE_CGROUP = 1 << 6,
};
#define NAMESPACES_ALL	 ((1U << NAMESPACE_KINDS) - 1)
#define NAMESPACES_FIRST (NAMESPACE_NET | NAMESPACE_UTS | NAMESPACE_MNT) /* of the first versions */

extern const struct namespace_row {
	const char *name;  /* of the file in /proc/PID/ns, of the pin, in the conf file and texts */
	const char *title; /* for people */
	const char *made;  /* the file in /proc/self/ns that unshare(2) changes */
	const char *joined; /* the file in /proc/PID/ns by which a join is verified */
	int clone_flag;	    /* CLONE_NEWNET, … */
	unsigned bit;	    /* enum namespace_bit */
} namespace_kinds[NAMESPACE_KINDS];

/* The kind with that name; NAMESPACE_KINDS if there is none. */
enum namespace_kind namespace_find(const char *name);
#define NAMESPACES_TEXT_MAX (NAMESPACE_KINDS * (NAMESPACE_NAME_MAX + 1))
/* The names of a set, such as "net uts mnt"; returns text. */
const char *namespaces_text(unsigned set, char text[NAMESPACES_TEXT_MAX]);
/* Moves this process into a new namespace. Logs errors. */
int namespace_unshare(enum namespace_kind kind) MUST_CHECK;
/* Opens that new namespace. Logs errors. */
int namespace_open_made(enum namespace_kind kind) MUST_CHECK;
/* Opens PID 1's. -ENOENT, which is not logged: this kernel has no such kind. Logs other errors. */
int namespace_open_host(int proc, enum namespace_kind kind) MUST_CHECK;
/* Opens the namespace of a process ("self" or a number below proc). Logs errors. */
int namespace_open(int proc, const char *process, enum namespace_kind kind) MUST_CHECK;

/* Descriptors by kind; -1: none. */
struct namespaces {
	int fd[NAMESPACE_KINDS];
};

void namespaces_init(struct namespaces *namespaces);
void namespaces_close(struct namespaces *namespaces);
#define CLEANUP_NAMESPACES __attribute__((cleanup(namespaces_close)))

#endif
