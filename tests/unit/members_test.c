/*
 * Processes in users' namespaces: real processes and threads on a host for the test. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fault.h"
#include "own_host.h"

#include "base/log.h"
#include "log_kept.h"

#define reallocarray(...) FAULT_NULL(reallocarray(__VA_ARGS__))

#include "../../helper/pam-netns-helper/members.c"

#undef reallocarray

#define ALICE 2001
#define BOB   2002

static struct host host = {.proc = -1};
static pid_t children[256];
static size_t children_count;

static pid_t child(bool (*become)(void *context), void *context)
{
	pid_t pid = own_child(become, context);

	assert_true(pid > 0);
	children[children_count++] = pid;
	return pid;
}

static pid_t member(uid_t uid, unsigned kinds)
{
	struct own_member who = {.uid = uid, .kinds = kinds};

	return child(become_member, &who);
}

static int group_setup(void **state)
{
	(void)state;
	log_set_sink(log_keep, NULL);
	host.self = getpid();
	host.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return host.proc < 0 || pins_setup() || own_pins_make(ALICE) || own_pins_make(BOB);
}

static int children_end(void **state)
{
	(void)state;
	while (children_count)
		own_child_end(children[--children_count]);
	return 0;
}

/* Returns the number of the user's processes. *found: the pid is one of them. */
static size_t find(uid_t uid, bool owned, pid_t pid, bool *found)
{
	CLEANUP_PROCESS_LIST struct process_list processes;
	CLEANUP_MEMBERS struct members members;
	size_t different = 0;

	host.self = getpid();
	assert_int_equal(process_list_read(&host, 0, owned, &processes), 0);
	for (size_t i = 1; i < processes.count; i++)
		assert_true(processes.entries[i - 1].key <= processes.entries[i].key);
	assert_int_equal(members_find(&host, &processes, uid, owned, &members), 0);
	*found = false;
	for (size_t i = 0; i < members.count; i++) {
		bool again = false;

		*found |= members.pids[i] == pid;
		for (size_t k = 0; k < i; k++)
			again |= members.pids[k] == members.pids[i];
		different += !again;
		assert_true(member_there(&host, &members, members.pids[i]));
	}
	assert_false(member_there(&host, &members, 1));
	assert_false(member_there(&host, &members, 4000000)); /* no process has this pid */
	return different;
}

static void assert_members(uid_t uid, bool owned, size_t count, pid_t pid)
{
	int fds = fds_open();
	bool found;

	assert_int_equal(find(uid, owned, pid, &found), count);
	assert_int_equal(fds_open(), fds);
	assert_int_equal(found, pid != 0);
}

static void test_processes_elsewhere_are_no_members(void **state)
{
	int flags = OWN_NAMESPACES;

	(void)state;
	(void)child(become_unshared, &flags); /* in namespaces of no user */
	assert_members(ALICE, false, 0, 0);
	assert_members(ALICE, true, 0, 0);
	assert_members(4711, true, 0, 0); /* this uid has no pins */
}

/* One namespace is enough, and belongs to one user. */
static void test_one_namespace_of_any_kind_makes_a_member(void **state)
{
	(void)state;
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(OWN_KINDS & namespace_kinds[i].bit))
			continue;
		pid_t pid = member(ALICE, namespace_kinds[i].bit);

		assert_members(ALICE, false, 1, pid);
		assert_members(BOB, false, 0, 0);
		children_end(NULL);
		assert_members(ALICE, false, 0, 0);
	}
	assert_members(ALICE, false, 1, member(ALICE, OWN_KINDS));
	(void)member(BOB, OWN_KINDS);
	assert_members(ALICE, false, 2, member(ALICE, OWN_KINDS));
	assert_members(ALICE, false, 3, member(ALICE, OWN_KINDS));
	assert_members(BOB, false, 1, children[1]);
}

static void test_many_members_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		(void)member(i % 2 ? ALICE : BOB, OWN_KINDS);
	assert_members(ALICE, false, 50, children[99]);
	assert_members(BOB, false, 50, children[98]);
}

static void test_caller_is_no_member(void **state)
{
	struct own_member who = {.uid = ALICE, .kinds = NAMESPACE_UTS};
	CLEANUP_FD int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(become_member(&who));
	assert_members(ALICE, false, 0, 0);
	assert_int_equal(setns(uts, CLONE_NEWUTS), 0);
}

/* T37: the first thread has ended or is elsewhere, and another thread is inside. */
static pthread_barrier_t barrier;

static void *thread_joins(void *context)
{
	become_member(context);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static bool become_by_thread(void *context)
{
	pthread_t thread;

	if (pthread_barrier_init(&barrier, NULL, 2) ||
	    pthread_create(&thread, NULL, thread_joins, context))
		return false;
	pthread_barrier_wait(&barrier);
	return true;
}

static void test_t37_thread_inside_makes_a_member(void **state)
{
	struct own_member who = {.uid = ALICE, .kinds = NAMESPACE_NET | NAMESPACE_UTS};

	(void)state;
	assert_members(ALICE, false, 1, child(become_by_thread, &who));
}

/* Like own_child(), but the first thread ends when the other is inside. */
static pid_t child_of_last_thread(struct own_member *who)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		byte = become_by_thread(who);
		(void)!write(ends[1], &byte, 1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	close(ends[0]);
	close(ends[1]);
	children[children_count++] = pid;
	return pid;
}

static bool first_thread_ended(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strstr(text, ") Z ") != NULL;
}

static void test_t37_process_without_first_thread_is_a_member(void **state)
{
	struct own_member who = {.uid = ALICE, .kinds = NAMESPACE_NET | NAMESPACE_UTS};
	pid_t pid = child_of_last_thread(&who);

	(void)state;
	for (int i = 0; i < 1000 && !first_thread_ended(pid); i++)
		usleep(1000);
	assert_true(first_thread_ended(pid));
	assert_members(ALICE, false, 1, pid);
}

static bool map_write(const char *path, const char *text)
{
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A root of the user's own user namespace, or of one in that, outside the user's pins. */
static bool become_contained(void *context)
{
	const int *depth = context;

	if (setresgid(ALICE, ALICE, ALICE) || setresuid(ALICE, ALICE, ALICE) ||
	    prctl(PR_SET_DUMPABLE, 1))
		return false;
	for (int i = 0; i < *depth; i++)
		if (unshare(CLONE_NEWUSER | OWN_NAMESPACES) ||
		    !map_write("/proc/self/setgroups", "deny") ||
		    !map_write("/proc/self/uid_map", i ? "0 0 1" : "0 2001 1") ||
		    !map_write("/proc/self/gid_map", i ? "0 0 1" : "0 2001 1"))
			return false;
	return true;
}

/*
 * alice's user namespace, in which uid 1 is another uid, and inside it a user namespace of uid 1. Only root
 * can map more than one uid, so a child does it.
 */
static bool become_contained_as_another(void *context)
{
	pid_t self = getpid(), mapper;
	int ends[2], status;
	char byte = 1, path[64];

	(void)context;
	if (pipe(ends))
		return false;
	mapper = fork();
	if (mapper == 0) {
		snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)self);
		byte = read(ends[0], &byte, 1) == 1 && map_write(path, "0 2001 1\n1 3000 1\n");
		snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)self);
		_exit(byte && map_write(path, "0 2001 1\n") ? 0 : 1);
	}
	if (setresgid(ALICE, ALICE, ALICE) || setresuid(ALICE, ALICE, ALICE) ||
	    prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | OWN_NAMESPACES) ||
	    write(ends[1], &byte, 1) != 1 || waitpid(mapper, &status, 0) != mapper || status)
		return false;
	return setresuid(1, 1, 1) == 0 && unshare(CLONE_NEWUSER) == 0;
}

static void test_containers_with_other_uids_are_the_users(void **state)
{
	(void)state;
	assert_members(ALICE, true, 1, child(become_contained_as_another, NULL));
	assert_members(3000, true, 0, 0);
}

static void test_containers_in_containers_are_the_users(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 3; depth++) {
		pid_t pid = child(become_contained, &depth);

		assert_members(ALICE, true, 1, pid);
		assert_members(ALICE, false, 0, 0);
		assert_members(BOB, true, 0, 0);
		children_end(NULL);
	}
}

/* One list serves users whose containers end with them, and others. */
static void test_containers_are_found_if_asked(void **state)
{
	CLEANUP_PROCESS_LIST struct process_list processes;
	struct members members;
	int depth = 1;

	(void)state;
	(void)child(become_contained, &depth);
	assert_int_equal(process_list_read(&host, 0, true, &processes), 0);
	for (size_t owned = 0; owned <= 1; owned++) {
		assert_int_equal(members_find(&host, &processes, ALICE, owned, &members), 0);
		assert_int_equal(members.count, owned);
		members_free(&members);
	}
}

/* root's containers belong to no member, since root is not isolated. */
static void test_containers_of_others_are_no_members(void **state)
{
	int depth = 1;

	(void)state;
	(void)child(become_contained, &depth);
	assert_int_equal(pins_remove(ALICE, 0), 0);
	assert_members(ALICE, true, 0, 0);
	assert_int_equal(own_pins_make(ALICE), 0);
	assert_members(ALICE, true, 1, children[0]);
}

/* Another process has the pid now. */
static void test_reused_pid_is_no_member(void **state)
{
	CLEANUP_PROCESS_LIST struct process_list processes;
	CLEANUP_MEMBERS struct members members;
	int flags = CLONE_NEWUTS;
	pid_t pid, other = child(become_unshared, &flags);

	(void)state;
	pid = member(ALICE, NAMESPACE_NET);
	assert_int_equal(process_list_read(&host, 0, false, &processes), 0);
	assert_int_equal(members_find(&host, &processes, ALICE, false, &members), 0);
	assert_int_equal(members.count, 1);
	assert_true(member_there(&host, &members, pid));
	assert_false(member_there(&host, &members, other));
	own_child_end(pid);
	children_count--;
	assert_false(member_there(&host, &members, pid));
}

/* A failure must not look like no members. */
static void memory_body(void)
{
	struct process_list processes = {0};
	struct members members = {0};
	int result = process_list_read(&host, 0, true, &processes);

	if (result == 0) {
		result = members_find(&host, &processes, ALICE, true, &members);
		if (result == 0)
			assert_true(members.count >= 1);
		else
			assert_null(members.pids);
	} else {
		assert_null(processes.entries);
	}
	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
	members_free(&members);
	process_list_free(&processes);
}

static void test_missing_memory_is_an_error(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++)
		(void)member(ALICE, OWN_KINDS);
	assert_true(fault_sweep(ENOMEM, memory_body) >= 4);
}

static void test_missing_procfs_is_an_error(void **state)
{
	CLEANUP_FD int run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct host without = {.proc = run}, closed = {.proc = -1};
	struct process_list processes;

	(void)state;
	assert_true(process_list_read(&without, 0, false, &processes) < 0);
	assert_null(processes.entries);
	assert_true(process_list_read(&closed, 0, false, &processes) < 0);
	assert_non_null(strstr(log_last, "process"));
}

#define TEST(name) cmocka_unit_test_teardown(name, children_end)

static int tests_run(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_processes_elsewhere_are_no_members),
	    TEST(test_one_namespace_of_any_kind_makes_a_member),
	    TEST(test_many_members_are_found),
	    TEST(test_caller_is_no_member),
	    TEST(test_t37_thread_inside_makes_a_member),
	    TEST(test_t37_process_without_first_thread_is_a_member),
	    TEST(test_containers_in_containers_are_the_users),
	    TEST(test_containers_are_found_if_asked),
	    TEST(test_containers_of_others_are_no_members),
	    TEST(test_containers_with_other_uids_are_the_users),
	    TEST(test_reused_pid_is_no_member),
	    TEST(test_missing_memory_is_an_error),
	    TEST(test_missing_procfs_is_an_error),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

int main(void)
{
	own_host_run(tests_run);
}
