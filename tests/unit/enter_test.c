/*
 * The setuid program with a fake kernel, in which each call can fail or lie. The command always runs
 * as its caller and in the pinned namespaces, or does not run. make coverage demands each branch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enter_calls.h"

#define main(argc, argv) enter_main(argc, argv)
int enter_main(int argc, char **argv);

#include "../../helper/pam-netns-enter/enter.c"

#undef main

#include "enter_run.h"

/*
 * The order of calls: openat 1 "1/root", 2-5 run, pam-netns, pins, 2003, 6-12 the pins (there is none
 * of time, cgroup and pid), and all once more after the join; fstat 1-4 the folders, 5-12 each pin and its owner, 13-24
 * likewise, 25 the working directory; fstatat 1-4 the owners, 5 whether net is joined already, 6-9
 * after the join, 10-13 the owners and 14-17 the joined again.
 */
static const struct {
	struct fault fault;
	const char *message; /* "": none, as no message is allowed any more */
} refusals[] = {
    {{OPEN, 1, ENOENT}, NO_NETWORK},
    {{CLOSE_RANGE, 1, EINVAL}, ""},
    {{OPENAT, 1, EACCES}, "cannot reach the host's root directory"},
    {{OPENAT, 2, ENOENT}, NO_NETWORK},
    {{OPENAT, 3, ELOOP}, "cannot reach the pinned namespaces"},
    {{OPENAT, 5, ENOENT}, NO_NETWORK},
    {{OPENAT, 6, ENOENT}, NO_NETWORK},
    {{OPENAT, 6, ELOOP}, "cannot open a pinned namespace"},
    {{OPENAT, 8, EMFILE}, "cannot open a pinned namespace"},
    {{FSTAT, 1, EIO}, NOT_ALONE},
    {{FSTAT, 2, LIE_UID}, NOT_ALONE},
    {{FSTAT, 3, LIE_MODE}, NOT_ALONE},
    {{FSTATFS, 1, EIO}, DAMAGED},
    {{FSTATFS, 2, LIE_TYPE}, DAMAGED},
    {{FSTAT, 5, EIO}, DAMAGED},
    {{NSTYPE, 3, LIE_TYPE}, DAMAGED},
    {{USERNS, 1, EPERM}, NOT_OWNED},
    {{FSTAT, 6, EIO}, NOT_OWNED},
    {{FSTATAT, 1, EIO}, NOT_OWNED},
    {{FSTATAT, 2, LIE_DEVICE}, NOT_OWNED},
    {{FSTATAT, 3, LIE_INODE}, NOT_OWNED},
    {{FSTATAT, 5, EIO}, NOT_READ},
    {{SETNS, 1, EPERM}, "cannot join a namespace"},
    {{SETNS, 2, EPERM}, "cannot join a namespace"},
    {{SETNS, 3, EINVAL}, "cannot join a namespace"},
    {{SETNS, 1, LIE_SUCCESS}, NOT_JOINED},
    {{SETNS, 2, LIE_SUCCESS}, NOT_JOINED},
    {{SETNS, 3, LIE_SUCCESS}, NOT_JOINED},
    {{FSTATAT, 6, EIO}, NOT_READ},
    {{FSTATAT, 7, LIE_DEVICE}, NOT_JOINED},
    {{SETNS, 4, LIE_GONE}, WENT_AWAY},
    {{FSTATAT, 9, LIE_GONE}, WENT_AWAY},
    {{FSTATAT, 14, LIE_INODE}, WENT_AWAY},
    {{SETRESGID, 1, EPERM}, ""},
    {{SETRESUID, 1, EAGAIN}, ""},
    {{CAPNG_APPLY, 1, EPERM}, ""},
    {{GETRESUID, 1, EFAULT}, ""},
    {{GETRESGID, 1, EFAULT}, ""},
    {{CAPGET, 1, EFAULT}, ""},
    {{CAPNG_APPLY, 1, LIE_SUCCESS}, ""},
    {{GETRESUID, 1, LIE_UID}, ""},
    {{GETRESUID, 1, LIE_EUID}, ""},
    {{GETRESUID, 1, LIE_SUID}, ""},
    {{GETRESGID, 1, LIE_UID}, ""},
    {{GETRESGID, 1, LIE_EUID}, ""},
    {{GETRESGID, 1, LIE_SUID}, ""},
    {{SETUID, 1, LIE_SUCCESS}, ""},
    {{SETEUID, 1, LIE_SUCCESS}, ""},
    {{SETGID, 1, LIE_SUCCESS}, ""},
    {{SETEGID, 1, LIE_SUCCESS}, ""},
};

static void each_fault_of_the_list_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		world_make();
		world.fault = refusals[i].fault;
		print_message("call %d, number %d, error %d\n", refusals[i].fault.call,
			      refusals[i].fault.number, refusals[i].fault.error);
		enter("enter", "true", NULL);
		assert_refused(refusals[i].message);
	}
}

/* Each call fails or lies at each place; enter_with() has the assertions. */
static void faults_sweep(bool pid)
{
	static const int errors[] = {EPERM, ENOENT, LIE_DEVICE, LIE_INODE, LIE_SUCCESS, LIE_GONE};
	int calls[CALLS], runs = 0, ran = 0;

	world_make();
	world.pinned[PID] = pid;
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	memcpy(calls, world.calls, sizeof(calls));
	for (enum call call = CALL_NONE + 1; call < CALLS; call++) {
		for (int number = 1; number <= calls[call] * 6; number++) {
			world_make();
			world.pinned[PID] = pid;
			world.fault.call = call;
			world.fault.number = (number + 5) / 6;
			world.fault.error = errors[number % 6];
			enter("enter", "true", NULL);
			runs++;
			if (!world.executed)
				continue;
			ran++;
			assert_ran_inside("true");
		}
	}
	assert_true(runs > 300);
	assert_true(ran > 0 && ran < runs);
}

static void every_fault_at_every_call_is_safe(void **state)
{
	(void)state;
	faults_sweep(false);
	faults_sweep(true);
}

static void command_runs_in_pinned_namespaces(void **state)
{
	(void)state;
	world_make();
	enter("enter", "id", "-u", NULL);
	assert_ran_inside("id");
	assert_string_equal(world.cwd, "/work");
	world_make();
	enter("enter", "--", "-x", NULL);
	assert_ran_inside("-x");
	world_make();
	enter("enter", NULL);
	assert_ran_inside("/bin/sh");
}

static void only_pinned_namespaces_are_joined(void **state)
{
	(void)state;
	world_make();
	memset(world.pinned + 1, 0, sizeof(world.pinned) - sizeof(*world.pinned));
	enter("enter", "true", NULL);
	assert_non_null(world.executed);
	assert_int_equal(world.in[0], INODE(0));
	for (int i = 1; i < PINS; i++)
		assert_int_equal(world.in[i], HOST_NS);
	world_make();
	world.pinned[0] = false;
	enter("enter", "true", NULL);
	assert_refused(NO_NETWORK);
}

static void time_and_cgroup_are_joined_if_they_are_pinned(void **state)
{
	(void)state;
	world_make();
	world.pinned[TIME] = world.pinned[CGROUP] = true;
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.in[TIME], INODE(TIME));
	assert_int_equal(world.in[CGROUP], INODE(CGROUP));
	world_make();
	world.pinned[TIME] = true;
	world.fault = (struct fault){SETNS, 4, EUSERS};
	enter("enter", "true", NULL);
	assert_refused("cannot join a namespace");
}

/* A profile with net_admin: the helper has recorded the user namespace that owns the network. */
static void network_of_its_user_is_joined(void **state)
{
	static const char *const others[] = {NULL, "", "12", "10"};

	(void)state;
	world_make();
	world.owned = true;
	world.owner = "11";
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	world_make();
	world.owned = true;
	world.owner = "11";
	world.fault = (struct fault){READLINKAT, 1, EACCES};
	enter("enter", "true", NULL);
	assert_refused(NOT_OWNED);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		world_make();
		world.owned = true;
		world.owner = others[i];
		enter("enter", "true", NULL);
		assert_refused(NOT_OWNED);
	}
}

static void process_inside_does_not_join_again(void **state)
{
	(void)state;
	world_make();
	for (int i = 0; i < PINS; i++)
		world.in[i] = INODE(i);
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.calls[SETNS], 0);
	assert_int_equal(world.calls[GETCWD], 0);
}

/* Only children of this process would be in the PID namespace. */
static void pid_namespace_has_the_command_as_a_child(void **state)
{
	static const struct {
		struct fault fault;
		const char *message;
	} faults[] = {
	    {{SETNS, 5, LIE_SUCCESS}, NOT_JOINED},
	    {{OPEN, 2, ENOENT}, NO_WAITER},
	    {{FEXECVE, 1, EACCES}, NO_WAITER},
	};

	(void)state;
	world_make();
	world.pinned[PID] = true;
	enter("enter", "--", "true", NULL);
	assert_ran_inside("true");
	assert_true(world.waits);
	assert_string_equal(world.cwd, "/work");
	world_make();
	world.pinned[PID] = true;
	enter("enter", NULL);
	assert_ran_inside("");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		world_make();
		world.pinned[PID] = true;
		world.fault = faults[i].fault;
		enter("enter", "true", NULL);
		assert_refused(faults[i].message);
	}
	world_make();
	world.pinned[PID] = true;
	for (int i = 0; i < PINS; i++)
		world.in[i] = INODE(i);
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.calls[SETNS], 0);
	assert_false(world.waits);
	/* A process whose children only are inside is not. */
	world_make();
	world.pinned[PID] = true;
	for (int i = 0; i < PINS; i++)
		world.in[i] = i == PID ? HOST_NS : INODE(i);
	world.children = INODE(PID);
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_true(world.waits);
}

/* If the working directory is in doubt, the command starts in the root directory. */
static void doubtful_working_directory_becomes_root(void **state)
{
	static const struct fault doubts[] = {
	    {GETCWD, 1, ENOENT},    {GETCWD, 1, LIE_PATH}, {STAT, 1, EACCES},
	    {OPENAT2, 1, ELOOP},    {FSTAT, 25, EIO},	   {FSTAT, 25, LIE_DEVICE},
	    {FSTAT, 25, LIE_INODE}, {FCHDIR, 1, EACCES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		world_make();
		world.fault = doubts[i];
		enter("enter", "true", NULL);
		assert_ran_inside("true");
		assert_string_equal(world.cwd, "/");
	}
	world_make();
	world.pinned[PINS - 1] = false;
	world.fault = (struct fault){CHDIR, 1, EACCES};
	enter("enter", "true", NULL);
	assert_non_null(world.executed);
	assert_string_equal(world.cwd, "/work");
}

static void unreachable_root_refuses(void **state)
{
	(void)state;
	world_make();
	strcpy(world.cwd, "(gone)");
	world.fault = (struct fault){CHDIR, 1, EACCES};
	enter("enter", "true", NULL);
	assert_refused("");
}

static void command_that_cannot_run_is_reported(void **state)
{
	(void)state;
	world_make();
	world.fault = (struct fault){EXECVP, 1, ENOENT};
	enter("enter", "no-such", NULL);
	assert_int_equal(world.status, 127);
	assert_string_equal(world.message,
			    "pam-netns-enter: cannot run no-such: No such file or directory\n");
	world_make();
	world.fault = (struct fault){EXECVP, 1, EACCES};
	enter("enter", "/etc/passwd", NULL);
	assert_int_equal(world.status, 126);
}

/* Each is printed without privilege, to root too, and runs no command. */
static void options_run_no_command(void **state)
{
	(void)state;
	for (int root = 0; root < 2; root++) {
		for (int i = 0; i < 2; i++) {
			for (int full = 0; full < 2; full++) {
				world_make();
				if (root)
					world.real_uid = world.uids[0] = 0;
				world.fault = (struct fault){full ? DPRINTF : CALL_NONE, 1, ENOSPC};
				enter("enter", i ? "--help" : "--version", "true", NULL);
				assert_null(world.executed);
				assert_int_equal(world.status, full);
				assert_false(world.capable);
				assert_int_equal(world.calls[SETNS], 0);
				assert_non_null(strstr(world.message, i ? "Usage: " : VERSION));
			}
		}
	}
	world_make();
	enter("enter", "--target=1", "true", NULL);
	assert_refused("unknown option; try --help");
	/* CVE-2021-4034 */
	world_make();
	enter(NULL);
	assert_refused("");
}

static void root_and_missing_setuid_are_refused(void **state)
{
	(void)state;
	world_make();
	world.real_uid = world.uids[0] = 0;
	enter("enter", "true", NULL);
	assert_refused("root has no network of its own; use pam-netns exec USER");
	world_make();
	world.uids[1] = world.uids[2] = USER_ID;
	enter("enter", "true", NULL);
	assert_refused("not setuid root here (no_new_privs, nosuid or a user namespace)");
}

/* If a refusal cannot give up the uid, it prints no message. */
static void refusal_with_privilege_prints_nothing(void **state)
{
	(void)state;
	world_make();
	world.pinned[0] = false;
	world.fault = (struct fault){SETRESUID, 1, EAGAIN};
	enter("enter", "true", NULL);
	assert_refused("");
}

static void closed_standard_descriptors_are_opened(void **state)
{
	(void)state;
	world_make();
	world.standard[0] = world.standard[2] = false;
	enter("enter", "true", NULL);
	assert_ran_inside("true");
	assert_int_equal(world.calls[OPEN], 3);
	world_make();
	world.standard[1] = false;
	world.fault = (struct fault){OPEN, 1, EMFILE};
	enter("enter", "true", NULL);
	assert_refused("");
}

static int world_free(void **state)
{
	(void)state;
	free(world.executed);
	world.executed = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(command_runs_in_pinned_namespaces),
	    cmocka_unit_test(only_pinned_namespaces_are_joined),
	    cmocka_unit_test(time_and_cgroup_are_joined_if_they_are_pinned),
	    cmocka_unit_test(network_of_its_user_is_joined),
	    cmocka_unit_test(process_inside_does_not_join_again),
	    cmocka_unit_test(pid_namespace_has_the_command_as_a_child),
	    cmocka_unit_test(each_fault_of_the_list_refuses),
	    cmocka_unit_test(every_fault_at_every_call_is_safe),
	    cmocka_unit_test(doubtful_working_directory_becomes_root),
	    cmocka_unit_test(unreachable_root_refuses),
	    cmocka_unit_test(command_that_cannot_run_is_reported),
	    cmocka_unit_test(options_run_no_command),
	    cmocka_unit_test(root_and_missing_setuid_are_refused),
	    cmocka_unit_test(refusal_with_privilege_prints_nothing),
	    cmocka_unit_test(closed_standard_descriptors_are_opened),
	};

	return cmocka_run_group_tests(tests, NULL, world_free);
}
