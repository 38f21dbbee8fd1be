/*
 * A host for a test: new PID, network, mount and UTS namespaces, an empty /run, and a PID 1 that waits.
 * The tests run in its child, and all processes end with it. For root.
 */
#ifndef PAM_NETNS_OWN_HOST_H
#define PAM_NETNS_OWN_HOST_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/namespaces.h"
#include "base/paths.h"
#include "ns/pins.h"

/* All but a PID namespace, which a process does not join itself. */
#define OWN_KINDS (NAMESPACES_ALL & ~NAMESPACE_PID)
#define OWN_NAMESPACES                                                                             \
	(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWTIME | CLONE_NEWCGROUP | CLONE_NEWNS)

static inline bool own_host_mounts(void)
{
	umask(022);
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", 0, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, "mode=755,size=16m") == 0 &&
	       mkdir(RUN_DIR, 0755) == 0;
}

/*
 * Ends with the exit status of the tests. Not by exit(3): LeakSanitizer cannot start a thread in a
 * PID namespace whose PID 1 has ended, and has looked at the tests' process already.
 */
static inline void own_host_run(int (*tests)(void))
{
	int status = 1;
	pid_t first, pid;

	if (unshare(OWN_NAMESPACES | CLONE_NEWPID)) {
		perror("this test needs root");
		_exit(1);
	}
	first = fork();
	if (first == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!own_host_mounts()) {
			perror("cannot mount /proc and /run");
			_exit(1);
		}
		pid = fork();
		if (pid == 0)
			exit(tests());
		while (waitpid(-1, &status, 0) != pid)
			;
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(first, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/*
 * Starts a child that runs the function, and then stays until it is killed. 0: the function returned
 * false.
 */
static inline pid_t own_child(bool (*become)(void *context), void *context)
{
	int ends[2];
	char byte = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return 0;
	pid = fork();
	if (pid == 0) {
		byte = become(context);
		if (write(ends[1], &byte, 1) == 1 && byte)
			for (;;)
				pause();
		_exit(1);
	}
	if (read(ends[0], &byte, 1) != 1)
		byte = 0;
	close(ends[0]);
	close(ends[1]);
	return byte ? pid : 0;
}

static inline void own_child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline bool become_unshared(void *context)
{
	return unshare(*(const int *)context) == 0;
}

static inline int own_pins_attempt(void *context)
{
	const uid_t uid = *(const uid_t *)context;
	int flags = OWN_NAMESPACES, result = pins_begin(uid);
	pid_t pid = own_child(become_unshared, &flags);
	char path[64];

	for (int i = 0; i < NAMESPACE_KINDS && result == 0; i++) {
		CLEANUP_FD int fd = -1;

		if (!(OWN_KINDS & namespace_kinds[i].bit))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, namespace_kinds[i].made);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		result = pin_add(uid, (enum namespace_kind)i, fd);
	}
	own_child_end(pid);
	return result;
}

/* Makes published pins of namespaces without processes. */
static inline int own_pins_make(uid_t uid)
{
	int result = pin_retry(own_pins_attempt, &uid);

	return result < 0 ? result : pins_publish(uid);
}

/* Enters the pinned namespaces of these kinds. */
struct own_member {
	uid_t uid;
	unsigned kinds; /* enum namespace_bit */
};

static inline bool become_member(void *context)
{
	const struct own_member *member = context;
	struct namespaces pins;
	bool good = pins_open(member->uid, member->kinds, &pins) == 0;

	for (int i = 0; i < NAMESPACE_KINDS; i++)
		good = good &&
		       (pins.fd[i] < 0 || setns(pins.fd[i], namespace_kinds[i].clone_flag) == 0);
	return good;
}

#endif
