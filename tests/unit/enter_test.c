/*
 * The setuid program with a kernel of the test's own, in which each call can be made to fail or
 * lie: whatever happens, the command runs as nobody but the caller and in nothing but the pinned
 * namespaces, or it does not run. With make coverage: every branch of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

/* Instead of an errno: the call succeeds, but not with the truth. */
enum lie {
	LIE_UID = 1000,
	LIE_EUID,
	LIE_SUID,
	LIE_MODE,
	LIE_DEVICE,
	LIE_INODE,
	LIE_TYPE,
	LIE_SUCCESS, /* with nothing done; where failing is what is expected: with what was asked */
	LIE_PATH,
	LIE_GONE, /* the pins, before this call */
};

struct fault {
	enum call call;
	int number; /* which of them, from 1 */
	int error;  /* errno or a lie */
};

enum kind { CLOSED, HOSTPROC_FD, FOLDER_FD, PIN_FD, USERNS_FD, CWD_FD };

static struct {
	struct fault fault;
	int calls[CALLS];
	bool standard[3]; /* descriptors open at the start */
	uid_t real_uid;
	uid_t uids[3];
	gid_t gids[3];
	bool capable;
	bool pinned[3];
	ino_t in[3]; /* inode of the namespace this process is in */
	struct {
		enum kind kind;
		int pin;
	} fds[64];
	char cwd[16];
	char message[256];
	char *executed;
	int status;
	jmp_buf end;
} world;

static const char *const pin_names[] = {"net", "uts", "mnt"};
static const int pin_types[] = {CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWNS};

/* What this call is to do instead of its work: 0 nothing, else fault.error. */
static int call_count(enum call call)
{
	const struct fault *fault = &world.fault;

	if (++world.calls[call] != fault->number || call != fault->call)
		return 0;
	if (fault->error == LIE_GONE)
		memset(world.pinned, 0, sizeof(world.pinned));
	return fault->error == LIE_GONE ? 0 : fault->error;
}

/* -1 with errno where this call is to fail. */
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

/* --- the calls --- */

static void __attribute__((noreturn)) fake_exit(int status)
{
	world.status = status;
	longjmp(world.end, 1);
}

static uid_t fake_getuid(void)
{
	return world.real_uid;
}

static uid_t fake_geteuid(void)
{
	return world.uids[1];
}

static gid_t fake_getgid(void)
{
	return GROUP_ID;
}

static int fake_fcntl(int fd, int command)
{
	assert_int_equal(command, F_GETFD);
	return call_fails(FCNTL) || !world.standard[fd] ? -1 : 0;
}

static int fake_open(const char *path, int flags)
{
	int error = call_count(OPEN);

	if (strcmp(path, "/dev/null") == 0) {
		for (int fd = 0; fd < 3 && !error; fd++) {
			if (!world.standard[fd]) {
				world.standard[fd] = true;
				return fd;
			}
		}
		return -1;
	}
	assert_string_equal(path, "/run/pam-netns/hostproc/proc");
	assert_true(flags & O_NOFOLLOW);
	errno = error;
	return error ? -1 : fd_make(HOSTPROC_FD, 0);
}

static int fake_close_range(unsigned first, unsigned last, int flags)
{
	assert_int_equal(first, 3);
	assert_int_equal(last, ~0U);
	assert_int_equal(flags, 0);
	return call_fails(CLOSE_RANGE);
}

static int fake_close(int fd)
{
	assert_int_not_equal(world.fds[fd].kind, CLOSED);
	world.fds[fd].kind = CLOSED;
	return 0;
}

static int fake_openat(int parent, const char *name, int flags)
{
	if (call_fails(OPENAT))
		return -1;
	if (strcmp(name, "1/root") == 0) {
		assert_int_equal(world.fds[parent].kind, HOSTPROC_FD);
		return fd_make(FOLDER_FD, 0);
	}
	assert_int_equal(world.fds[parent].kind, FOLDER_FD);
	assert_true(flags & O_NOFOLLOW);
	for (int i = 0; i < 3; i++) {
		if (strcmp(name, pin_names[i]) == 0) {
			errno = ENOENT;
			return world.pinned[i] ? fd_make(PIN_FD, i) : -1;
		}
	}
	errno = ENOENT;
	return strcmp(name, "2003") != 0 || world.pinned[0] || world.pinned[1]
		   ? fd_make(FOLDER_FD, 0)
		   : -1;
}

static int fake_fstat(int fd, struct stat *st)
{
	int error = call_count(FSTAT);

	*st = (struct stat){.st_mode = S_IFDIR | 0755, .st_dev = NSFS_DEV};
	switch (world.fds[fd].kind) {
	case PIN_FD:
		st->st_ino = INODE(world.fds[fd].pin);
		break;
	case USERNS_FD:
		st->st_ino = HOST_NS;
		break;
	case CWD_FD:
		st->st_dev = CWD_DEV;
		st->st_ino = CWD_INODE;
		break;
	default:
		assert_int_equal(world.fds[fd].kind, FOLDER_FD);
	}
	st->st_uid = error == LIE_UID ? USER_ID : 0;
	st->st_mode |= error == LIE_MODE ? S_IWGRP : 0;
	st->st_dev += error == LIE_DEVICE;
	st->st_ino += error == LIE_INODE;
	errno = error;
	return error && error < LIE_UID ? -1 : 0;
}

static int fake_fstatfs(int fd, struct statfs *fs)
{
	int error = call_count(FSTATFS);

	assert_int_equal(world.fds[fd].kind, PIN_FD);
	fs->f_type = error == LIE_TYPE ? TMPFS_MAGIC : NSFS_MAGIC;
	errno = error;
	return error && error != LIE_TYPE ? -1 : 0;
}

static int fake_ioctl(int fd, unsigned long request)
{
	assert_int_equal(world.fds[fd].kind, PIN_FD);
	if (request == NS_GET_NSTYPE)
		return call_count(NSTYPE) ? CLONE_NEWIPC : pin_types[world.fds[fd].pin];
	assert_int_equal(request, NS_GET_USERNS);
	return call_fails(USERNS) ? -1 : fd_make(USERNS_FD, 0);
}

static int fake_fstatat(int parent, const char *path, struct stat *st, int flags)
{
	int error = call_count(FSTATAT);

	assert_int_equal(world.fds[parent].kind, HOSTPROC_FD);
	assert_int_equal(flags, 0);
	assert_int_equal(strncmp(path, "self/ns/", 8), 0);
	*st = (struct stat){.st_dev = NSFS_DEV + (error == LIE_DEVICE), .st_ino = HOST_NS};
	for (int i = 0; i < 3; i++)
		if (strcmp(path + 8, pin_names[i]) == 0)
			st->st_ino = world.in[i];
	st->st_ino += error == LIE_INODE;
	errno = error;
	return error && error < LIE_UID ? -1 : 0;
}

static int fake_setns(int fd, int type)
{
	int error = call_count(SETNS), pin = world.fds[fd].pin;

	assert_int_equal(world.fds[fd].kind, PIN_FD);
	assert_int_equal(type, pin_types[pin]);
	errno = error;
	if (error)
		return error == LIE_SUCCESS ? 0 : -1;
	world.in[pin] = INODE(pin);
	if (type == CLONE_NEWNS)
		strcpy(world.cwd, "/");
	return 0;
}

static void fake_capng_clear(capng_select_t set)
{
	assert_int_equal(set, CAPNG_SELECT_CAPS);
}

static int fake_capng_apply(capng_select_t set)
{
	int error = call_count(CAPNG_APPLY);

	assert_int_equal(set, CAPNG_SELECT_CAPS);
	if (!error)
		world.capable = false;
	return error && error != LIE_SUCCESS ? -1 : 0;
}

static int fake_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	if (call_fails(SETRESGID))
		return -1;
	memcpy(world.gids, (gid_t[]){rgid, egid, sgid}, sizeof(world.gids));
	return 0;
}

static int fake_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	if (call_fails(SETRESUID))
		return -1;
	memcpy(world.uids, (uid_t[]){ruid, euid, suid}, sizeof(world.uids));
	return 0;
}

static int ids_get(enum call call, const unsigned *ids, unsigned *r, unsigned *e, unsigned *s)
{
	int error = call_count(call);

	*r = error == LIE_UID ? 0 : ids[0];
	*e = error == LIE_EUID ? 0 : ids[1];
	*s = error == LIE_SUID ? 0 : ids[2];
	errno = error;
	return error && error < LIE_UID ? -1 : 0;
}

static int fake_getresuid(uid_t *ruid, uid_t *euid, uid_t *suid)
{
	return ids_get(GETRESUID, world.uids, ruid, euid, suid);
}

static int fake_getresgid(gid_t *rgid, gid_t *egid, gid_t *sgid)
{
	return ids_get(GETRESGID, world.gids, rgid, egid, sgid);
}

/* The ways back: true where the kernel lets the process have what it gave up. */
static int way_back(enum call call)
{
	return call_count(call) == LIE_SUCCESS ? 0 : -1;
}

static int fake_setuid(uid_t uid)
{
	assert_int_equal(uid, 0);
	return way_back(SETUID);
}

static int fake_seteuid(uid_t uid)
{
	assert_int_equal(uid, 0);
	return way_back(SETEUID);
}

static int fake_setgid(gid_t gid)
{
	assert_int_not_equal(gid, GROUP_ID);
	return way_back(SETGID);
}

static int fake_setegid(gid_t gid)
{
	assert_int_not_equal(gid, GROUP_ID);
	return way_back(SETEGID);
}

static char *fake_getcwd(char *path, size_t size)
{
	int error = call_count(GETCWD);

	snprintf(path, size, "%s", error == LIE_PATH ? "(unreachable)/work" : world.cwd);
	errno = error;
	return error && error != LIE_PATH ? NULL : path;
}

static int fake_stat(const char *path, struct stat *st)
{
	assert_string_equal(path, ".");
	*st = (struct stat){.st_dev = CWD_DEV, .st_ino = CWD_INODE};
	return call_fails(STAT);
}

static int fake_openat2(const char *path, const struct open_how *how)
{
	assert_string_equal(path, "/work");
	assert_int_equal(how->resolve, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	/* T16: with the user's rights. */
	assert_int_equal(world.uids[1], USER_ID);
	return call_fails(OPENAT2) ? -1 : fd_make(CWD_FD, 0);
}

static int fake_capget(struct __user_cap_data_struct *caps)
{
	caps[0].effective = world.capable;
	return call_fails(CAPGET);
}

/* The two that have no function of their own. */
static long fake_syscall(long number, ...)
{
	va_list arguments;
	long result = -1;

	va_start(arguments, number);
	if (number == SYS_capget) {
		(void)va_arg(arguments, void *);
		result = fake_capget(va_arg(arguments, struct __user_cap_data_struct *));
	} else {
		const char *path;

		assert_int_equal(number, SYS_openat2);
		assert_int_equal(va_arg(arguments, int), AT_FDCWD);
		path = va_arg(arguments, const char *);
		result = fake_openat2(path, va_arg(arguments, const struct open_how *));
	}
	va_end(arguments);
	return result;
}

static int fake_fchdir(int fd)
{
	assert_int_equal(world.fds[fd].kind, CWD_FD);
	if (call_fails(FCHDIR))
		return -1;
	strcpy(world.cwd, "/work");
	return 0;
}

static int fake_chdir(const char *path)
{
	assert_string_equal(path, "/");
	if (call_fails(CHDIR))
		return -1;
	strcpy(world.cwd, "/");
	return 0;
}

/* CVE-2012-0056: nothing is written before the uid is the caller's. */
static int fake_dprintf(int fd, const char *format, ...)
{
	va_list arguments;

	assert_in_range(fd, 1, 2);
	assert_int_equal(world.uids[1], world.real_uid);
	va_start(arguments, format);
	vsnprintf(world.message, sizeof(world.message), format, arguments);
	va_end(arguments);
	return call_fails(DPRINTF);
}

static int fake_execvp(const char *file, char *const *arguments)
{
	int error = call_count(EXECVP);

	assert_string_equal(arguments[0], file);
	errno = error;
	if (error)
		return -1;
	world.executed = strdup(file);
	world.status = 0;
	longjmp(world.end, 1);
}

#define _exit(status)		 fake_exit(status)
#define getuid()		 fake_getuid()
#define geteuid()		 fake_geteuid()
#define getgid()		 fake_getgid()
#define fcntl(fd, command)	 fake_fcntl(fd, command)
#define open(path, flags)	 fake_open(path, flags)
#define close(fd)		 fake_close(fd)
#define close_range(a, b, flags) fake_close_range(a, b, flags)
#define openat(fd, name, flags)	 fake_openat(fd, name, flags)
#define fstat(fd, st)		 fake_fstat(fd, st)
#define fstatfs(fd, fs)		 fake_fstatfs(fd, fs)
#define fstatat(fd, path, st, f) fake_fstatat(fd, path, st, f)
#define ioctl(fd, request)	 fake_ioctl(fd, request)
#define setns(fd, type)		 fake_setns(fd, type)
#define capng_clear(set)	 fake_capng_clear(set)
#define capng_apply(set)	 fake_capng_apply(set)
#define setresgid(r, e, s)	 fake_setresgid(r, e, s)
#define setresuid(r, e, s)	 fake_setresuid(r, e, s)
#define getresuid(r, e, s)	 fake_getresuid(r, e, s)
#define getresgid(r, e, s)	 fake_getresgid(r, e, s)
#define setuid(uid)		 fake_setuid(uid)
#define seteuid(uid)		 fake_seteuid(uid)
#define setgid(gid)		 fake_setgid(gid)
#define setegid(gid)		 fake_setegid(gid)
#define getcwd(path, size)	 fake_getcwd(path, size)
#define stat(path, st)		 fake_stat(path, st)
#define syscall(...)		 fake_syscall(__VA_ARGS__)
#define fchdir(fd)		 fake_fchdir(fd)
#define chdir(path)		 fake_chdir(path)
#define dprintf(fd, ...)	 fake_dprintf(fd, __VA_ARGS__)
#define execvp(file, arguments)	 fake_execvp(file, arguments)
#define main(argc, argv)	 enter_main(argc, argv)
int enter_main(int argc, char **argv);

#include "../../helper/pam-netns-enter/enter.c"

#undef main

/* --- running it --- */

static void world_make(void)
{
	free(world.executed);
	memset(&world, 0, sizeof(world));
	world.real_uid = USER_ID;
	memcpy(world.uids, (uid_t[]){USER_ID, 0, 0}, sizeof(world.uids));
	memcpy(world.gids, (gid_t[]){GROUP_ID, GROUP_ID, 0}, sizeof(world.gids));
	world.capable = true;
	strcpy(world.cwd, "/work");
	for (int i = 0; i < 3; i++) {
		world.standard[i] = true;
		world.pinned[i] = true;
		world.in[i] = HOST_NS;
	}
}

/* The arguments end with NULL; none: not even a name. */
#define enter(...) enter_with((const char *[]){__VA_ARGS__})

static void run(int argc, const char **argv)
{
	if (setjmp(world.end) == 0)
		enter_main(argc, (char **)argv);
}

/* Whenever a command runs: as the caller, without privilege, with 0-2 open. */
static void enter_with(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	run(argc, argv);
	if (!world.executed)
		return;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(world.uids[i], USER_ID);
		assert_int_equal(world.gids[i], GROUP_ID);
		assert_true(world.standard[i]);
	}
	assert_false(world.capable);
}

/* The descriptors that it leaves to the kernel to close are all close-on-exec; see 60_enter. */
static void assert_ran_inside(const char *command)
{
	assert_non_null(world.executed);
	assert_string_equal(world.executed, command);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world.in[i], INODE(i));
}

static void assert_refused(const char *message)
{
	char line[256];

	assert_null(world.executed);
	assert_int_equal(world.status, EXIT_REFUSED);
	snprintf(line, sizeof(line), "pam-netns-enter: %s\n", message);
	assert_string_equal(world.message, *message ? line : "");
}

#define NO_NETWORK "you have no network of your own at present; log in first"
#define DAMAGED	   "a pinned namespace is damaged; log in again"
#define NOT_OWNED  "a pinned namespace is not owned by the host"
#define NOT_ALONE  "the folder of the pinned namespaces is not root's alone"
#define NOT_JOINED "the kernel did not join the namespaces it was told to"
#define NOT_READ   "cannot read which namespaces this process is in"
#define WENT_AWAY  "your network went away; log in again"

/*
 * The order of calls: openat 1 "1/root", 2-5 run, pam-netns, pins, 2003, 6-8 the pins, and once
 * more after the join; fstat 1-4 the folders, 5-10 each pin and its owner, 11-20 likewise, 21 the
 * working directory; fstatat 1-3 the owners, 4 whether net is joined already, 5-7 after the join,
 * 8-10 the owners and 11-13 the joined again.
 */
static const struct {
	struct fault fault;
	const char *message; /* "": none, since nothing may be said any more */
} refusals[] = {
    {{OPEN, 1, ENOENT}, NO_NETWORK},
    {{CLOSE_RANGE, 1, EINVAL}, ""},
    {{OPENAT, 1, EACCES}, "cannot reach the host's root directory"},
    {{OPENAT, 2, ENOENT}, NO_NETWORK},
    {{OPENAT, 3, ELOOP}, "cannot reach the pinned namespaces"},
    {{OPENAT, 5, ENOENT}, NO_NETWORK},
    {{OPENAT, 6, ENOENT}, NO_NETWORK},
    {{OPENAT, 6, ELOOP}, "cannot open a pinned namespace"},
    {{OPENAT, 8, EMFILE}, "cannot open a pinned namespace"},
    {{FSTAT, 1, EIO}, NOT_ALONE},
    {{FSTAT, 2, LIE_UID}, NOT_ALONE},
    {{FSTAT, 3, LIE_MODE}, NOT_ALONE},
    {{FSTATFS, 1, EIO}, DAMAGED},
    {{FSTATFS, 2, LIE_TYPE}, DAMAGED},
    {{FSTAT, 5, EIO}, DAMAGED},
    {{NSTYPE, 3, LIE_TYPE}, DAMAGED},
    {{USERNS, 1, EPERM}, NOT_OWNED},
    {{FSTAT, 6, EIO}, NOT_OWNED},
    {{FSTATAT, 1, EIO}, NOT_OWNED},
    {{FSTATAT, 2, LIE_DEVICE}, NOT_OWNED},
    {{FSTATAT, 3, LIE_INODE}, NOT_OWNED},
    {{FSTATAT, 4, EIO}, NOT_READ},
    {{SETNS, 1, EPERM}, "cannot join a namespace"},
    {{SETNS, 2, EPERM}, "cannot join a namespace"},
    {{SETNS, 3, EINVAL}, "cannot join a namespace"},
    {{SETNS, 1, LIE_SUCCESS}, NOT_JOINED},
    {{SETNS, 2, LIE_SUCCESS}, NOT_JOINED},
    {{SETNS, 3, LIE_SUCCESS}, NOT_JOINED},
    {{FSTATAT, 5, EIO}, NOT_READ},
    {{FSTATAT, 6, LIE_DEVICE}, NOT_JOINED},
    {{SETNS, 3, LIE_GONE}, WENT_AWAY},
    {{FSTATAT, 7, LIE_GONE}, WENT_AWAY},
    {{FSTATAT, 11, LIE_INODE}, WENT_AWAY},
    {{SETRESGID, 1, EPERM}, ""},
    {{SETRESUID, 1, EAGAIN}, ""},
    {{CAPNG_APPLY, 1, EPERM}, ""},
    {{GETRESUID, 1, EFAULT}, ""},
    {{GETRESGID, 1, EFAULT}, ""},
    {{CAPGET, 1, EFAULT}, ""},
    {{CAPNG_APPLY, 1, LIE_SUCCESS}, ""},
    {{GETRESUID, 1, LIE_UID}, ""},
    {{GETRESUID, 1, LIE_EUID}, ""},
    {{GETRESUID, 1, LIE_SUID}, ""},
    {{GETRESGID, 1, LIE_UID}, ""},
    {{GETRESGID, 1, LIE_EUID}, ""},
    {{GETRESGID, 1, LIE_SUID}, ""},
    {{SETUID, 1, LIE_SUCCESS}, ""},
    {{SETEUID, 1, LIE_SUCCESS}, ""},
    {{SETGID, 1, LIE_SUCCESS}, ""},
    {{SETEGID, 1, LIE_SUCCESS}, ""},
};

static void faults_refuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		world_make();
		world.fault = refusals[i].fault;
		print_message("call %d, number %d, error %d\n", refusals[i].fault.call,
			      refusals[i].fault.number, refusals[i].fault.error);
		enter("enter", "true", NULL);
		assert_refused(refusals[i].message);
	}
}

/* Whatever fails, in whatever way, at whatever place: what enter_with() asserts of a command. */
static void every_fault_at_every_place(void **state)
{
	static const int errors[] = {EPERM, ENOENT, LIE_DEVICE, LIE_INODE, LIE_SUCCESS, LIE_GONE};
	int calls[CALLS], runs = 0, ran = 0;

	(void)state;
	world_make();
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	memcpy(calls, world.calls, sizeof(calls));
	for (enum call call = CALL_NONE + 1; call < CALLS; call++) {
		for (int number = 1; number <= calls[call] * 6; number++) {
			world_make();
			world.fault.call = call;
			world.fault.number = (number + 5) / 6;
			world.fault.error = errors[number % 6];
			enter("enter", "true", NULL);
			runs++;
			if (!world.executed)
				continue;
			ran++;
			assert_ran_inside("true");
		}
	}
	assert_true(runs > 300);
	assert_true(ran > 0 && ran < runs);
}

static void joins_and_runs(void **state)
{
	(void)state;
	world_make();
	enter("enter", "id", "-u", NULL);
	assert_ran_inside("id");
	assert_string_equal(world.cwd, "/work");
	world_make();
	enter("enter", "--", "-x", NULL);
	assert_ran_inside("-x");
	world_make();
	enter("enter", NULL);
	assert_ran_inside("/bin/sh");
}

static void joins_what_is_pinned(void **state)
{
	(void)state;
	world_make();
	world.pinned[1] = world.pinned[2] = false;
	enter("enter", "true", NULL);
	assert_non_null(world.executed);
	assert_int_equal(world.in[0], INODE(0));
	assert_int_equal(world.in[1], HOST_NS);
	assert_int_equal(world.in[2], HOST_NS);
	world_make();
	world.pinned[0] = false;
	enter("enter", "true", NULL);
	assert_refused(NO_NETWORK);
}

static void already_inside(void **state)
{
	(void)state;
	world_make();
	for (int i = 0; i < 3; i++)
		world.in[i] = INODE(i);
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.calls[SETNS], 0);
	assert_int_equal(world.calls[GETCWD], 0);
}

/* Any doubt about the working directory: the root of the view. */
static void working_directory(void **state)
{
	static const struct fault doubts[] = {
	    {GETCWD, 1, ENOENT},    {GETCWD, 1, LIE_PATH}, {STAT, 1, EACCES},
	    {OPENAT2, 1, ELOOP},    {FSTAT, 21, EIO},	   {FSTAT, 21, LIE_DEVICE},
	    {FSTAT, 21, LIE_INODE}, {FCHDIR, 1, EACCES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		world_make();
		world.fault = doubts[i];
		enter("enter", "true", NULL);
		assert_ran_inside("true");
		assert_string_equal(world.cwd, "/");
	}
	world_make();
	world.pinned[2] = false;
	world.fault = (struct fault){CHDIR, 1, EACCES};
	enter("enter", "true", NULL);
	assert_non_null(world.executed);
	assert_string_equal(world.cwd, "/work");
}

static void no_directory_at_all(void **state)
{
	(void)state;
	world_make();
	strcpy(world.cwd, "(gone)");
	world.fault = (struct fault){CHDIR, 1, EACCES};
	enter("enter", "true", NULL);
	assert_refused("");
}

static void command_cannot_run(void **state)
{
	(void)state;
	world_make();
	world.fault = (struct fault){EXECVP, 1, ENOENT};
	enter("enter", "no-such", NULL);
	assert_int_equal(world.status, 127);
	assert_string_equal(world.message,
			    "pam-netns-enter: cannot run no-such: No such file or directory\n");
	world_make();
	world.fault = (struct fault){EXECVP, 1, EACCES};
	enter("enter", "/etc/passwd", NULL);
	assert_int_equal(world.status, 126);
}

/* Each shown without privilege, to root too, and never followed by a command. */
static void options(void **state)
{
	(void)state;
	for (int root = 0; root < 2; root++) {
		for (int i = 0; i < 2; i++) {
			for (int full = 0; full < 2; full++) {
				world_make();
				if (root)
					world.real_uid = world.uids[0] = 0;
				world.fault = (struct fault){full ? DPRINTF : CALL_NONE, 1, ENOSPC};
				enter("enter", i ? "--help" : "--version", "true", NULL);
				assert_null(world.executed);
				assert_int_equal(world.status, full);
				assert_false(world.capable);
				assert_int_equal(world.calls[SETNS], 0);
				assert_non_null(strstr(world.message, i ? "Usage: " : VERSION));
			}
		}
	}
	world_make();
	enter("enter", "--target=1", "true", NULL);
	assert_refused("unknown option; try --help");
	/* CVE-2021-4034 */
	world_make();
	enter(NULL);
	assert_refused("");
}

static void root_and_no_root(void **state)
{
	(void)state;
	world_make();
	world.real_uid = world.uids[0] = 0;
	enter("enter", "true", NULL);
	assert_refused("root has no network of its own; use pam-netns exec USER");
	world_make();
	world.uids[1] = world.uids[2] = USER_ID;
	enter("enter", "true", NULL);
	assert_refused("not setuid root here (no_new_privs, nosuid or a user namespace)");
}

/* A refusal that cannot give up the uid says nothing. */
static void refusal_is_silent_with_privilege(void **state)
{
	(void)state;
	world_make();
	world.pinned[0] = false;
	world.fault = (struct fault){SETRESUID, 1, EAGAIN};
	enter("enter", "true", NULL);
	assert_refused("");
}

static void standard_descriptors(void **state)
{
	(void)state;
	world_make();
	world.standard[0] = world.standard[2] = false;
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.calls[OPEN], 3);
	world_make();
	world.standard[1] = false;
	world.fault = (struct fault){OPEN, 1, EMFILE};
	enter("enter", "true", NULL);
	assert_refused("");
}

static int world_free(void **state)
{
	(void)state;
	free(world.executed);
	world.executed = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(joins_and_runs),
	    cmocka_unit_test(joins_what_is_pinned),
	    cmocka_unit_test(already_inside),
	    cmocka_unit_test(faults_refuse),
	    cmocka_unit_test(every_fault_at_every_place),
	    cmocka_unit_test(working_directory),
	    cmocka_unit_test(no_directory_at_all),
	    cmocka_unit_test(command_cannot_run),
	    cmocka_unit_test(options),
	    cmocka_unit_test(root_and_no_root),
	    cmocka_unit_test(refusal_is_silent_with_privilege),
	    cmocka_unit_test(standard_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, world_free);
}
