/* Records of sessions, which are named by leaders. Runs as root. */
#include "state_world.h"

static void test_sessions_are_read_back(void **state)
{
	struct session s = {.leader = {.pid = 4711, .start = 200},
			    .service = "sshd",
			    .tty = "ssh",
			    .rhost = "2001:db8::1",
			    .since = 1700000001};
	struct session *list;
	size_t count;

	(void)state;
	assert_int_equal(session_list(scratch, 1000, &list, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(session_remove(scratch, 1000, &s.leader), -ENOENT);
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	strcpy(s.service, "cron");
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	s.leader = (struct process){.pid = 2147483647, .start = UINT64_MAX};
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	s.leader = (struct process){.pid = 9999, .start = 100};
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	assert_int_equal(session_list(scratch, 1000, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(list[0].leader.pid, 9999);
	assert_int_equal(list[1].leader.pid, 4711);
	assert_string_equal(list[1].service, "cron");
	assert_string_equal(list[1].rhost, "2001:db8::1");
	assert_int_equal(list[1].since, 1700000001);
	assert_int_equal(list[2].leader.pid, 2147483647);
	assert_true(list[2].leader.start == UINT64_MAX);
	free(list);
	assert_int_equal(session_remove(scratch, 1000, &s.leader), 0);
	assert_int_equal(session_remove(scratch, 1000, &s.leader), -ENOENT);
	assert_int_equal(lines_logged, 0);
}

static void test_torn_sessions_are_passed_over(void **state)
{
	static const char *const strange[] = {
	    "01.5", "1",    "1.",   "1.x",	    ".4711.200.new",	     "0.5",
	    "-1.5", "1.05", "1.5 ", "2147483648.1", "1.18446744073709551616"};
	struct session s = {.leader = {.pid = 4711, .start = 200}, .service = "sshd"};
	char text[STATE_FILE_MAX], path[128];
	struct session *list;
	size_t count, size;

	(void)state;
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		snprintf(path, sizeof(path), "users/1000/sessions/%s", strange[i]);
		file_put(path, "x", 1);
	}
	size = file_get("users/1000/sessions/4711.200", text, sizeof(text));
	for (size_t cut = 0; cut <= size; cut++) {
		file_put("users/1000/sessions/4711.200", text, cut);
		assert_int_equal(session_list(scratch, 1000, &list, &count), 0);
		assert_int_equal(count, 1);
		assert_int_equal(list->leader.start, 200);
		assert_string_equal(list->service, cut == size ? "sshd" : "");
		free(list);
	}
	assert_int_equal(mkfifoat(scratch, "users/1000/sessions/5.5", 0644), 0);
	assert_int_equal(symlinkat("4711.200", scratch, "users/1000/sessions/6.6"), 0);
	assert_int_equal(session_list(scratch, 1000, &list, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[1].service, "");
	free(list);
}

static size_t sessions_count(uid_t uid)
{
	struct session *list;
	size_t count;

	assert_int_equal(session_list(scratch, uid, &list, &count), 0);
	free(list);
	return count;
}

static void test_prune_removes_sessions_of_ended_leaders(void **state)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct session s = {0};
	bool live = true;
	pid_t zombie;
	siginfo_t info;

	(void)state;
	assert_int_equal(session_prune(scratch, proc, 1000, &live), 0);
	assert_false(live);
	assert_int_equal(process_read(proc, getpid(), &s.leader, NULL), 0);
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	s.leader.start++; /* the pid was reused */
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	s.leader = (struct process){.pid = 2147483647, .start = 5};
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	zombie = fork();
	if (zombie == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_read(proc, zombie, &s.leader, NULL), 0);
	assert_int_equal(session_add(scratch, 1000, &s), 0);

	/* Without a procfs no leader is known to have ended. */
	assert_int_equal(session_prune(scratch, scratch, 1000, &live), 0);
	assert_true(live);
	assert_int_equal(session_prune(scratch, -1, 1000, &live), 0);
	assert_true(live);
	assert_int_equal(sessions_count(1000), 4);
	assert_int_equal(session_prune(scratch, proc, 1000, &live), 0);
	assert_true(live);
	assert_int_equal(process_read(proc, getpid(), &s.leader, NULL), 0);
	assert_int_equal(session_remove(scratch, 1000, &s.leader), 0);
	assert_int_equal(session_prune(scratch, proc, 1000, &live), 0);
	assert_false(live);
	assert_int_equal(sessions_count(1000), 0);
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
}

/* A folder in place of a record is removed too. An error does not stop the rest. */
static void test_prune_removes_planted_files(void **state)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct session s = {0};
	bool live;

	(void)state;
	s.leader = (struct process){.pid = 2147483647, .start = 5};
	assert_int_equal(session_add(scratch, 1000, &s), 0);
	assert_int_equal(mkdirat(scratch, "users/1000/sessions/2147483647.1", 0755), 0);
	assert_int_equal(session_prune(scratch, proc, 1000, &live), 0);
	assert_false(live);
	assert_int_equal(sessions_count(1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(test_sessions_are_read_back),
	    STATE_TEST(test_torn_sessions_are_passed_over),
	    STATE_TEST(test_prune_removes_sessions_of_ended_leaders),
	    STATE_TEST(test_prune_removes_planted_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
