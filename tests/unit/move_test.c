/* The helper's move into the root cgroup, also out of a user's cgroup namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "call/message.h"
#include "call/root_cgroup.h"

#define GROUP	  40
#define NAMESPACE 41

static struct {
	bool delegated, stuck; /* nsdelegate; setns(2) fails */
	int cgroup_error;      /* of the caller's choice of a cgroup */
	bool inside;	       /* in the user's cgroup namespace */
	unsigned clones;
	bool told;
} world;

static long fake_syscall(long number, const struct clone_args *arguments, size_t size)
{
	assert_int_equal(number, SYS_clone3);
	assert_int_equal(size, sizeof(*arguments));
	assert_int_equal(arguments->flags, CLONE_INTO_CGROUP | CLONE_PARENT);
	assert_int_equal(arguments->cgroup, GROUP);
	world.clones++;
	errno = ENOENT;
	return world.delegated && world.inside ? -1 : 0;
}

static int fake_open(const char *path)
{
	assert_string_equal(path, "/run/pam-netns/hostproc/proc/1/ns/cgroup");
	return NAMESPACE;
}

static int fake_setns(int fd, int type)
{
	assert_int_equal(fd, NAMESPACE);
	assert_int_equal(type, CLONE_NEWCGROUP);
	world.inside = world.stuck;
	return world.stuck ? -1 : 0;
}

static int fake_each(int (*start)(void *context, int cgroup), void *context)
{
	return world.cgroup_error ? world.cgroup_error : start(context, GROUP);
}

#define syscall(...)			 fake_syscall(__VA_ARGS__)
#define open(path, flags)		 fake_open(path)
#define close(fd)			 assert_int_equal(fd, NAMESPACE)
#define setns(fd, type)			 fake_setns(fd, type)
#define root_cgroup_each(start, context) fake_each(start, context)
#define message_send_moved(socket, pid)	 ((void)(pid), world.told = true, 0)

#include "../../helper/pam-netns-helper/move.c"

static void test_process_moves(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	helper_move();
	assert_true(world.told);
	assert_int_equal(world.clones, 1);
}

/* With nsdelegate it leaves the user's cgroup namespace first, and does not stay in the user's group. */
static void test_process_leaves_a_users_cgroup_namespace(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.delegated = world.inside = true;
	helper_move();
	assert_true(world.told && !world.inside);
	assert_int_equal(world.clones, 2);
}

static void test_process_that_cannot_move_stays(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.cgroup_error = -ENODEV;
	helper_move();
	assert_false(world.told);
	memset(&world, 0, sizeof(world));
	world.delegated = world.inside = world.stuck = true;
	helper_move();
	assert_false(world.told);
	assert_int_equal(world.clones, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_process_moves),
	    cmocka_unit_test(test_process_leaves_a_users_cgroup_namespace),
	    cmocka_unit_test(test_process_that_cannot_move_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
