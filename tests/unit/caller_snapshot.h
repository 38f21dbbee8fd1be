/* The state of a process that its children inherit, or that a library must not change; for processes of tests. */
#ifndef PAM_NETNS_CALLER_SNAPSHOT_H
#define PAM_NETNS_CALLER_SNAPSHOT_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ioprio.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Descriptors as "number=target", sorted as the kernel lists them. */
static void list_fds(char *out, size_t size)
{
	CLEANUP_DIR DIR *dir = opendir("/proc/self/fd");
	size_t used = 0;
	struct dirent *entry;

	out[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		char target[256];
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (length < 0 || atoi(entry->d_name) == dirfd(dir))
			continue;
		target[length] = '\0';
		used += (size_t)snprintf(out + used, size - used, "%s=%s ", entry->d_name,
					 strncmp(target, "socket:", 7) ? target : "socket");
	}
}

/* For children, in which cmocka's assertions must not run. */
static void must(bool condition, int code)
{
	if (!condition)
		_exit(code);
}

struct snapshot {
	char fds[4096], cwd[PATH_MAX];
	sigset_t mask;
	struct {
		void (*handler)(int);
		int flags;
		uint64_t mask; /* the kernel's whole mask; the C library leaves the rest unset */
	} actions[NSIG];
	struct rlimit limits[RLIM_NLIMITS];
	mode_t umask;
	uid_t uids[3];
	gid_t gids[3];
	int priority, policy, slack, dumpable, persona, cancel;
	long io;
	cpu_set_t cpus;
	char oom[16];
};

static void take_snapshot(struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	list_fds(s->fds, sizeof(s->fds));
	must(getcwd(s->cwd, sizeof(s->cwd)) && !sigprocmask(SIG_BLOCK, NULL, &s->mask), 20);
	for (int i = 1; i < NSIG; i++) {
		struct sigaction action = {.sa_flags = 0};

		(void)sigaction(i, NULL, &action);
		s->actions[i].handler = action.sa_handler;
		s->actions[i].flags = action.sa_flags;
		memcpy(&s->actions[i].mask, &action.sa_mask, sizeof(s->actions[i].mask));
	}
	for (int i = 0; i < RLIM_NLIMITS; i++)
		must(!getrlimit(i, &s->limits[i]), 21);
	s->umask = umask(0);
	umask(s->umask);
	must(!getresuid(&s->uids[0], &s->uids[1], &s->uids[2]), 22);
	must(!getresgid(&s->gids[0], &s->gids[1], &s->gids[2]), 23);
	s->priority = getpriority(PRIO_PROCESS, 0);
	s->policy = sched_getscheduler(0);
	s->slack = prctl(PR_GET_TIMERSLACK);
	s->dumpable = prctl(PR_GET_DUMPABLE);
	s->persona = personality(0xffffffff);
	s->io = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	must(!sched_getaffinity(0, sizeof(s->cpus), &s->cpus), 24);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &s->cancel);
	pthread_setcancelstate(s->cancel, NULL);
	CLEANUP_FD int oom = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	must(oom >= 0 && read(oom, s->oom, sizeof(s->oom) - 1) > 0, 25);
}

#endif
