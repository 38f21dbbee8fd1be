/* A logout and a kick from the verb on: the reaper, notes and failures. */
#include "login_world.h"

static int close_session(const char *expected)
{
	int result;

	world.done[0] = '\0';
	reply = (struct reply){.outcome = OUTCOME_REFUSED};
	result = verb_close(&host, &request, &reply);
	assert_string_equal(world.done, expected);
	return result;
}

static void session_put(pid_t pid, int later)
{
	struct session s = {.service = "su"};

	assert_int_equal(process_read(host.proc, pid, &s.leader, NULL), 0);
	s.leader.start += (unsigned long long)later;
	assert_int_equal(session_add(scratch, USER, &s), 0);
}

static void test_end_of_last_session_starts_the_reaper(void **state)
{
	struct session session;

	(void)state;
	session_put(getpid(), 0);
	assert_int_equal(close_session("reaper"), 0);
	assert_int_equal(reply.outcome, OUTCOME_HOST);
	assert_int_equal(sessions(&session), 0);
	assert_true(noted());
	assert_true(lock_is_free(USER));
}

static void test_live_session_keeps_the_user(void **state)
{
	struct session session;

	(void)state;
	session_put(getpid(), 0);
	session_put(getppid(), 0);
	session_put(1, 7); /* its leader has ended */
	assert_int_equal(close_session(""), 0);
	assert_false(noted());
	assert_true(sessions(&session) >= 1);
	assert_true(lock_is_free(USER));
}

/* The session has no record, or the user has none: the other sessions are checked all the same. */
static void test_close_without_record_starts_the_reaper(void **state)
{
	(void)state;
	assert_int_equal(close_session("reaper"), 0);
	assert_true(noted());
}

/* systemd's unit watches the notes. */
static void test_systemd_unit_replaces_the_reaper(void **state)
{
	(void)state;
	session_put(getpid(), 0);
	world.unit = true;
	assert_int_equal(close_session(""), 0);
	assert_true(noted());
}

/* Without a note a reaper would find no user. */
static void test_logout_without_note_is_left_to_gc(void **state)
{
	(void)state;
	assert_int_equal(unlinkat(scratch, "closing", AT_REMOVEDIR), 0);
	session_put(getpid(), 0);
	assert_int_equal(close_session(""), 0);
	assert_true(lock_is_free(USER));
}

static void test_failed_logout_is_an_error(void **state)
{
	(void)state;
	session_put(getpid(), 0);
	world.return_error = -EMFILE;
	assert_int_equal(close_session(""), -EMFILE);
	world.return_error = 0;
	world.reaper_error = -EAGAIN;
	assert_int_equal(close_session("reaper"), -EAGAIN);
	host.caller = 4000000;
	assert_int_equal(close_session(""), -ESRCH);
	assert_true(lock_is_free(USER));
}

static void test_kick_waits_for_the_user(void **state)
{
	(void)state;
	assert_int_equal(verb_kick(&host, &request, &reply), 0);
	assert_string_equal(world.done, "reap");
	assert_int_equal(reply.outcome, OUTCOME_DONE);
	world.reap_error = -EBUSY;
	assert_int_equal(verb_kick(&host, &request, &reply), -EBUSY);
	assert_non_null(strstr(log_last, "2001"));
	world.return_error = -EMFILE;
	assert_int_equal(verb_host(&host, &request, &reply), -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_end_of_last_session_starts_the_reaper),
	    TEST(test_live_session_keeps_the_user),
	    TEST(test_close_without_record_starts_the_reaper),
	    TEST(test_systemd_unit_replaces_the_reaper),
	    TEST(test_logout_without_note_is_left_to_gc),
	    TEST(test_failed_logout_is_an_error),
	    TEST(test_kick_waits_for_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
