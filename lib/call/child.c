/*
 * The child between fork and exec: from here on nothing of the caller's may reach the helper.
 *
 * In su and sudo the caller's real uid is an ordinary user, who may have chosen the rlimits, the
 * CPUs, the priorities, the umask and the directory, and who may send signals until the uids are 0
 * (T10). So the uids come first, and signals stay blocked: the helper takes them when it has a
 * session of its own, where no terminal can stop it.
 *
 * Not done because fork does it: timers and alarms do not pass to a child, nor does
 * PR_SET_PDEATHSIG, nor do pending signals. Nor because exec does it: root's program is dumpable
 * for root alone, so no user traces it.
 */
#include "call/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "call/message.h"

#define EXIT_NO_EXEC   127
#define CPUS_MAX       8192  /* as many as Linux can have */
#define TIMER_SLACK_NS 50000 /* the kernel's default */

/* The C library's wrappers signal all threads that it knows of; the kernel's calls do not. */
#ifdef SYS_setresuid32
#define CALL_SETRESUID SYS_setresuid32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETGROUPS SYS_setgroups32
#else
#define CALL_SETRESUID SYS_setresuid
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETGROUPS SYS_setgroups
#endif

/* Soft limits are raised to these at least, hard ones where that takes more and is permitted. */
static const struct {
	int resource;
	rlim_t least;
} limits[] = {
    {RLIMIT_NOFILE, 4096},	     {RLIMIT_STACK, 8UL << 20},	    {RLIMIT_CPU, RLIM_INFINITY},
    {RLIMIT_FSIZE, RLIM_INFINITY},   {RLIMIT_AS, RLIM_INFINITY},    {RLIMIT_DATA, RLIM_INFINITY},
    {RLIMIT_MEMLOCK, RLIM_INFINITY}, {RLIMIT_NPROC, RLIM_INFINITY}, {RLIMIT_SIGPENDING, 1024},
};

static void raise_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		rlim_t least = limits[i].least;
		struct rlimit limit;

		/* RLIM_INFINITY is the largest rlim_t, so it compares like a number. */
		if (getrlimit(limits[i].resource, &limit) < 0 || limit.rlim_cur >= least)
			continue;
		limit.rlim_cur = least;
		if (limit.rlim_max >= least) {
			(void)setrlimit(limits[i].resource, &limit);
			continue;
		}
		struct rlimit raised = {.rlim_cur = least, .rlim_max = least};

		/* Without CAP_SYS_RESOURCE (a container's root) the hard limit is the ceiling. */
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &raised) < 0)
			(void)setrlimit(limits[i].resource, &limit);
	}
}

static int take_root(void)
{
	if (syscall(CALL_SETGROUPS, 0, NULL) < 0 || syscall(CALL_SETRESGID, 0, 0, 0) < 0 ||
	    syscall(CALL_SETRESUID, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* The CPUs of PID 1: all, but for those that the admin keeps free. */
static void reset_cpus(void)
{
	unsigned long cpus[CPUS_MAX / (8 * sizeof(unsigned long))];
	long size = syscall(SYS_sched_getaffinity, 1, sizeof(cpus), cpus);

	if (size > 0)
		(void)syscall(SYS_sched_setaffinity, 0, size, cpus);
}

/* A user may have chosen one busy CPU, SCHED_IDLE, a nice value of 19, idle I/O, late timers. */
static void reset_scheduling(void)
{
	struct sched_param none = {.sched_priority = 0};

	reset_cpus();
	(void)sched_setscheduler(0, SCHED_OTHER, &none);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0);
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

/* ... to be the first that ends when memory is short. What an admin has set lower stays. */
static void reset_oom_score(void)
{
	CLEANUP_FD int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char first;

	if (fd >= 0 && read(fd, &first, 1) == 1 && first >= '1' && first <= '9')
		(void)!pwrite(fd, "0", 1, 0);
}

/* 0: the socket, 1 and 2: /dev/null, nothing else. The socket is 3 or higher. */
static int arrange_fds(int socket)
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY);

	if (null < 0)
		return -errno;
	/* If null is 1 or 2 already, that one stays as it is;
	 * if it is 0, the socket replaces it. */
	if (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    dup2(socket, STDIN_FILENO) < 0)
		return -errno;
	if (syscall(SYS_close_range, 3, UINT_MAX, 0) < 0)
		return -errno;
	return 0;
}

/*
 * Not sigaction(3): the C library keeps two signals to itself, and leaves them ignored in what
 * posix_spawn(3) starts. All bytes zero is the default action in every architecture's struct.
 */
static void reset_signals(void)
{
	static const unsigned long standard[8];

	for (int signal = 1; signal < NSIG; signal++)
		(void)syscall(SYS_rt_sigaction, signal, standard, NULL, (NSIG - 1) / CHAR_BIT);
}

void call_child_exec(int socket, const char *path, const char *verb)
{
	char *const arguments[] = {(char *)"pam-netns-helper", (char *)verb, NULL};
	char *const environment[] = {NULL};
	int error;

	error = take_root();
	if (!error) {
		error = arrange_fds(socket);
		if (!error)
			socket = STDIN_FILENO;
	}
	if (!error && chdir("/") < 0)
		error = -errno;
	if (!error) {
		umask(022);
		(void)personality(PER_LINUX); /* "Linux 2.6" for one */
		raise_limits();
		reset_scheduling();
		reset_oom_score();
		reset_signals();
		/* gcov(1) puts something of its own, which allocates, in execve(3)'s place. */
		(void)syscall(SYS_execve, path, arguments, environment);
		error = -errno;
	}
	/* Nobody else can be told: the caller then finds out that no reply came. */
	(void)message_send_failure(socket, -error);
	_exit(EXIT_NO_EXEC);
}
