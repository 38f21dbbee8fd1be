/* Another process that holds a lock of the file "lock" in the scratch folder. */
#ifndef LOCK_HOLD_H
#define LOCK_HOLD_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/lock.h"

/* 0: the process cannot get the lock. */
static pid_t lock_hold(uint64_t which)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		int lock = openat(scratch, "lock", O_RDWR | O_CLOEXEC);

		byte = lock_try(lock, which) == 0;
		if (write(ends[1], &byte, 1) == 1 && byte)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return byte ? pid : 0;
}

static void lock_holder_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
