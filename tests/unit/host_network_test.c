/*
 * `auth ... host`: into the host's network and back, with real network namespaces and a fake helper that
 * sends the "host's". Runs as root.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_pam.h"
#include "fault.h"

#include "call/call.h"

#define CONF "/mnt/conf"

static struct {
	int host;  /* its network namespace */
	int error; /* no reply */
	enum outcome outcome;
	enum namespace_kind kind; /* of the sent namespace */
	uint64_t surplus;	  /* added to its inode */
	unsigned calls;
} helper;
static unsigned errors; /* logged errors */

static int fake_call(const char *verb, const struct request *request, unsigned deadline_ms,
		     struct reply *reply)
{
	struct stat st;

	assert_string_equal(verb, "host");
	assert_string_equal(request->conf, CONF);
	assert_string_equal(request->who.user, "root");
	assert_string_equal(request->who.account, "root");
	assert_string_equal(request->who.group, "root");
	assert_int_equal(request->who.uid, 0);
	assert_int_equal(deadline_ms, 2000);
	helper.calls++;
	if (helper.error)
		return helper.error;
	assert_int_equal((fstat)(helper.host, &st), 0);
	*reply = (struct reply){.outcome = helper.outcome, .handed_count = 2};
	for (int i = 0; i < 2; i++)
		reply->handed[i] = (struct handed){.kind = i ? helper.kind : KIND_UTS,
						   .device = st.st_dev,
						   .inode = st.st_ino + helper.surplus,
						   .fd = fcntl(helper.host, F_DUPFD_CLOEXEC, 3)};
	return 0;
}

#define helper_call	     fake_call
#define calloc(number, size) FAULT_NULL(calloc(number, size))
#define setns(fd, type)	     FAULT(setns(fd, type))
#define namespace_open(...)  FAULT(namespace_open(__VA_ARGS__))
#define stat(path, st)	     FAULT(stat(path, st))

#include "../../pam_module/host_network.c"

#undef calloc
#undef setns
#undef namespace_open
#undef stat

static const struct arguments arguments = {.conf = CONF, .host = true};

static void count_errors(void *context, int level, const char *text)
{
	(void)context;
	(void)text;
	errors += level == LOG_ERR;
}

static ino_t net_now(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	return st.st_ino;
}

static ino_t host_net, user_net;

#include "text_write.h"

/* Moves this process to a user's network. */
static int group_setup(void **state)
{
	(void)state;
	umask(022);
	helper.host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	host_net = net_now();
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755,size=1m")) {
		perror("host_network_test needs root");
		return -1;
	}
	user_net = net_now();
	log_set_sink(count_errors, NULL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	helper.error = 0;
	helper.outcome = OUTCOME_HOST;
	helper.kind = KIND_NET;
	helper.surplus = helper.calls = errors = 0;
	text_write(CONF, "[defaults]\ndeadline = 2s\n[network default]\n[profile p]\nmatch = *\n");
	return 0;
}

/* Returns to the user's network without data, after each test. */
static int teardown(void **state)
{
	(void)state;
	if (host_network_leave(&pam) || net_now() != user_net)
		return -1;
	pam_finish();
	return 0;
}

static void test_process_enters_and_leaves_the_hosts_network(void **state)
{
	int fds = fds_open();

	(void)state;
	assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
	assert_int_equal(net_now(), host_net);
	assert_int_equal(fds_open(), fds + 1);
	assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
	assert_int_equal(fds_open(), fds);
	assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
	assert_int_equal(errors, 0);
}

/* sudo authenticates again after a wrong password. */
static void test_second_authentication_keeps_the_way_back(void **state)
{
	int fds = fds_open();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
		assert_int_equal(net_now(), host_net);
	}
	assert_int_equal(helper.calls, 3);
	assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
	assert_int_equal(fds_open(), fds);
}

/* Authentication fails without the host's network, and the process keeps a way back. */
static void assert_unavailable(unsigned calls)
{
	int fds = fds_open();

	helper.calls = errors = 0;
	assert_int_equal(host_network_enter(&pam, &arguments), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(helper.calls, calls);
	assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
	assert_int_equal(fds_open(), fds);
}

static void test_failed_helper_refuses_authentication(void **state)
{
	(void)state;
	helper.error = -ETIMEDOUT;
	assert_unavailable(1);
	helper.error = 0;
	helper.outcome = OUTCOME_REFUSED;
	assert_unavailable(1);
	helper.outcome = OUTCOME_ISOLATED;
	assert_unavailable(1);
	helper.outcome = OUTCOME_HOST;
	helper.kind = KIND_MNT; /* no network */
	assert_unavailable(1);
	assert_int_equal(errors, 1);
	helper.kind = KIND_NET;
	helper.surplus = 1; /* not the promised one */
	assert_unavailable(1);
	assert_int_equal(errors, 1);
}

static void test_bad_conf_refuses_authentication(void **state)
{
	(void)state;
	text_write(CONF, "nonsense\n");
	assert_unavailable(0);
	assert_true(errors > 0);
	assert_int_equal(unlink(CONF), 0);
	assert_unavailable(0);
	assert_int_equal(errors, 1);
}

/* Without a way back the host's network is not entered. */
static void test_missing_pam_data_refuses_authentication(void **state)
{
	(void)state;
	pam.set_data_at = 1;
	assert_unavailable(0);
	assert_int_equal(errors, 1);
}

/* The child goes back, and the parent's data stays. */
static void test_child_that_leaves_keeps_the_parents_way_back(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
	pid = fork();
	if (pid == 0) {
		int result = host_network_leave(&pam);

		_exit(result == 0 && net_now() == host_net ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
}

/* A child that authenticates again keeps its own origin. */
static void test_child_that_authenticates_has_its_own_way_back(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
	pid = fork();
	if (pid == 0) {
		ino_t own;

		if (unshare(CLONE_NEWNET))
			_exit(1);
		own = net_now();
		if (host_network_enter(&pam, &arguments) != PAM_IGNORE || net_now() != host_net)
			_exit(2);
		if (host_network_leave(&pam) || net_now() != own)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A process that cannot go back logs it, and keeps its way back. */
static void test_failed_way_back_is_kept_and_logged(void **state)
{
	(void)state;
	assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
	fault_error = EPERM;
	fault_calls = 0;
	fault_at = 1;
	assert_int_equal(host_network_leave(&pam), -EPERM);
	fault_at = 0;
	assert_int_equal(errors, 1);
	assert_int_equal(net_now(), host_net);
	assert_int_equal(host_network_leave(&pam), 0);

	assert_int_equal(host_network_enter(&pam, &arguments), PAM_IGNORE);
	pam.set_data_calls = 0;
	pam.set_data_at = 1;
	errors = 0;
	assert_int_equal(host_network_leave(&pam), -ENOMEM);
	assert_int_equal(errors, 1);
}

static void body(void)
{
	int entered;
	ino_t now;

	errors = 0;
	entered = host_network_enter(&pam, &arguments);
	now = net_now();
	/* namespace_open() logs its own errors, but not its fake. */
	assert_true(entered == PAM_IGNORE || errors == 1 || fault_at == 2);

	assert_true(entered == PAM_IGNORE ? now == host_net : entered == PAM_AUTHINFO_UNAVAIL);
	if (!fault_was_hit())
		assert_int_equal(entered, PAM_IGNORE);
	if (host_network_leave(&pam))
		assert_int_equal(host_network_leave(&pam), 0);
	assert_int_equal(net_now(), user_net);
}

static void test_each_failing_call_refuses(void **state)
{
	(void)state;
	/* 2 allocations, the namespace, setns, stat, setns */
	assert_int_equal(fault_sweep(ENOMEM, body), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_process_enters_and_leaves_the_hosts_network),
	    TEST(test_second_authentication_keeps_the_way_back),
	    TEST(test_failed_helper_refuses_authentication),
	    TEST(test_bad_conf_refuses_authentication),
	    TEST(test_missing_pam_data_refuses_authentication),
	    TEST(test_child_that_leaves_keeps_the_parents_way_back),
	    TEST(test_child_that_authenticates_has_its_own_way_back),
	    TEST(test_failed_way_back_is_kept_and_logged),
	    TEST(test_each_failing_call_refuses),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
