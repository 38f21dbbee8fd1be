/* pam-netns list: the users that it prints, as a table and as JSON. */
#include "cli_list_world.h"

static void test_host_without_set_up_has_empty_list(void **state)
{
	(void)state;
	assert_int_equal(rmdir(USERS_DIR) | rmdir(CLOSING_DIR) | rmdir(RUN_DIR), 0);
	assert_int_equal(list(false, false), STATUS_FINE);
	assert_string_equal(output, "USER  ADDRESS  SESSIONS  SINCE\n");
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_string_equal(output, "[]\n");
	assert_int_equal(status_of("nobody", true), STATUS_FAILED);
	assert_string_equal(output, "");
	dir_make(RUN_DIR);
}

/* The list does not have the order of the folders. Each cell is in its column. */
static void test_list_is_in_order_of_uids(void **state)
{
	(void)state;
	proc_make(STATISTICS);
	user_add(10002, "J\xc3\xb6rgen");
	user_add(2001, "al");
	user_add(3000, "ada");
	session_of(2001, 50, "192.0.2.1");
	session_of(2001, 51, "");
	text_write(CLOSING_DIR "/3000", "");
	assert_int_equal(list(false, false), STATUS_FINE);
	assert_string_equal(output,
			    "USER    ADDRESS           SESSIONS  SINCE\n"
			    "al      10.203.4.7               2  2023-11-14 22:13\n"
			    "ada     10.203.4.7          ending  2023-11-14 22:13\n"
			    "J\xc3\xb6rgen  10.203.4.7  processes left  2023-11-14 22:13\n");
}

static void test_wide_list_has_all_columns(void **state)
{
	struct user_state s = record(2001, "al");

	(void)state;
	proc_make(STATISTICS);
	assert_int_equal(address_parse("fd00::7", &s.uplink.address6), 0);
	assert_int_equal(state_write(run, &s), 0);
	user_add(3000, "ada");
	assert_int_equal(list(true, false), STATUS_FINE);
	assert_string_equal(
	    output,
	    "USER   UID  PROFILE  NETWORK  ADDRESS     ADDRESS6  INTERFACE  HOSTNAME        "
	    "SESSIONS  SINCE             RECEIVED  SENT\n"
	    "al    2001  default  lab      10.203.4.7  fd00::7   pnu2001    host      processes "
	    "left  2023-11-14 22:13      5.0G  1.5K\n"
	    "ada   3000  default  lab      10.203.4.7  -         pnu3000    host      processes "
	    "left  2023-11-14 22:13         -     -\n");
}

static void test_user_without_ipv4_is_listed_by_ipv6(void **state)
{
	struct user_state s = record(2001, "al");

	(void)state;
	s.uplink.address = (struct address){.family = 0};
	assert_int_equal(address_parse("fd00::7", &s.uplink.address6), 0);
	assert_int_equal(state_write(run, &s), 0);
	assert_int_equal(list(false, false), STATUS_FINE);
	assert_non_null(strstr(output, "al    fd00::7  "));
}

#define JSON_BEGIN(name, uid)                                                                      \
	"{\"user\": \"" name "\", \"uid\": " uid                                                   \
	", \"profile\": \"default\", \"network\": \"lab\", \"netns\": \"u" uid                     \
	"\", \"interface\": \"pnu" uid "\", \"address\": \"10.203.4.7\", \"address6\": null, "     \
	"\"mac\": \"02:6e:0a:cb:04:07\", \"hostname\": \"host\", "                                 \
	"\"since\": \"2023-11-14T22:13:20Z\", "
#define JSON_SESSION(pid, rhost)                                                                   \
	"{\"pid\": " pid ", \"service\": \"sshd\", \"tty\": \"pts/0\", \"rhost\": \"" rhost        \
	"\", \"since\": \"2023-11-14T23:13:20Z\"}"

static void test_json_of_hostile_names_is_valid(void **state)
{
	(void)state;
	proc_make(STATISTICS);
	user_add(2001, "a\"l");
	user_add(3000, "ada");
	session_of(2001, 50, "192.0.2.1");
	session_of(2001, 51, "\xff\\"); /* never in UTF-8 */
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_string_equal(
	    output,
	    "[" JSON_BEGIN(
		"a\\\"l",
		"2001") "\"rx_bytes\": 5368709120, \"tx_bytes\": 1536, "
			"\"sessions\": [" JSON_SESSION("50", "192.0.2.1") ", " JSON_SESSION(
			    "51",
			    "\\ufffd\\\\") "]},\n " JSON_BEGIN("ada",
							       "3000") "\"rx_bytes\": null, "
								       "\"tx_bytes\": null, "
								       "\"sessions\": []}]\n");
}

/* A user with a torn or missing record is not active. The others are listed. */
static void test_user_with_torn_record_is_left_out(void **state)
{
	(void)state;
	user_add(2001, "al");
	user_add(3000, "ada");
	text_write(USERS_DIR "/2001/state", "user=al\n");
	dir_make(USERS_DIR "/4000");
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_null(strstr(output, "\"al\""));
	assert_memory_equal(output, "[{\"user\": \"ada\"", 15);
}

/* With the real /proc, a session lives as long as its leader. */
static void test_ended_leaders_are_left_out(void **state)
{
	CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process self, other;

	(void)state;
	assert_int_equal(process_read(proc, getpid(), &self, NULL), 0);
	other = self;
	other.start++; /* the pid was reused */
	user_add(2001, "al");
	session_put(2001, &self, "192.0.2.1");
	session_put(2001, &other, "192.0.2.2");
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_non_null(strstr(output, "192.0.2.1"));
	assert_null(strstr(output, "192.0.2.2"));
}

/* A user does not see that a logout is under way, either. */
static void test_user_sees_only_their_own_record(void **state)
{
	(void)state;
	user_add(2001, "al");
	user_add(3000, "ada");
	world.uid = 3000;
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_memory_equal(output, "[{\"user\": \"ada\"", 15);
	assert_null(strstr(output, "\"al\""));
	assert_int_equal(status_of(NULL, false), STATUS_FINE);
	assert_memory_equal(output, "ada (uid 3000)\n", 15);
	assert_int_equal(status_of("#3000", false), STATUS_FINE);
	assert_int_equal(status_of("#2001", false), STATUS_FAILED);
	assert_string_equal(output, "");
	assert_non_null(strstr(last_logged, "root"));
	world.uid = 4000;
	assert_int_equal(list(false, true), STATUS_FINE);
	assert_string_equal(output, "[]\n");
	assert_int_equal(status_of(NULL, false), STATUS_FAILED);
	assert_non_null(strstr(last_logged, "explain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_host_without_set_up_has_empty_list),
	    TEST(test_list_is_in_order_of_uids),
	    TEST(test_wide_list_has_all_columns),
	    TEST(test_user_without_ipv4_is_listed_by_ipv6),
	    TEST(test_json_of_hostile_names_is_valid),
	    TEST(test_user_with_torn_record_is_left_out),
	    TEST(test_ended_leaders_are_left_out),
	    TEST(test_user_sees_only_their_own_record),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
