/* The calls of enter_test's fake kernel. Sources that are included after this file call these. */
#ifndef PAM_NETNS_ENTER_CALLS_H
#define PAM_NETNS_ENTER_CALLS_H

#include "enter_world.h"

#include "base/paths.h"

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
	if (strcmp(path, WAIT_PATH) == 0) {
		errno = error;
		return error ? -1 : fd_make(WAIT_FD, 0);
	}
	assert_string_equal(path, "/run/pam-netns/hostproc/proc");
	assert_true(flags & O_NOFOLLOW);
	errno = error;
	return error ? -1 : fd_make(HOSTPROC_FD, 0);
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
	for (int i = 0; i < PINS; i++) {
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
		st->st_ino = world.fds[fd].pin == 0 && world.owned ? USER_NS : HOST_NS;
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
		return call_count(NSTYPE) ? CLONE_NEWUSER : pin_types[world.fds[fd].pin];
	assert_int_equal(request, NS_GET_USERNS);
	return call_fails(USERNS) ? -1 : fd_make(USERNS_FD, world.fds[fd].pin);
}

static ssize_t fake_readlinkat(int parent, const char *name, char *out, size_t size)
{
	assert_int_equal(world.fds[parent].kind, FOLDER_FD);
	assert_string_equal(name, "owner");
	errno = ENOENT;
	if (call_fails(READLINKAT) || !world.owner)
		return -1;
	assert_true(strlen(world.owner) <= size);
	memcpy(out, world.owner, strlen(world.owner));
	return (ssize_t)strlen(world.owner);
}

static int fake_fstatat(int parent, const char *path, struct stat *st, int flags)
{
	int error = call_count(FSTATAT);

	assert_int_equal(world.fds[parent].kind, HOSTPROC_FD);
	assert_int_equal(flags, 0);
	assert_int_equal(strncmp(path, "self/ns/", 8), 0);
	*st = (struct stat){.st_dev = NSFS_DEV + (error == LIE_DEVICE), .st_ino = HOST_NS};
	for (int i = 0; i < PINS; i++)
		if (strcmp(path + 8, pin_names[i]) == 0)
			st->st_ino = world.in[i];
	if (strcmp(path + 8, "pid_for_children") == 0)
		st->st_ino = world.children;
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
	*(pin == PID ? &world.children : &world.in[pin]) = INODE(pin);
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

/* The ways back: true if the kernel returns what the process gave up. */
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
	/* T16: it runs with the user's rights. */
	assert_int_equal(world.uids[1], USER_ID);
	return call_fails(OPENAT2) ? -1 : fd_make(CWD_FD, 0);
}

static int fake_capget(struct __user_cap_data_struct *caps)
{
	caps[0].effective = world.capable;
	return call_fails(CAPGET);
}

/* Two calls without a function of their own. */
static long fake_syscall(long number, ...)
{
	va_list arguments;
	long result = -1;

	va_start(arguments, number);
	if (number == SYS_capget) {
		(void)va_arg(arguments, void *);
		result = fake_capget(va_arg(arguments, struct __user_cap_data_struct *));
	} else if (number == SYS_close_range) {
		assert_int_equal(va_arg(arguments, unsigned), 3);
		assert_int_equal(va_arg(arguments, unsigned), ~0U);
		assert_int_equal(va_arg(arguments, unsigned), 0);
		result = call_fails(CLOSE_RANGE);
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

/* CVE-2012-0056: no byte is written before the uid is the caller's. */
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

/* It becomes the program that was opened on the host, with the caller's rights. */
static int fake_fexecve(int fd, char *const *arguments)
{
	assert_string_equal(arguments[0], "pam-netns-wait");
	if (call_fails(FEXECVE) || fd < 0)
		return -1;
	assert_int_equal(world.fds[fd].kind, WAIT_FD);
	world.waits = true;
	world.executed = strdup(arguments[1] ? arguments[1] : "");
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
#define openat(fd, name, flags)	 fake_openat(fd, name, flags)
#define fstat(fd, st)		 fake_fstat(fd, st)
#define fstatfs(fd, fs)		 fake_fstatfs(fd, fs)
#define fstatat(fd, path, st, f) fake_fstatat(fd, path, st, f)
#define ioctl(fd, request)	 fake_ioctl(fd, request)
#define readlinkat(...)		 fake_readlinkat(__VA_ARGS__)
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
#define fexecve(fd, words, env)	 fake_fexecve(fd, words)

#endif
