/*
 * pam-netns list and status: their output of records, as tables and as JSON. The records are real, in a /run
 * for the test. Statistics and processes are in a folder in place of the host's /proc. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "output.h"

#include "../../cli/kernel.h"
#include "base/files.h"
#include "base/log.h"
#include "state/state.h"

static struct {
	uid_t uid; /* of the caller */
	bool host_refused;
	struct kernel_link link; /* the result of kernel_link(); index 0: no link */
	struct kernel_link eth0;
} world;

#define getuid()	     world.uid
#define geteuid()	     world.uid
#define kernel_host_enter()  fake_host_enter()
#define kernel_link(i, n, l) fake_link(i, n, l)

static bool fake_host_enter(void)
{
	errno = EPERM;
	return !world.host_refused;
}

static int fake_link(unsigned index, const char *name, struct kernel_link *out)
{
	*out = index ? world.link : world.eth0;
	assert_true(index || strcmp(name, "eth0") == 0);
	return out->index && (!index || out->index == index) ? 0 : -ENODEV;
}

#include "../../cli/counters.c"
#include "../../cli/list.c"
#include "../../cli/table.c"
#include "../../cli/text.c"
#include "../../cli/users.c"

#undef getuid
#undef geteuid

#define PROC	     HOSTPROC
#define SESSION_LATE 1700003600

static char last_logged[512];
static int run = -1;

static void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(last_logged, sizeof(last_logged), "%s", text);
}

static void dir_make(const char *path)
{
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

#include "text_write.h"

static int group_setup(void **state)
{
	(void)state;
	umask(022);
	setenv("TZ", "UTC", 1);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL)) {
		perror("cli_list_test needs root");
		return -1;
	}
	return 0;
}

/* An empty /run/pam-netns, with a place for statistics of the host's links. */
static int setup(void **state)
{
	(void)state;
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=755,size=2m"))
		return -1;
	dir_make(RUN_DIR);
	dir_make(USERS_DIR);
	dir_make(CLOSING_DIR);
	run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	memset(&world, 0, sizeof(world));
	last_logged[0] = '\0';
	log_set_sink(sink, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(run);
	return umount2("/run", MNT_DETACH);
}

/* It has PID 1, and is no procfs, so all sessions count as live. */
static void proc_make(const char *statistics)
{
	dir_make(HOSTPROC_DIR);
	dir_make(PROC);
	dir_make(PROC "/1");
	dir_make(PROC "/1/net");
	text_write(PROC "/1/net/dev", statistics);
}

static struct user_state record(uid_t uid, const char *name)
{
	struct user_state s = {
	    .profile = "default",
	    .network = "lab",
	    .uplink = {.uid = uid,
		       .bridge = "pnbr1",
		       .ifindex = uid % 1000 + 7,
		       .mac = {{2, 0x6e, 10, 203, 4, 7}}},
	    .hostname = "host",
	    .since = 1700000000,
	};

	snprintf(s.user, sizeof(s.user), "%s", name);
	snprintf(s.account, sizeof(s.account), "%s", name);
	snprintf(s.netns, sizeof(s.netns), "u%u", uid);
	snprintf(s.uplink.port, sizeof(s.uplink.port), "pnu%u", uid);
	assert_int_equal(address_parse("10.203.4.7", &s.uplink.address), 0);
	return s;
}

static void user_add(uid_t uid, const char *name)
{
	struct user_state s = record(uid, name);

	assert_int_equal(state_write(run, &s), 0);
}

static void session_put(uid_t uid, const struct process *leader, const char *rhost)
{
	struct session s = {
	    .leader = *leader, .service = "sshd", .tty = "pts/0", .since = SESSION_LATE};

	snprintf(s.rhost, sizeof(s.rhost), "%s", rhost);
	assert_int_equal(session_add(run, uid, &s), 0);
}

static void session_of(uid_t uid, pid_t pid, const char *rhost)
{
	struct process leader = {.pid = pid, .start = (unsigned long long)pid * 10};

	session_put(uid, &leader, rhost);
}

static int list(bool wide, bool json)
{
	const struct arguments arguments = {.wide = wide, .json = json};
	int status;

	output_of(status = command_list(&arguments));
	assert_string_equal(output_error, "");
	return status;
}

static int status_of(const char *name, bool json)
{
	const struct arguments arguments = {.operand = name, .json = json};
	int status;

	output_of(status = command_status(&arguments));
	return status;
}

#define STATISTICS                                                                                 \
	"Inter-|   Receive                                                |  Transmit\n"           \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"     \
	"    lo:  100 1 0 0 0 0 0 0  100 1 0 0 0 0 0 0\n"                                          \
	"pnu2001:1536 1 0 0 0 0 0 0 5368709120 1 0 0 0 0 0 0\n"                                    \
	"  eth0: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
