/* Locks among helpers; see lock.h. */
#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"

#define CHECK_MS       100 /* when a waiter first checks the holder, and then while it is stopped */
#define CHECK_MS_MAX   800 /* a thousand waiters that check often would keep the lock busy */
#define STOPPED_CHECKS 3   /* checks in a row that find it stopped: 300 ms */

int lock_open(void)
{
	int fd = openat(AT_FDCWD, LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? log_errno(errno, "open %s", LOCK_PATH) : fd;
}

static struct flock lock_range(short type, uint64_t which)
{
	return (struct flock){
	    .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)which, .l_len = 1};
}

static int lock_set(int lock, struct flock range)
{
	if (fcntl(lock, F_SETLK, &range) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int lock_try(int lock, uint64_t which)
{
	return lock_set(lock, lock_range(F_WRLCK, which));
}

bool lock_held(int lock, uint64_t which)
{
	struct flock range = lock_range(F_WRLCK, which);

	return fcntl(lock, F_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

void lock_release(int lock, uint64_t which)
{
	struct flock range = lock_range(F_UNLCK, which);

	(void)fcntl(lock, F_SETLK, &range);
}

bool lock_users_idle(int lock)
{
	struct flock range = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = (off_t)UINT32_MAX + 1};

	return fcntl(lock, F_GETLK, &range) == 0 && range.l_type == F_UNLCK;
}

/*
 * Is the process frozen with its cgroup? A user may freeze processes in a cgroup that is
 * delegated to them, such as that of systemd's user manager, and with it su's helper. No state
 * letter of proc_pid_stat(5) shows it. A path that is too long to be shown counts as frozen,
 * because it hides something.
 */
static bool holder_frozen(int proc, pid_t pid)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char name[32], text[2 * PATH_MAX], path[2 * PATH_MAX + 64], events[256];
	char *line, *rest = text;
	ssize_t length;

	snprintf(name, sizeof(name), "%d/cgroup", pid);
	length = files_read(proc, name, text, sizeof(text));
	if (length < 0)
		return length == -ENAMETOOLONG;
	while ((line = strsep(&rest, "\n")) && strncmp(line, "0::/", 4) != 0)
		;
	for (size_t i = 0; line && i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s/cgroup.events", mounts[i], line + 3);
		length = files_read(AT_FDCWD, path, events, sizeof(events));
		if (length == -ENAMETOOLONG || (length > 0 && strstr(events, "frozen 1")))
			return true;
	}
	return false;
}

/* Kills the holder if it is still the same process, and stopped or frozen as last time. */
static void holder_check(int lock, int proc, uint64_t which, pid_t *stopped, int *seen)
{
	struct flock range = lock_range(F_WRLCK, which);
	struct process holder;
	char state;

	if (fcntl(lock, F_GETLK, &range) < 0 || range.l_type == F_UNLCK || range.l_pid <= 0 ||
	    process_read(proc, range.l_pid, &holder, &state) < 0 ||
	    (state != 'T' && state != 't' && !holder_frozen(proc, range.l_pid))) {
		*seen = 0;
		return;
	}
	*seen = *stopped == range.l_pid ? *seen + 1 : 1;
	*stopped = range.l_pid;
	if (*seen < STOPPED_CHECKS)
		return;
	/* No other process can have its pid: it still holds the lock. */
	CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, range.l_pid, 0);

	if (pidfd >= 0 && fcntl(lock, F_GETLK, &range) == 0 && range.l_pid == *stopped &&
	    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
		log_warning("killed helper %d: it was stopped while holding a lock", *stopped);
}

static void wake(int signal)
{
	(void)signal;
}

static void check_every(timer_t timer, long ms)
{
	struct timespec period = {ms / 1000, ms % 1000 * 1000000};
	struct itimerspec interval = {period, period};

	timer_settime(timer, 0, &interval, NULL);
}

static int lock_wait(int lock, int proc, struct flock range)
{
	uint64_t which = (uint64_t)range.l_start;
	struct sigaction action = {.sa_handler = wake}, before; /* no SA_RESTART: fcntl returns */
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;
	pid_t stopped = 0;
	long ms = CHECK_MS;
	int seen = 0, result;

	result = lock_set(lock, range);
	if (result != -EAGAIN)
		return result;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return log_errno(errno, "make a timer");
	sigaction(SIGUSR1, &action, &before);
	check_every(timer, ms);
	while ((result = fcntl(lock, F_SETLKW, &range)) < 0 && errno == EINTR) {
		holder_check(lock, proc, which, &stopped, &seen);
		ms = seen ? CHECK_MS : ms * 2 < CHECK_MS_MAX ? ms * 2 : CHECK_MS_MAX;
		check_every(timer, ms);
	}
	result = result < 0 ? -errno : 0;
	timer_delete(timer);
	sigaction(SIGUSR1, &before, NULL);
	return result < 0 ? log_errno(-result, "lock %s", LOCK_PATH) : 0;
}

int lock_take(int lock, int proc, uint64_t which)
{
	return lock_wait(lock, proc, lock_range(F_WRLCK, which));
}

int lock_share(int lock, int proc, uint64_t which)
{
	return lock_wait(lock, proc, lock_range(F_RDLCK, which));
}
