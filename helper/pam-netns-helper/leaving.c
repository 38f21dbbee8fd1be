/* One user who is leaving; see leaving.h. */
#include "leaving.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <syslog.h>

#include "base/clock.h"
#include "note.h"
#include "state/lock.h"
#include "base/log.h"
#include "resource.h"

#define KILL_GRACE_MS 2000 /* between SIGTERM and SIGKILL */
#define WAITED_MAX    64   /* processes to wait for; the end of any one is enough */

long now_ms(void)
{
	return (long)clock_ms();
}

void leaving_wait(const struct leaving *leaving, size_t count, int timeout_ms)
{
	struct pollfd processes[WAITED_MAX];
	nfds_t waited = 0;

	for (size_t i = 0; i < count && waited < WAITED_MAX; i++) {
		int fd = leaving[i].first ? (int)syscall(SYS_pidfd_open, leaving[i].first, 0) : -1;

		if (fd >= 0)
			processes[waited++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	(void)poll(processes, waited, timeout_ms);
	while (waited > 0)
		cleanup_fd(&processes[--waited].fd);
}

static void members_signal(const struct host *host, const struct members *members, int signal)
{
	for (size_t i = 0; i < members->count; i++) {
		CLEANUP_FD int pidfd = (int)syscall(SYS_pidfd_open, members->pids[i], 0);

		if (pidfd >= 0 && member_there(host, members, members->pids[i]))
			(void)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
	}
}

/*
 * The last line about a user, with duration and traffic. It always goes to syslog(3), as the lines
 * of sessions do, and never to the terminal of gc or kick: together these lines answer which user
 * had an address.
 */
static void logout_log(struct host *host, uid_t uid)
{
	CLEANUP_USER struct user user;
	char words[512], end[128];

	user_init(&user, host, uid);
	if (state_read(host->run, uid, &user.state) < 0)
		return;
	user_tell(&user, words, sizeof(words));
	user_end(&user, end, sizeof(end));
	openlog("pam_netns", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_INFO, "last logout: user=%s uid=%u %s %s", user.state.user, uid, words, end);
}

/* Two readings found no process. The caller holds the user's lock. */
static int leaving_finish(struct host *host, const struct leaving *l)
{
	bool live = false;
	int result;

	if (l->note && !note_is(host, l->uid, l->note))
		return LOOKED_DONE; /* the user has logged in since */
	result = session_prune(host->run, host->proc, l->uid, &live);
	if (result < 0)
		return log_errno(-result, "look at the sessions of uid %u", l->uid);
	if (live && !l->note)
		return LOOKED_IN;
	if (live) {
		note_forget(host, l->uid);
		return LOOKED_DONE;
	}
	logout_log(host, l->uid);
	result = user_remove(host, l->uid, NULL);
	return result < 0 ? result : LOOKED_DONE;
}

int leaving_look(struct host *host, const struct process_list *processes, struct leaving *l)
{
	CLEANUP_MEMBERS struct members members;
	int result = members_find(host, processes, l->uid, l->kill, &members);

	if (result < 0)
		return result;
	l->first = members.count ? members.pids[0] : 0;
	l->empty = members.count ? 0 : l->empty + 1;
	if (l->empty >= 2) {
		result = lock_try(host->lock, l->uid);
		if (result == -EAGAIN)
			return LOOKED_IN;
		if (result < 0)
			return log_errno(-result, "lock the user with uid %u", l->uid);
		result = leaving_finish(host, l);
		lock_release(host->lock, l->uid);
		return result;
	}
	if (l->empty)
		return LOOKED_EMPTY;
	if (l->kill) {
		members_signal(host, &members,
			       now_ms() - l->since < KILL_GRACE_MS ? SIGTERM : SIGKILL);
		if (!l->terminated)
			members_signal(host, &members, SIGCONT);
		l->terminated = true;
	}
	return LOOKED_IN;
}
