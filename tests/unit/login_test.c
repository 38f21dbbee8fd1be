/* A login from the verb on: first and further logins, and failures of each step. */
#include "login_world.h"

static void test_first_login_makes_all_resources(void **state)
{
	struct session session;

	(void)state;
	assert_int_equal(note_make(&host, USER), 0);
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
	assert_int_equal(reply.handed_count, 1);
	assert_string_equal(reply.line, "profile=p");
	assert_int_equal(sessions(&session), 1);
	assert_int_equal(session.leader.pid, getpid());
	assert_string_equal(session.service, "sshd");
	assert_string_equal(session.tty, "");
	assert_string_equal(session.rhost, "192.0.2.1");
	assert_false(noted());
	assert_string_equal(log_last, ""); /* the module logs it */
	log_info("mended");
	assert_string_equal(log_last, "mended");
}

static void test_further_login_checks_resources(void **state)
{
	struct session session;

	(void)state;
	world.check_error = 0;
	assert_int_equal(note_make(&host, USER), 0);
	assert_int_equal(open_session("setup check"), 0);
	assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
	assert_int_equal(sessions(&session), 1);
	assert_false(noted());
}

/* An unknown state is no reason to remove an active user's things. */
static void test_failed_check_removes_nothing(void **state)
{
	struct session session;

	(void)state;
	world.check_error = -EIO;
	assert_int_equal(open_session("setup check"), -EIO);
	assert_int_equal(sessions(&session), 0);
	assert_int_equal(reply.handed_count, 0);
}

static void test_leftovers_that_stay_refuse_login(void **state)
{
	(void)state;
	world.remove_error = -EBUSY;
	assert_int_equal(open_session("setup check remove"), -EBUSY);
}

static void test_failed_set_up_refuses_login(void **state)
{
	(void)state;
	world.setup_error = -EPERM;
	assert_int_equal(open_session("setup"), -EPERM);
	world.setup_error = 0;
	world.ipv6_error = -EAFNOSUPPORT;
	assert_int_equal(open_session("setup check remove follow has6"), -EAFNOSUPPORT);
	world.ipv6_error = 0;
	world.resolv_error = -ENOSPC;
	assert_int_equal(open_session("setup check remove follow has6 resolv"), -ENOSPC);
	world.resolv_error = 0;
	world.follow_error = -EIO;
	assert_int_equal(open_session("setup check remove follow"), -EIO);
}

/* IPv6 was disabled after the set-up: the kernel returns EACCES, and all is made once more. */
static void test_disabled_ipv6_is_tried_once_more(void **state)
{
	(void)state;
	world.network_ipv6 = true;
	assert_int_equal(open_session("setup check remove has6 resolv make"), 0);
	world.make_errors[0] = -EACCES;
	world.follow_takes_ipv6 = true;
	assert_int_equal(
	    open_session("setup check remove has6 resolv make follow has6 resolv make"), 0);
	world.make_errors[1] = -EACCES; /* not for ever */
	assert_int_equal(
	    open_session("setup check remove has6 resolv make follow has6 resolv make"), -EACCES);
	world.follow_error = -EIO;
	assert_int_equal(open_session("setup check remove has6 resolv make follow"), -EIO);
	world.follow_error = 0;
	world.make_errors[0] = -EIO; /* no second attempt after another error */
	assert_int_equal(open_session("setup check remove has6 resolv make"), -EIO);
	world.make_errors[0] = -EACCES;
	world.network_ipv6 = false; /* nor after this one without IPv6 */
	world.follow_takes_ipv6 = false;
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), -EACCES);
}

/* A first login without a record is undone. A further one leaves the user's things. */
static void test_session_without_record_is_undone(void **state)
{
	int fds;

	(void)state;
	world.session_folder_gone = true;
	fds = fds_open();
	assert_true(open_session("setup check remove follow has6 resolv make undo") < 0);
	assert_int_equal(fds_open(), fds);
	host.run = -1;
	world.check_error = 0;
	assert_true(open_session("setup check") < 0);
}

static void test_profile_decides_on_isolation(void **state)
{
	(void)state;
	strcpy(request.who.user, "bob");
	assert_int_equal(open_session(""), -EACCES);
	assert_non_null(strstr(log_last, "bob"));
	world.conf = CONF "[profile q]\nmatch = *\nisolate = no\n";
	assert_int_equal(open_session(""), 0);
	assert_int_equal(reply.outcome, OUTCOME_HOST);
	world.conf = NULL;
	assert_int_equal(open_session(""), -ENOENT);
}

static void test_ended_caller_refuses_login(void **state)
{
	(void)state;
	host.caller = 4000000;
	assert_int_equal(open_session(""), -ESRCH);
	assert_non_null(strstr(log_last, "4000000"));
}

static void test_log_logins_holds_other_lines_back(void **state)
{
	char expected[256];

	(void)state;
	world.conf = "[defaults]\nlog = logins\n" CONF;
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	snprintf(expected, sizeof(expected),
		 "first login: user=alice uid=2001 service=sshd tty=- rhost=192.0.2.1 leader=%d "
		 "profile=p",
		 (int)getpid());
	assert_string_equal(log_last, expected);
	log_info("mended"); /* held back, but not lines about users */
	assert_string_equal(log_last, expected);
	strcpy(request.service, "cron"); /* for a job the line at its end is enough */
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	assert_string_equal(log_last, "");
	strcpy(request.service, "sshd");
	world.check_error = 0;
	assert_int_equal(open_session("setup check"), 0);
	assert_string_equal(log_last, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_first_login_makes_all_resources),
	    TEST(test_further_login_checks_resources),
	    TEST(test_failed_check_removes_nothing),
	    TEST(test_leftovers_that_stay_refuse_login),
	    TEST(test_failed_set_up_refuses_login),
	    TEST(test_disabled_ipv6_is_tried_once_more),
	    TEST(test_session_without_record_is_undone),
	    TEST(test_profile_decides_on_isolation),
	    TEST(test_ended_caller_refuses_login),
	    TEST(test_log_logins_holds_other_lines_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
