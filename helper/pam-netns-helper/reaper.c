/*
 * The reaper: after a last session closed, it serves the notes of users who are
 * leaving (closing.h).
 *
 * It runs detached, because at close the shell of a vanished client still lives. One reaper serves
 * all users, because reading the process list is the expensive part. The reaper at work holds
 * LOCK_REAPER, and the next one waits with LOCK_REAPER_NEXT. If both are taken, a third need not
 * start: the second will read its note. A reaper works for 15 s at most. So if the second has
 * waited for longer, the first is stuck (a user may have frozen its control group), and the second
 * works without the lock. The lock only saves work.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <syslog.h>
#include <time.h>

#include "closing.h"
#include "leaving.h"
#include "state/lock.h"
#include "base/log.h"

#define REAP_PAUSE_MS	50    /* between two readings for one user */
#define ALARM_S		60    /* its own deadline */
#define FOLLOW_MS	20000 /* the time that the second one waits for the first */
#define FOLLOW_PAUSE_MS 20

int reap(struct host *host, uid_t uid, int timeout_ms, bool kill)
{
	struct leaving l = {.uid = uid, .since = now_ms(), .kill = kill};
	struct user_state state;
	unsigned kinds = state_read(host->run, uid, &state) == 0 ? state.namespaces : 0;
	int result;

	do {
		CLEANUP_PROCESS_LIST struct process_list processes = {0};

		result = process_list_read(host, kinds, kill, &processes);
		result = result ?: leaving_look(host, &processes, &l);
		if (result == LOOKED_IN)
			leaving_wait(&l, 1, REAP_PAUSE_MS);
	} while (result == LOOKED_EMPTY ||
		 (result == LOOKED_IN && now_ms() - l.since < timeout_ms));
	return result > 0 ? -EBUSY : result;
}

static void syslog_sink(void *context, int level, const char *text)
{
	(void)context;
	syslog(level, "%s", text);
}

static void reaper_run(struct host *host)
{
	const struct timespec pause = {0, FOLLOW_PAUSE_MS * 1000000L};
	long start = now_ms();

	openlog("pam_netns", LOG_PID, LOG_AUTHPRIV);
	log_set_sink(syslog_sink, NULL);
	/* A logout opens no sockets, but a reaper that follows another has those of the first. */
	if (host->route.fd < 0 && host_sockets(host) < 0)
		return;
	if (lock_try(host->lock, LOCK_REAPER_NEXT) < 0)
		return;
	while (lock_try(host->lock, LOCK_REAPER) == -EAGAIN && now_ms() - start < FOLLOW_MS)
		nanosleep(&pause, NULL);
	lock_release(host->lock, LOCK_REAPER_NEXT);
	if (closing_serve(host, true) == 1 && reaper_start(host) < 0)
		log_warning("some users are left to gc");
}

int reaper_start(struct host *host)
{
	pid_t pid;

	if (lock_held(host->lock, LOCK_REAPER_NEXT))
		return 0;
	pid = fork();
	if (pid < 0)
		return log_errno(errno, "start the reaper");
	if (pid > 0)
		return 0;
	CLEANUP_FD int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	alarm(ALARM_S);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0)
		reaper_run(host);
	_exit(0);
}
