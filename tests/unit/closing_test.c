/*
 * Serving the notes of leaving users: their order, their time, and the notes that stay. The test decides
 * what a look at a user finds, and sets the clock. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fault.h"
#include "scratch.h"

#include "log_kept.h"
#include "../../helper/pam-netns-helper/leaving.h"

#define USERS 16
#define FIRST 2001 /* uids are FIRST, FIRST + 1, ... */

/* The results of successive looks; the last one repeats. */
struct script {
	int found[8];
	unsigned looks;
	bool kill; /* of the last look */
	long since;
};

static struct {
	struct script users[USERS];
	long now; /* ms */
	int process_list_error;
	unsigned process_lists;
	bool owners;	 /* the last list has owners */
	char waits[512]; /* "5 10 20 " */
	void (*at_wait)(void);
} world;

static struct process_list_entry seen;

static int fake_list(const struct host *host, bool owners, struct process_list *out)
{
	(void)host;
	world.process_lists++;
	world.owners = owners;
	*out =
	    (struct process_list){.entries = world.process_list_error ? NULL : &seen, .count = 1};
	return world.process_list_error;
}

static void note_remove(uid_t uid);

/* A teardown removes the note. */
static int fake_look(struct host *host, const struct process_list *processes, struct leaving *l)
{
	struct script *user = &world.users[l->uid - FIRST];
	int found = user->found[user->looks < 7 ? user->looks : 7];

	(void)host;
	assert_true(l->uid >= FIRST && l->uid < FIRST + USERS);
	assert_ptr_equal(processes->entries, &seen);
	user->looks++;
	user->kill = l->kill;
	user->since = l->since;
	world.now++; /* a look takes time */
	if (found == LOOKED_DONE)
		note_remove(l->uid);
	return found;
}

static void fake_wait(const struct leaving *leaving, size_t count, int timeout_ms)
{
	size_t used = strlen(world.waits);

	for (size_t i = 1; i < count; i++)
		assert_true(leaving[i - 1].uid < leaving[i].uid);
	if (used < sizeof(world.waits) - 8)
		snprintf(world.waits + used, sizeof(world.waits) - used, "%d ", timeout_ms);
	world.now += timeout_ms;
	if (world.at_wait)
		world.at_wait();
}

#define process_list_read(host, kinds, owners, out) ((void)(kinds), fake_list(host, owners, out))
#define process_list_free(processes)		    (void)(processes)
#undef CLEANUP_PROCESS_LIST
#define CLEANUP_PROCESS_LIST
#define leaving_look(host, processes, l) fake_look(host, processes, l)
#define leaving_wait(l, count, ms)	 fake_wait(l, count, ms)
#define now_ms()			 world.now
#define reallocarray(...)		 FAULT_NULL(reallocarray(__VA_ARGS__))

#include "../../helper/pam-netns-helper/closing.c"
#include "../../helper/pam-netns-helper/note.c"

#undef reallocarray

#include "host_scratch.h"

static void note_remove(uid_t uid)
{
	note_forget(&host, uid);
}

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	world.now = 1000000;
	return host_setup(state);
}

/* Makes a note, and sets the results of looks at the user. */
static void leaves(uid_t uid, int first, int second, int found)
{
	struct script *user = &world.users[uid - FIRST];

	assert_int_equal(note_make(&host, uid), 0);
	user->found[0] = first;
	user->found[1] = second;
	for (int i = 2; i < 8; i++)
		user->found[i] = found;
}

static void record(uid_t uid, enum conf_linger linger)
{
	struct user_state state = {.uplink.uid = uid, .linger = linger};

	strcpy(state.user, "u");
	strcpy(state.account, "u");
	assert_int_equal(state_write(scratch, &state), 0);
}

#define looks_of(uid) (world.users[(uid)-FIRST].looks)

static void test_serving_without_notes_ends(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(scratch, "closing/nonsense", 0700), 0);
	assert_int_equal(mkdirat(scratch, "closing/-1", 0700), 0);
	assert_int_equal(mkdirat(scratch, "closing/4294967295", 0700), 0);
	assert_int_equal(closing_serve(&host, true), 0);
	assert_int_equal(world.process_lists, 0);
}

static void test_serving_without_folder_ends(void **state)
{
	(void)state;
	assert_int_equal(unlinkat(scratch, "closing", AT_REMOVEDIR), 0);
	assert_int_equal(closing_serve(&host, true), -ENOENT);
	assert_int_equal(mkdirat(scratch, "closing", 0700), 0);
}

/* A second look follows an empty one at once. Two empty looks mean that no process is left. */
static void test_two_empty_looks_remove_the_user(void **state)
{
	(void)state;
	leaves(FIRST + 1, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	leaves(FIRST, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	assert_int_equal(closing_serve(&host, true), 0);
	assert_int_equal(world.process_lists, 2); /* one list serves both users */
	assert_int_equal(looks_of(FIRST), 2);
	assert_int_equal(looks_of(FIRST + 1), 2);
	assert_string_equal(world.waits, "");
	assert_false(world.owners);
}

static void test_wait_ends_with_the_processes(void **state)
{
	(void)state;
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	world.users[FIRST - FIRST].found[5] = LOOKED_EMPTY;
	world.users[FIRST - FIRST].found[6] = LOOKED_DONE;
	assert_int_equal(closing_serve(&host, true), 0);
	assert_int_equal(looks_of(FIRST), 7);
	assert_string_equal(world.waits, "5 10 20 40 80 ");
}

/* Each wait is twice as long as the one before, up to half a second. After 10 s gc takes over. */
static void test_user_who_stays_is_left_to_gc(void **state)
{
	long began = world.now;

	(void)state;
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	assert_int_equal(closing_serve(&host, true), 0);
	assert_int_equal(note_of(FIRST), 0);
	assert_true(world.now - began >= 10000 && world.now - began < 11000);
	assert_memory_equal(world.waits, "5 10 20 40 80 160 320 500 500 ", 30);
	assert_int_equal(world.users[0].since, began);
}

/* Makes another note. Some file systems give it the old one's inode number. */
static void note_replace(uid_t uid)
{
	static unsigned count;
	char name[32], kept[32];

	snprintf(name, sizeof(name), "closing/%u", uid);
	snprintf(kept, sizeof(kept), "kept.%u", count++);
	assert_int_equal(renameat(scratch, name, scratch, kept), 0);
	assert_int_equal(note_make(&host, uid), 0);
}

static void note_anew(void)
{
	if (world.now > 1008000 && !world.users[1].looks) {
		note_replace(FIRST);
		leaves(FIRST + 1, LOOKED_DONE, LOOKED_DONE, LOOKED_DONE);
	}
}

/* The user was active again meanwhile, so the 10 s begin anew. */
static void test_new_note_begins_the_time_anew(void **state)
{
	(void)state;
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	world.at_wait = note_anew;
	assert_int_equal(closing_serve(&host, true), 1);
	assert_true(world.users[0].since > 1008000);
	assert_int_not_equal(note_of(FIRST), 0);
	/* The first looks at the new note are soon. */
	assert_non_null(strstr(world.waits, "500 5 10 20 "));
}

/* If a user's processes may stay, gc leaves the note. */
static void test_gc_does_not_wait_for_processes(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	leaves(FIRST + 1, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	assert_int_equal(closing_serve(&host, false), 0);
	assert_int_equal(looks_of(FIRST), 2);
	assert_int_not_equal(note_of(FIRST), 0);
	assert_int_equal(note_of(FIRST + 1), 0);
	assert_string_equal(world.waits, "");
	assert_false(world.users[0].kill);
}

static void test_gc_waits_for_processes_that_it_ends(void **state)
{
	(void)state;
	record(FIRST, LINGER_NO);
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_EMPTY);
	world.users[0].found[3] = LOOKED_DONE;
	assert_int_equal(closing_serve(&host, false), 0);
	assert_int_equal(looks_of(FIRST), 4);
	assert_true(world.users[0].kill);
	assert_true(world.owners);
	assert_string_equal(world.waits, "5 10 ");
}

static void test_torn_record_ends_no_processes(void **state)
{
	char text[STATE_FILE_MAX];
	ssize_t size;
	int fd;

	(void)state;
	record(FIRST, LINGER_NO);
	fd = openat(scratch, "users/2001/state", O_RDWR | O_CLOEXEC);
	size = read(fd, text, sizeof(text));
	assert_true(size > 4 && memcmp(text + size - 4, "end\n", 4) == 0);
	assert_int_equal(ftruncate(fd, size - 4), 0);
	close(fd);
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	assert_int_equal(closing_serve(&host, false), 0);
	assert_false(world.users[0].kill);
}

/* Ending processes may take longer than 10 s. */
static void test_gc_keeps_note_of_slow_processes(void **state)
{
	(void)state;
	record(FIRST, LINGER_NO);
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	assert_int_equal(closing_serve(&host, false), 1);
	assert_int_not_equal(note_of(FIRST), 0);
}

static void test_many_notes_are_served(void **state)
{
	long began = world.now;

	(void)state;
	/* The order is none that a folder has by chance. */
	for (uid_t i = 0; i < USERS; i++)
		leaves(FIRST + i * 7 % USERS, LOOKED_IN, LOOKED_IN, LOOKED_DONE);
	assert_int_equal(closing_serve(&host, true), 0);
	assert_string_equal(world.waits, "5 10 ");
	assert_int_equal(world.process_lists, 3);
	for (uid_t i = 0; i < USERS; i++) {
		assert_int_equal(world.users[i].looks, 3);
		assert_int_equal(world.users[i].since, began); /* kept in each round */
	}
}

static void no_look_is_due(void)
{
	assert_int_equal(looks_of(FIRST + 1), 2);
}

/* A second look is due at once, and must not wait for another user's processes. */
static void test_due_look_comes_before_a_wait(void **state)
{
	(void)state;
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_DONE);
	leaves(FIRST + 1, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	world.at_wait = no_look_is_due;
	assert_int_equal(closing_serve(&host, true), 0);
	assert_string_equal(world.waits, "5 ");
}

/* All users are served, and the first error is returned. */
static void test_failure_of_one_user_keeps_no_other(void **state)
{
	(void)state;
	leaves(FIRST, -EIO, -EIO, -EIO);
	leaves(FIRST + 1, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	leaves(FIRST + 2, -ENOSPC, -ENOSPC, -ENOSPC);
	assert_int_equal(closing_serve(&host, true), -EIO);
	assert_int_equal(looks_of(FIRST), 1);
	assert_int_equal(looks_of(FIRST + 1), 2);
	for (uid_t uid = FIRST; uid < FIRST + 3; uid++)
		assert_int_equal(note_of(uid), 0);
}

/* Without a process list no user is torn down, and each note stays. */
static void test_missing_process_list_removes_no_user(void **state)
{
	(void)state;
	leaves(FIRST, LOOKED_DONE, LOOKED_DONE, LOOKED_DONE);
	world.process_list_error = -EMFILE;
	assert_int_equal(closing_serve(&host, true), -EMFILE);
	assert_int_equal(looks_of(FIRST), 0);
	assert_int_not_equal(note_of(FIRST), 0);
	assert_int_equal(closing_serve(&host, false), -EMFILE);
}

#include "lock_hold.h"

/* The login with the lock removes the note itself. */
static void test_note_of_a_locked_user_is_left_to_the_login(void **state)
{
	pid_t pid;

	(void)state;
	leaves(FIRST, -EIO, -EIO, -EIO);
	pid = lock_hold(FIRST);
	assert_true(pid > 0);
	assert_int_equal(closing_serve(&host, false), -EIO);
	assert_int_not_equal(note_of(FIRST), 0);
	lock_holder_end(pid);
	assert_int_equal(closing_serve(&host, false), -EIO);
	assert_int_equal(note_of(FIRST), 0);
	pid = lock_hold(FIRST);
	assert_true(pid > 0);
	lock_holder_end(pid);
}

/* Logouts never end, so another reaper takes over. */
static void leave_again(void)
{
	note_replace(FIRST);
}

static void test_reaper_hands_over_after_its_time(void **state)
{
	long began = world.now;

	(void)state;
	leaves(FIRST, LOOKED_IN, LOOKED_IN, LOOKED_IN);
	world.at_wait = leave_again;
	assert_int_equal(closing_serve(&host, true), 1);
	assert_true(world.now - began >= 15000 && world.now - began < 16000);
	assert_int_not_equal(note_of(FIRST), 0);
}

static void memory_body(void)
{
	int result;

	memset(world.users, 0, sizeof(world.users));
	for (uid_t uid = FIRST; uid < FIRST + 3; uid++)
		leaves(uid, LOOKED_EMPTY, LOOKED_DONE, LOOKED_DONE);
	result = closing_serve(&host, true);
	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
	for (uid_t uid = FIRST; uid < FIRST + 3; uid++)
		assert_int_equal(note_of(uid) != 0, fault_was_hit());
}

static void test_missing_memory_is_an_error(void **state)
{
	(void)state;
	assert_true(fault_sweep(ENOMEM, memory_body) >= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_serving_without_notes_ends),
	    TEST(test_serving_without_folder_ends),
	    TEST(test_two_empty_looks_remove_the_user),
	    TEST(test_wait_ends_with_the_processes),
	    TEST(test_user_who_stays_is_left_to_gc),
	    TEST(test_new_note_begins_the_time_anew),
	    TEST(test_gc_does_not_wait_for_processes),
	    TEST(test_gc_waits_for_processes_that_it_ends),
	    TEST(test_gc_keeps_note_of_slow_processes),
	    TEST(test_many_notes_are_served),
	    TEST(test_due_look_comes_before_a_wait),
	    TEST(test_failure_of_one_user_keeps_no_other),
	    TEST(test_torn_record_ends_no_processes),
	    TEST(test_missing_process_list_removes_no_user),
	    TEST(test_note_of_a_locked_user_is_left_to_the_login),
	    TEST(test_reaper_hands_over_after_its_time),
	    TEST(test_missing_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
