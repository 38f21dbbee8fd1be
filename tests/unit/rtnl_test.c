/* Which waits are told as waits for the kernel's lock of network configuration (T40). */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "net/rtnl.h"

static char state_of(int proc, pid_t pid)
{
	struct process process;
	char state = '?';

	return process_read(proc, pid, &process, &state) == 0 ? state : '?';
}

static void wait_for_state(int proc, pid_t pid, char state)
{
	for (int i = 0; i < 10000 && state_of(proc, pid) != state; i++)
		usleep(1000);
	assert_int_equal(state_of(proc, pid), state);
}

/* One that a signal wakes; one that none wakes, but in another call: vfork(2); one that is gone. */
static void other_waits_are_none(void **unused)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	wait_for_state(proc, pid, 'S');
	assert_false(rtnl_awaited(proc, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(rtnl_awaited(proc, pid));
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (vfork() == 0) {
			usleep(600000000);
			_exit(1);
		}
		_exit(0);
	}
	wait_for_state(proc, pid, 'D');
	assert_false(rtnl_awaited(proc, pid));
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char logged[256];

static void keep(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	strncpy(logged, text, sizeof(logged) - 1);
}

static void long_waits_are_told(void **state)
{
	(void)state;
	log_set_sink(keep, NULL);
	rtnl_tell(clock_ms());
	assert_string_equal(logged, "");
	rtnl_tell(clock_ms() - 5000);
	assert_non_null(strstr(logged, "waited 5"));
	log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_waits_are_none),
	    cmocka_unit_test(long_waits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
