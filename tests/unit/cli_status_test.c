/* pam-netns status: its output of one user, and the counters of the link. */
#include "cli_list_world.h"

static void test_status_prints_addresses_and_sessions(void **state)
{
	(void)state;
	proc_make(STATISTICS);
	user_add(2001, "al");
	session_of(2001, 50, "evil\xc2\x9bhost\xff");
	world.link = (struct kernel_link){.index = 8, .name = "pnu2001", .received = 7, .sent = 9};
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_string_equal(output, "al (uid 2001)\n"
				    "  profile     default\n"
				    "  network     lab\n"
				    "  netns       u2001\n"
				    "  interface   pnu2001 on bridge pnbr1\n"
				    "  address     10.203.4.7\n"
				    "  address6    -\n"
				    "  mac         02:6e:0a:cb:04:07\n"
				    "  hostname    host\n"
				    "  since       2023-11-14 22:13\n"
				    "  traffic     9 received, 7 sent\n"
				    "  sessions    1\n"
				    "    PID  SERVICE  TTY    FROM        SINCE\n"
				    "     50  sshd     pts/0  evil?host?  2023-11-14 23:13\n");
	assert_int_equal(status_of("#2001", true), STATUS_FINE);
	assert_non_null(strstr(output, "\"rx_bytes\": 9, \"tx_bytes\": 7, \"sessions\": ["));
}

/* Processes in the network of the user's pin. */
static void test_status_counts_processes_in_the_network(void **state)
{
	static const char *const folders[] = {"/1/root",
					      "/1/root/run",
					      "/1/root/run/pam-netns",
					      "/1/root/run/pam-netns/pins",
					      "/1/root/run/pam-netns/pins/2001",
					      "/1/ns",
					      "/12",
					      "/12/ns",
					      "/345",
					      "/345/ns",
					      "/sys"};

	(void)state;
	proc_make(STATISTICS);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		char path[128];

		snprintf(path, sizeof(path), PROC "%s", folders[i]);
		dir_make(path);
	}
	text_write(PROC "/1/ns/net", "");
	text_write(PROC "/12/ns/net", "");
	assert_int_equal(link(PROC "/12/ns/net", PROC "/345/ns/net"), 0);
	assert_int_equal(link(PROC "/12/ns/net", PROC "/1/root/run/pam-netns/pins/2001/net"), 0);
	user_add(2001, "al");
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_non_null(strstr(output, "\n  processes   2\n"));
	assert_int_equal(status_of("#2001", true), STATUS_FINE);
	assert_non_null(strstr(output, "\"processes\": 2, \"sessions\": []}\n"));
	/* Not for users, who cannot read the note. */
	world.uid = 2001;
	assert_int_equal(status_of(NULL, true), STATUS_FINE);
	assert_null(strstr(output, "processes"));
}

static void test_status_names_what_keeps_a_user_active(void **state)
{
	(void)state;
	user_add(2001, "al");
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_non_null(strstr(output, "\n  sessions    0 (processes are left)\n"));
	text_write(CLOSING_DIR "/2001", "");
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_non_null(strstr(output, "\n  sessions    0 (the last logout is under way)\n"));
}

/* The link with that index must be the recorded port. Inside, eth0 must have the user's MAC. */
static void test_bytes_need_the_recorded_port(void **state)
{
	(void)state;
	user_add(2001, "al");
	world.link = (struct kernel_link){.index = 8, .name = "other", .received = 7, .sent = 9};
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_null(strstr(output, "traffic"));
	world.eth0 = (struct kernel_link){.index = 2,
					  .name = "eth0",
					  .mac = {{2, 0x6e, 10, 203, 4, 8}},
					  .received = 1,
					  .sent = 2};
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_null(strstr(output, "traffic"));
	world.eth0.mac.bytes[5] = 7;
	assert_int_equal(status_of("#2001", false), STATUS_FINE);
	assert_non_null(strstr(output, "\n  traffic     1 received, 2 sent\n"));
}

static void test_unreachable_host_gives_no_bytes(void **state)
{
	(void)state;
	user_add(2001, "al");
	world.host_refused = true;
	assert_int_equal(status_of("#2001", false), STATUS_FAILED);
	assert_string_equal(output, "");
	assert_non_null(strstr(last_logged, strerror(EPERM)));
	world.uid = 2001; /* users ask about themselves, inside */
	assert_int_equal(status_of(NULL, false), STATUS_FINE);
}

static void test_status_needs_an_active_user(void **state)
{
	(void)state;
	assert_int_equal(status_of(NULL, false), STATUS_USAGE); /* root */
	assert_string_equal(output, "");
	assert_int_equal(status_of("no-such-user", false), STATUS_FAILED);
	assert_non_null(strstr(last_logged, "no-such-user"));
	/* Not logged in. */
	assert_int_equal(status_of("nobody", false), STATUS_FAILED);
	assert_non_null(strstr(last_logged, "nobody"));
}

static void test_uid_is_parsed_exactly(void **state)
{
	static const char *const bad[] = {
	    "#", "#-1", "#1x", "# 1", "#4294967295", "##1", "#99999999999999999999"};
	uid_t uid = 1;

	(void)state;
	assert_int_equal(users_uid("root", &uid), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(users_uid("#4294967294", &uid), 0);
	assert_int_equal(uid, 4294967294U);
	assert_int_equal(users_uid("#007", &uid), 0);
	assert_int_equal(uid, 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(users_uid(bad[i], &uid), -ENOENT);
}

/* A read error must not look like an empty list. */
static void test_unreadable_statistics_are_an_error(void **state)
{
	(void)state;
	user_add(2001, "al");
	dir_make(HOSTPROC_DIR);
	dir_make(PROC);
	dir_make(PROC "/1");
	dir_make(PROC "/1/net");
	dir_make(PROC "/1/net/dev"); /* it can be opened, but not read */
	assert_int_equal(list(false, false), STATUS_FAILED);
	assert_string_equal(output, "");
	assert_non_null(strstr(last_logged, "net/dev"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_status_prints_addresses_and_sessions),
	    TEST(test_status_counts_processes_in_the_network),
	    TEST(test_status_names_what_keeps_a_user_active),
	    TEST(test_bytes_need_the_recorded_port),
	    TEST(test_unreachable_host_gives_no_bytes),
	    TEST(test_status_needs_an_active_user),
	    TEST(test_uid_is_parsed_exactly),
	    TEST(test_unreadable_statistics_are_an_error),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
