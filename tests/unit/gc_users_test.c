/* gc: users whose processes have ended are found, and get notes. Runs as root. */
#include "gc_world.h"

/* One process list serves all of them, in the order of uids. */
static void test_users_with_record_or_pin_are_looked_at_once(void **state)
{
	(void)state;
	record(FIRST + 9, LINGER_PROCESSES);
	record(FIRST, LINGER_PROCESSES);
	world.pinned[0] = FIRST + 9;
	world.pinned[1] = FIRST + 3;
	world.pinned_count = 2;
	assert_int_equal(gc("pins, list, members 2001, members 2004, members 2010, serve, " MEND
			    ", pins, ports, check 2001, check 2004, check 2010, sweep"),
			 0);
	assert_true(note_of(FIRST) && note_of(FIRST + 3) && note_of(FIRST + 9));
	for (uid_t uid = FIRST; uid < FIRST + 10; uid++)
		assert_true(lock_is_free(uid));
}

/* The user has a live session, or a process that may stay. */
static void test_active_user_gets_no_note(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	session_of(FIRST, true);
	record(FIRST + 1, LINGER_PROCESSES);
	session_of(FIRST + 1, false);
	world.with_processes = FIRST + 1;
	record(FIRST + 2, LINGER_PROCESSES);
	session_of(FIRST + 2, false);
	assert_int_equal(gc("pins, list, members 2002, members 2003, serve, " MEND
			    ", pins, ports, check 2001, check 2002, check 2003, sweep"),
			 0);
	assert_int_equal(note_of(FIRST), 0);
	assert_int_equal(note_of(FIRST + 1), 0);
	assert_int_not_equal(note_of(FIRST + 2), 0);
}

static void test_user_with_linger_no_gets_a_note(void **state)
{
	(void)state;
	record(FIRST, LINGER_NO);
	world.with_processes = FIRST;
	assert_int_equal(
	    gc("pins, list, members 2001, serve, " MEND ", pins, ports, check 2001, sweep"), 0);
	assert_int_not_equal(note_of(FIRST), 0);
}

/* A user whose lock is held is logging in or out. */
static void test_locked_user_is_passed_over(void **state)
{
	pid_t pid;

	(void)state;
	record(FIRST, LINGER_PROCESSES);
	record(FIRST + 1, LINGER_PROCESSES);
	pid = lock_hold(FIRST);
	assert_int_equal(gc("pins, list, members 2001, members 2002, serve, " MEND
			    ", pins, ports, check 2002, sweep"),
			 0);
	assert_int_equal(note_of(FIRST), 0);
	assert_int_not_equal(note_of(FIRST + 1), 0);
	lock_holder_end(pid);
}

/* If there is no room for a note, removing the user is needed all the more. */
static void test_user_without_room_for_a_note_is_reaped(void **state)
{
	(void)state;
	record(FIRST, LINGER_NO);
	assert_int_equal(unlinkat(scratch, "closing", AT_REMOVEDIR), 0);
	fails("reap 2001", -EBUSY); /* the user has processes: not now */
	assert_int_equal(gc("pins, list, members 2001, reap 2001, serve, " MEND
			    ", pins, ports, check 2001, sweep"),
			 0);
	assert_true(world.killed);
	assert_int_equal(mkdirat(scratch, "closing", 0700), 0);
}

/* The reaper waits for users with processes; gc does not. */
static void test_working_reaper_makes_gc_wait_for_no_user(void **state)
{
	pid_t pid = lock_hold(LOCK_REAPER);

	(void)state;
	assert_int_equal(gc(EMPTY), 0);
	assert_false(world.patient);
	lock_holder_end(pid);
	assert_int_equal(gc(EMPTY), 0);
	assert_true(world.patient);
	assert_true(lock_is_free(LOCK_REAPER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_users_with_record_or_pin_are_looked_at_once),
	    TEST(test_active_user_gets_no_note),
	    TEST(test_user_with_linger_no_gets_a_note),
	    TEST(test_locked_user_is_passed_over),
	    TEST(test_user_without_room_for_a_note_is_reaped),
	    TEST(test_working_reaper_makes_gc_wait_for_no_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
