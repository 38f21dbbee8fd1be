/* The state of enter_test's fake kernel and its process, and the faults and lies of its calls. */
#ifndef PAM_NETNS_ENTER_WORLD_H
#define PAM_NETNS_ENTER_WORLD_H

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define USER_ID	   2003
#define GROUP_ID   2100
#define NSFS_DEV   4
#define CWD_DEV	   8
#define CWD_INODE  99
#define INODE(pin) ((ino_t)(100 + (pin)))
#define HOST_NS	   10 /* inode of each namespace before the join */
#define USER_NS	   11 /* inode of the user namespace of a network that a user owns */

enum call {
	CALL_NONE,
	CAPNG_APPLY,
	CAPGET,
	CHDIR,
	CLOSE_RANGE,
	DPRINTF,
	EXECVP,
	FCHDIR,
	FCNTL,
	FEXECVE,
	FSTAT,
	FSTATAT,
	FSTATFS,
	GETCWD,
	GETRESGID,
	GETRESUID,
	NSTYPE,
	OPEN,
	OPENAT,
	OPENAT2,
	READLINKAT,
	SETEGID,
	SETEUID,
	SETGID,
	SETNS,
	SETRESGID,
	SETRESUID,
	SETUID,
	STAT,
	USERNS,
	CALLS,
};

/* In place of an errno: the call succeeds with a wrong result. */
enum lie {
	LIE_UID = 1000,
	LIE_EUID,
	LIE_SUID,
	LIE_MODE,
	LIE_DEVICE,
	LIE_INODE,
	LIE_TYPE,
	LIE_SUCCESS, /* without effect; if the call should fail, with effect */
	LIE_PATH,
	LIE_GONE, /* the pins have been removed before this call */
};

struct fault {
	enum call call;
	int number; /* which call of the kind, from 1 */
	int error;  /* errno or a lie */
};

#define PINS   7
#define TIME   3
#define CGROUP 4
#define PID    5

enum kind { CLOSED, HOSTPROC_FD, FOLDER_FD, PIN_FD, USERNS_FD, CWD_FD, WAIT_FD };

static struct {
	struct fault fault;
	int calls[CALLS];
	bool standard[3]; /* descriptors open at the start */
	uid_t real_uid;
	uid_t uids[3];
	gid_t gids[3];
	bool capable;
	bool pinned[PINS];
	bool owned;	   /* USER_NS owns the network */
	const char *owner; /* what the folder of pins records; NULL: it does not */
	ino_t in[PINS];	   /* inode of the namespace this process is in */
	ino_t children;	   /* of the PID namespace that its children will be in */
	struct {
		enum kind kind;
		int pin;
	} fds[64];
	char cwd[16];
	char message[256];
	char *executed;
	bool waits; /* the command is to be a child */
	int status;
	jmp_buf end;
} world;

static const char *const pin_names[] = {"net", "uts", "ipc", "time", "cgroup", "pid", "mnt"};
static const int pin_types[] = {CLONE_NEWNET,	 CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWTIME,
				CLONE_NEWCGROUP, CLONE_NEWPID, CLONE_NEWNS};

/* Returns 0 if this call does its work, otherwise fault.error. */
static int call_count(enum call call)
{
	const struct fault *fault = &world.fault;

	if (++world.calls[call] != fault->number || call != fault->call)
		return 0;
	if (fault->error == LIE_GONE)
		memset(world.pinned, 0, sizeof(world.pinned));
	return fault->error == LIE_GONE ? 0 : fault->error;
}

/* -1 with errno if this call fails. */
static int call_fails(enum call call)
{
	int error = call_count(call);

	if (error == 0 || error >= LIE_UID)
		return 0;
	errno = error;
	return -1;
}

static int fd_make(enum kind kind, int pin)
{
	for (int fd = 3; fd < 64; fd++) {
		if (world.fds[fd].kind == CLOSED) {
			world.fds[fd].kind = kind;
			world.fds[fd].pin = pin;
			return fd;
		}
	}
	fail_msg("descriptors are lost");
	return -1;
}

#endif
