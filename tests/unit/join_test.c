/* The module's verified join: all promised namespaces, or the old ones. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>

/* Another process exchanges these paths during the join. */
static char exchanged[2][PATH_MAX];

static void exchange(void)
{
	if (exchanged[0][0])
		(void)renameat2(AT_FDCWD, exchanged[0], AT_FDCWD, exchanged[1], RENAME_EXCHANGE);
	exchanged[0][0] = '\0';
}

#define setns(fd, flag) (exchange(), (setns)(fd, flag))
#include "../../pam_module/join.c"
#undef setns

#include "scratch.h"

static uint64_t inode_now(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* Opens namespaces of a child, which lives as long as the descriptors are open. */
static void reply_make(struct reply *reply)
{
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready) | pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		byte = unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWTIME |
			       CLONE_NEWCGROUP | CLONE_NEWNS) == 0;
		(void)!write(ready[1], &byte, 1);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	*reply = (struct reply){.outcome = OUTCOME_ISOLATED};
	for (int kind = 0; kind < NAMESPACE_KINDS; kind++) {
		char path[64];
		struct stat st;
		size_t i = reply->handed_count;

		if (kind == KIND_PID)
			continue;
		reply->handed_count++;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid,
			 namespace_kinds[kind].made);
		reply->handed[i].kind = kind;
		reply->handed[i].fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(fstat(reply->handed[i].fd, &st), 0);
		reply->handed[i].device = st.st_dev;
		reply->handed[i].inode = st.st_ino;
	}
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 2; i++)
		assert_int_equal(close(ready[i]) | close(go[i]), 0);
}

/* Runs join_namespaces() in a child; returns its result, and a bit for each joined kind. */
static void join_try(const struct reply *reply, int *result, unsigned *in)
{
	struct {
		int joined;
		unsigned bits;
	} answer = {0};
	int status, ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		log_set_sink(NULL, NULL);
		answer.joined = join_namespaces(reply);
		for (size_t i = 0; i < reply->handed_count; i++) {
			const struct namespace_row *row = &namespace_kinds[reply->handed[i].kind];
			struct stat st;

			if (fstat(reply->handed[i].fd, &st) == 0 &&
			    inode_now(row->name) == st.st_ino)
				answer.bits |= row->bit;
		}
		_exit(write(ends[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(close(ends[0]) | close(ends[1]), 0);
	*in = answer.bits;
	*result = answer.joined;
}

static void test_all_promised_namespaces_are_joined(void **state)
{
	struct reply reply;
	unsigned in;
	int result;

	(void)state;
	reply_make(&reply);
	join_try(&reply, &result, &in);
	assert_int_equal(result, 0);
	assert_int_equal(in, NAMESPACES_ALL & ~NAMESPACE_PID);
	reply_close(&reply);
}

/* T1: if one of them is not the promised one, the caller is in its old namespaces. */
static void test_wrong_namespace_undoes_the_join(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMESPACE_KINDS - 1; i++) {
		struct reply reply;
		unsigned in;
		int result;

		reply_make(&reply);
		reply.handed[i].inode++;
		join_try(&reply, &result, &in);
		assert_int_equal(result, -EPROTO);
		assert_int_equal(in, 0);
		reply_close(&reply);
	}
}

/* T9: half a switch is undone (CVE-2026-43472). */
static void test_failed_join_is_undone(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMESPACE_KINDS - 1; i++) {
		struct reply reply;
		unsigned in;
		int result;

		reply_make(&reply);
		close(reply.handed[i].fd);
		reply.handed[i].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		join_try(&reply, &result, &in);
		assert_int_not_equal(result, 0);
		assert_int_equal(in, 0);
		reply_close(&reply);
	}
}

/* Joins from the folder in scratch, while it is exchanged with other: is the process in it afterwards? */
static bool stays_in(const char *folder, const char *other)
{
	struct reply reply;
	int status;
	pid_t pid;

	reply_make(&reply);
	pid = fork();
	if (pid == 0) {
		struct stat before, after, root;

		if (fchdir(scratch) || chdir(folder) || stat(".", &before))
			_exit(2);
		snprintf(exchanged[1], PATH_MAX, "%s/%s", scratch_path, other);
		if (*other)
			snprintf(exchanged[0], PATH_MAX, "%s/%s", scratch_path, folder);
		if (join_namespaces(&reply) || stat(".", &after) || stat("/", &root))
			_exit(3);
		if (after.st_ino == before.st_ino && after.st_dev == before.st_dev)
			_exit(0);
		_exit(after.st_ino == root.st_ino && after.st_dev == root.st_dev ? 1 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	reply_close(&reply);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

/* T17: it is "/" instead, neither the link's target nor the other folder. */
static void test_replaced_working_directory_is_not_entered(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(scratch, "folder", 0755) | mkdirat(scratch, "other", 0755), 0);
	assert_int_equal(symlinkat("/etc", scratch, "link"), 0);
	assert_true(stays_in("folder", ""));
	assert_false(stays_in("folder", "link"));
	assert_int_equal(renameat2(scratch, "link", scratch, "folder", RENAME_EXCHANGE), 0);
	assert_false(stays_in("folder", "other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_promised_namespaces_are_joined),
	    cmocka_unit_test(test_wrong_namespace_undoes_the_join),
	    cmocka_unit_test(test_failed_join_is_undone),
	    cmocka_unit_test_setup_teardown(test_replaced_working_directory_is_not_entered,
					    scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
