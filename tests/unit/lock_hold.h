/* Another process that holds a lock of the file "lock" in the scratch folder. */
#ifndef LOCK_HOLD_H
#define LOCK_HOLD_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "state/lock.h"

/* 0: the process cannot get the lock. It ends when the test does. */
static inline pid_t lock_hold(uint64_t which)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int lock = openat(scratch, "lock", O_RDWR | O_CLOEXEC);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = lock_try(lock, which) == 0;
		if (write(ends[1], &byte, 1) == 1 && byte)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	if (!byte)
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	return byte ? pid : 0;
}

static inline void lock_holder_end(pid_t pid)
{
	assert_true(pid > 0); /* 0 would be the test's own group */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process does not see its own locks, so it is another process that tells. */
static inline bool lock_is_free(uint64_t which)
{
	pid_t pid = lock_hold(which);

	if (pid)
		lock_holder_end(pid);
	return pid != 0;
}

#endif
