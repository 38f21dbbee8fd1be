/*
 * The probe of doctor's for links in other networks, on the real kernel: in a network that the host
 * owns, and in one that the maker of the link owns, where the kernel must make it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fds.h"

#include "../../cli/doctor/peer.c"

/* The maker's user namespace owns both networks. */
static void link_in_an_own_network_is_made(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		int net = owned_make(OWNER, OWNER);

		_exit(net < 0 ? PEER_UNKNOWN : peer_try(net, net));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), PEER_MADE);
}

static void probe_leaves_this_process_alone(void **state)
{
	int before = fds_open();

	(void)state;
	assert_true(peer_refused(-1) >= 0);
	assert_int_equal(peer_refused(1000), -1); /* no descriptor */
	assert_int_equal(fds_open(), before);
	assert_int_equal(geteuid(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(link_in_an_own_network_is_made),
	    cmocka_unit_test(probe_leaves_this_process_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
