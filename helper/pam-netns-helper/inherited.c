/*
 * The helper's first steps: after them nothing of the caller's reaches the work.
 *
 * In su and sudo the caller's real uid is an ordinary user's, and until the uids are 0 that user
 * may stop, kill, renice and move the process (T10). The user has also chosen limits, CPUs,
 * priorities and the directory. So the uids come first. Signals stay blocked until the helper has a
 * session of its own, where no terminal can stop it.
 *
 * 1. inherited_ids(): uids and gids; is the caller root?
 * 2. inherited_reset(): the rest, before the system call filter, which knows none of these calls.
 *
 * Not done here:
 * - The start makes the actions of signals default (lib/call/start.c).
 * - A child gets no timers, alarms, PR_SET_PDEATHSIG or pending signals.
 * - Memory: execve(2) of su has cleared the personality that makes addresses predictable.
 * - Tracing: no user traces the helper, since its effective uid is not theirs. execve(2) with two
 *   different uids also leaves it undumpable.
 */
#include "inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"

#define CPUS_MAX	8192  /* as many as Linux can have */
#define TIMER_SLACK_NS	50000 /* the kernel's default */
#define LIMITS_TEXT_MAX 2048

/* The C libraries' wrappers look after other threads, and there are none. */
#ifdef SYS_setresuid32
#define CALL_SETRESUID SYS_setresuid32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETGROUPS SYS_setgroups32
#else
#define CALL_SETRESUID SYS_setresuid
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETGROUPS SYS_setgroups
#endif

/*
 * Soft limits are raised to these at least, hard ones if that takes more and is permitted. Few
 * hosts have less, so that most logins only read what /proc says of all.
 */
static const struct {
	int resource;
	char title[24]; /* in proc_pid_limits(5); no pointer: state/record.h */
	rlim_t least;
} limits[] = {
    {RLIMIT_NOFILE, "Max open files", 1024},
    {RLIMIT_STACK, "Max stack size", 8UL << 20},
    {RLIMIT_CPU, "Max cpu time", RLIM_INFINITY},
    {RLIMIT_FSIZE, "Max file size", RLIM_INFINITY},
    {RLIMIT_AS, "Max address space", RLIM_INFINITY},
    {RLIMIT_DATA, "Max data size", RLIM_INFINITY},
    {RLIMIT_NPROC, "Max processes", 4096}, /* fork(2) of a container's root: the reaper, nft */
    {RLIMIT_SIGPENDING, "Max pending signals", 1024}, /* timer_create(2) */
};

/* The soft limit of that title; 0 if the text does not tell. */
static rlim_t soft_limit(const char *text, const char *title)
{
	const char *line = strstr(text, title);

	if (!line)
		return 0;
	line += strlen(title);
	line += strspn(line, " ");
	/* RLIM_INFINITY is the largest rlim_t, so it compares like a number. */
	return strncmp(line, "unlimited ", 10) == 0 ? RLIM_INFINITY : strtoull(line, NULL, 10);
}

static void raise_limit(int resource, rlim_t least)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0 || limit.rlim_cur >= least)
		return;
	limit.rlim_cur = least;
	if (limit.rlim_max >= least) {
		(void)setrlimit(resource, &limit);
		return;
	}
	struct rlimit raised = {.rlim_cur = least, .rlim_max = least};

	/* Without CAP_SYS_RESOURCE (a container's root) the hard limit is the ceiling. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(resource, &raised) < 0)
		(void)setrlimit(resource, &limit);
}

/* At close this process may not be in /proc, which shows a PID namespace of the user's own. */
static int self_open(const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = openat(AT_FDCWD, path, flags | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	snprintf(path, sizeof(path), HOSTPROC "/self/%s", name);
	return openat(AT_FDCWD, path, flags | O_CLOEXEC);
}

static void raise_limits(void)
{
	CLEANUP_FD int fd = self_open("limits", O_RDONLY);
	char text[LIMITS_TEXT_MAX];
	ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (soft_limit(text, limits[i].title) < limits[i].least)
			raise_limit(limits[i].resource, limits[i].least);
}

/* The CPUs of PID 1: all, but for those that the admin keeps free. */
static void reset_cpus(void)
{
	unsigned long own[CPUS_MAX / (8 * sizeof(unsigned long))], cpus[sizeof(own) / sizeof(*own)];
	long size = syscall(SYS_sched_getaffinity, 1, sizeof(cpus), cpus);

	if (size > 0 && (syscall(SYS_sched_getaffinity, 0, sizeof(own), own) != size ||
			 memcmp(own, cpus, (size_t)size) != 0))
		(void)syscall(SYS_sched_setaffinity, 0, size, cpus);
}

/* The first version of sched_setattr(2)'s struct. Zeros are SCHED_OTHER with a nice value of 0. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * A user may have chosen one busy CPU, SCHED_IDLE, a nice value of 19, idle I/O, late timers. By
 * the system call: musl's sched_setscheduler(3) refuses.
 */
static void reset_scheduling(void)
{
	const struct scheduling standard = {.size = sizeof(standard)};

	reset_cpus();
	(void)syscall(SYS_sched_setattr, 0, &standard, 0);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

/* ... to be the first that ends when memory is short. What an admin has set lower stays. */
static void reset_oom_score(void)
{
	CLEANUP_FD int fd = self_open("oom_score_adj", O_RDWR);
	char first;

	if (fd >= 0 && read(fd, &first, 1) == 1 && first >= '1' && first <= '9')
		(void)!pwrite(fd, "0", 1, 0);
}

/* The kernel tells a new program its real and effective id; the saved one is the effective one. */
static bool all_are_roots(unsigned long real, unsigned long effective)
{
	errno = 0; /* getauxval(3) returns 0 for what it was not told, too */
	return getauxval(real) == 0 && getauxval(effective) == 0 && errno == 0;
}

int inherited_ids(pid_t *pid)
{
	struct ucred caller;
	socklen_t size = sizeof(caller);

	if (syscall(CALL_SETGROUPS, 0, NULL) < 0)
		return -errno;
	if (!all_are_roots(AT_GID, AT_EGID) && syscall(CALL_SETRESGID, 0, 0, 0) < 0)
		return -errno;
	if (!all_are_roots(AT_UID, AT_EUID) && syscall(CALL_SETRESUID, 0, 0, 0) < 0)
		return -errno;
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &caller, &size) < 0)
		return -errno;
	*pid = caller.pid;
	return caller.uid == 0 ? 0 : -EPERM;
}

int inherited_reset(void)
{
	if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0)
		return log_errno(errno, "close the caller's descriptors");
	/* setns(2) into the host's mount namespace makes its / the directory: host_enter(). */
	umask(022);
	(void)personality(PER_LINUX); /* "Linux 2.6" for one */
	raise_limits();
	reset_scheduling();
	reset_oom_score();
	return 0;
}
