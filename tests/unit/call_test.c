/* The call of the helper: its result for each kind of helper. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "fake_helper.h"
#include "fds.h"

static const struct request request = {.who = {.user = "alice", .uid = 1000}};

static void fake_report(struct reply *reply)
{
	(void)reply;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Each call leaves neither descriptors nor children. */
static int call(const char *verb, unsigned deadline_ms, struct reply *reply)
{
	unsigned before = fds_open();
	int error = helper_call(verb, &request, deadline_ms, reply);

	assert_int_equal(fds_open(), before + reply->handed_count);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return error;
}

static void call_fails(const char *verb, unsigned deadline_ms, int error, const char *logged)
{
	struct reply reply;

	assert_int_equal(call(verb, deadline_ms, &reply), error);
	assert_int_equal(reply.handed_count, 0);
	assert_int_equal(log_last_level, LOG_ERR);
	if (!strstr(log_last, logged))
		fail_msg("logged \"%s\", not \"%s\"", log_last, logged);
}

static void reply_of_the_helper_is_returned(void **state)
{
	struct stat here, handed;
	struct reply reply;

	(void)state;
	assert_int_equal(call("open", 10000, &reply), 0);
	assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
	assert_string_equal(reply.line, "user=alice groups=0");
	assert_int_equal(reply.handed_count, 1);
	assert_int_equal(stat("/proc/self/ns/net", &here), 0);
	assert_int_equal(fstat(reply.handed[0].fd, &handed), 0);
	assert_int_equal(handed.st_ino, here.st_ino);
	assert_int_equal(fcntl(reply.handed[0].fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(log_lines, 1);
	assert_string_equal(log_last, "started");
	reply_close(&reply);
}

static void missing_helper_is_an_error(void **state)
{
	(void)state;
	call_helper_path = "/nonexistent/helper";
	call_fails("open", 1000, -ENOEXEC, "/nonexistent/helper: No such file");
	assert_int_equal(log_lines, 1);
}

static void helper_that_cannot_run_is_an_error(void **state)
{
	(void)state;
	call_helper_path = "/etc/passwd";
	call_fails("open", 1000, -ENOEXEC, "/etc/passwd: Permission denied");
	call_helper_path = "/";
	call_fails("open", 1000, -ENOEXEC, "Permission denied");
}

static void helper_that_ends_silently_is_an_error(void **state)
{
	(void)state;
	call_fails("silent", 10000, -EPIPE, "without a reply (exit status 3)");
	call_fails("crash", 10000, -EPIPE, "without a reply (signal 9)");
	call_fails("empty", 10000, -EPIPE, "without a reply");
}

static void timed_out(const char *verb)
{
	int64_t start = now_ms();

	call_fails(verb, 300, -ETIMEDOUT, "deadline");
	/* Without the deadline it would take 30 s. */
	assert_in_range(now_ms() - start, 300, 15000);
}

static void helper_that_hangs_is_killed(void **state)
{
	(void)state;
	timed_out("hang");
	timed_out("stop");
	timed_out("endless");
}

static void helper_that_closes_the_socket_is_an_error(void **state)
{
	int64_t start = now_ms();

	(void)state;
	call_fails("close", 10000, -EPIPE, "without a reply");
	assert_true(now_ms() - start < 5000);
}

static void helper_that_writes_garbage_is_an_error(void **state)
{
	(void)state;
	call_fails("garbage", 10000, -EBADMSG, "read the reply");
}

static void helper_that_sends_surplus_descriptors_is_an_error(void **state)
{
	(void)state;
	call_fails("surplus", 10000, -EBADMSG, "read the reply");
}

/* It goes on as another child of the caller, and none is left. */
static void helper_that_moves_is_followed(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(call("moves", 10000, &reply), 0);
	assert_string_equal(reply.line, "user=alice groups=0");
	reply_close(&reply);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	timed_out("moves-hang");
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	call_fails("moves-again", 10000, -EBADMSG, "read the reply");
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	/* Not a child: it is not killed. */
	call_fails("moves-elsewhere", 10000, -ECHILD, "read the reply");
	assert_int_equal(waitpid(-1, NULL, 0), -1);
}

static void first_reply_of_two_counts(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(call("twice", 10000, &reply), 0);
	assert_string_equal(reply.line, "user=alice groups=0");
	reply_close(&reply);
}

static void flood_of_log_lines_is_cut(void **state)
{
	struct reply reply;

	(void)state;
	assert_int_equal(call("flood", 10000, &reply), 0);
	assert_true(log_lines > 1);
	assert_true(log_lines <= 1001);
	reply_close(&reply);
}

static void helper_that_stays_after_its_reply_is_killed(void **state)
{
	struct reply reply;

	(void)state;
	/* The helper must reply before this time. */
	assert_int_equal(call("linger", 2000, &reply), 0);
	assert_int_equal(reply.handed_count, 1);
	assert_string_equal(log_last, "helper linger did not end after its reply: killed");
	reply_close(&reply);
}

static void unfit_request_starts_nothing(void **state)
{
	struct request unfit = request;
	struct reply reply;

	(void)state;
	unfit.who.uid = (uid_t)-1;
	assert_int_equal(helper_call("open", &unfit, 1000, &reply), -EINVAL);
	assert_int_equal(reply.handed_count, 0);
	assert_int_equal(log_lines, 1);
}

static void largest_request_arrives(void **state)
{
	struct request large = request;
	struct reply reply;
	char name[WHO_GROUPS_SIZE / WHO_GROUPS_MAX];

	(void)state;
	memset(name, 'g', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < WHO_GROUPS_MAX; i++)
		assert_int_equal(who_add_group(&large.who, name), 0);
	assert_int_equal(helper_call("open", &large, 10000, &reply), 0);
	assert_string_equal(reply.line, "user=alice groups=1024");
	reply_close(&reply);
	request_free(&large);
}

static void thousand_calls_leave_nothing(void **state)
{
	struct reply reply;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int expected = 0;

		if (i % 10 == 0) {
			call_helper_path = "/proc/self/exe";
		} else if (i % 2) {
			call_helper_path = "/nonexistent/helper";
			expected = -ENOEXEC;
		} else {
			call_helper_path = "/bin/true";
			expected = -EPIPE;
		}
		assert_int_equal(call("open", 10000, &reply), expected);
		reply_close(&reply);
	}
}

#define CALL_TEST(name) cmocka_unit_test_setup(name, fake_setup)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    CALL_TEST(reply_of_the_helper_is_returned),
	    CALL_TEST(missing_helper_is_an_error),
	    CALL_TEST(helper_that_cannot_run_is_an_error),
	    CALL_TEST(helper_that_ends_silently_is_an_error),
	    CALL_TEST(helper_that_hangs_is_killed),
	    CALL_TEST(helper_that_closes_the_socket_is_an_error),
	    CALL_TEST(helper_that_writes_garbage_is_an_error),
	    CALL_TEST(helper_that_sends_surplus_descriptors_is_an_error),
	    CALL_TEST(helper_that_moves_is_followed),
	    CALL_TEST(first_reply_of_two_counts),
	    CALL_TEST(flood_of_log_lines_is_cut),
	    CALL_TEST(helper_that_stays_after_its_reply_is_killed),
	    CALL_TEST(unfit_request_starts_nothing),
	    CALL_TEST(largest_request_arrives),
	    CALL_TEST(thousand_calls_leave_nothing),
	};

	if (is_fake_helper(argc, argv))
		return fake_helper(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
