/*
 * The reaper: after a user's last session closed, waits for the last process and tears down.
 *
 * It runs detached, since at close the shell of a vanished client is still alive, and it looks at
 * all processes without the user's lock, so that no login waits for it. Under the lock it then
 * makes sure that no session has come since; a process can only have come from a session or from
 * another process inside, and two looks in a row found none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "helper.h"
#include "lock.h"
#include "log.h"
#include "pins.h"
#include "uplink.h"

#define REAPER_WAIT_MS	 10000 /* for processes to end by themselves; gc goes on after that */
#define REAPER_PAUSE_MS	 5     /* between two looks, doubled each time */
#define REAPER_PAUSE_MAX 500
#define KILL_GRACE_MS	 2000 /* between SIGTERM and SIGKILL */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until one of the processes ends, or for a while. */
static void members_wait(const struct members *members, int timeout_ms)
{
	struct pollfd first = {.fd = -1, .events = POLLIN};

	if (members->count)
		first.fd = (int)syscall(SYS_pidfd_open, members->pids[0], 0);
	(void)poll(&first, first.fd >= 0, timeout_ms);
	cleanup_fd(&first.fd);
}

static void members_signal(const struct members *members, int signal)
{
	for (size_t i = 0; i < members->count; i++) {
		CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, members->pids[i], 0);

		if (pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
	}
}

/* The last line about a user: how long and how much. */
static void logout_log(struct host *host, uid_t uid)
{
	struct user_state s;
	struct uplink_counters bytes;
	char address[ADDRESS_TEXT_MAX], address6[ADDRESS_TEXT_MAX] = "none";

	if (state_read(host->run, uid, &s) < 0)
		return;
	bytes = uplink_count(&host->route, s.ifindex);
	if (s.address6.family)
		address_format(&s.address6, address6);
	log_info(
	    "last logout: user=%s uid=%u profile=%s network=%s netns=%s interface=%s address=%s "
	    "address6=%s seconds=%lld bytes_in=%llu bytes_out=%llu",
	    s.user, s.uid, s.profile, s.network, s.netns, s.interface,
	    address_format(&s.address, address), address6, (long long)(time(NULL) - s.since),
	    (unsigned long long)bytes.in, (unsigned long long)bytes.out);
}

/* Nobody was inside twice. Tears down unless a session has come meanwhile. */
static int reap_locked(struct host *host, uid_t uid)
{
	bool live = false;
	int result = lock_take(host->lock, host->proc, uid);

	if (result < 0)
		return result;
	result = session_prune(host->run, host->proc, uid, &live);
	if (result < 0 && result != -ENOENT) {
		log_errno(-result, "look at the sessions of uid %u", uid);
	} else if (live) {
		result = REAPER_IN_USE;
	} else {
		logout_log(host, uid);
		result = teardown(host, uid, NULL);
	}
	lock_release(host->lock, uid);
	return result;
}

int reap(struct host *host, uid_t uid, int timeout_ms, bool kill)
{
	long start = now_ms(), deadline = start + timeout_ms;
	int pause = REAPER_PAUSE_MS, empty = 0;
	bool terminated = false;

	for (;;) {
		CLEANUP_MEMBERS struct members members;
		bool live = false;
		int result = session_prune(host->run, host->proc, uid, &live);

		if (result < 0 && result != -ENOENT)
			return log_errno(-result, "look at the sessions of uid %u", uid);
		if (live && !kill)
			return REAPER_IN_USE;
		result = members_find(host, uid, &members);
		if (result < 0)
			return result;
		empty = members.count ? 0 : empty + 1;
		if (empty == 2)
			return reap_locked(host, uid);
		if (empty)
			continue;
		if (now_ms() >= deadline)
			return REAPER_IN_USE;
		if (kill) {
			members_signal(&members,
				       now_ms() - start < KILL_GRACE_MS ? SIGTERM : SIGKILL);
			if (!terminated)
				members_signal(&members, SIGCONT);
			terminated = true;
		}
		members_wait(&members, pause);
		pause = pause * 2 < REAPER_PAUSE_MAX ? pause * 2 : REAPER_PAUSE_MAX;
	}
}

static void syslog_sink(void *context, int level, const char *text)
{
	(void)context;
	syslog(level, "%s", text);
}

static void reaper_run(struct host *host, uid_t uid)
{
	struct user_state state;
	bool kill = state_read(host->run, uid, &state) == 0 && state.linger == LINGER_NO;

	openlog("pam_netns", LOG_PID, LOG_AUTHPRIV);
	log_set_sink(syslog_sink, NULL);
	if (reap(host, uid, REAPER_WAIT_MS, kill) == REAPER_IN_USE)
		log_debug("uid %u is still in", uid);
}

int reaper_start(struct host *host, uid_t uid)
{
	pid_t pid = fork();

	if (pid < 0)
		return log_errno(errno, "start the reaper");
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return 0;
	}
	/* Twice, so that the caller's wait for the helper does not become one for the reaper. */
	pid = fork();
	if (pid == 0) {
		CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		alarm(2 * REAPER_WAIT_MS / 1000); /* its own deadline */
		if (null >= 0 && dup2(null, STDIN_FILENO) >= 0)
			reaper_run(host, uid);
	}
	_exit(0);
}
