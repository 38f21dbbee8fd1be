/*
 * The resource limits: what systemd is asked, what is written into our own tree, and what refuses the
 * login. Ordinary files are in the kernel's place, and fakes in that of systemd's programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "../../helper/pam-netns-helper/resource.h"
#include "base/uid.h"
#include "conf/limits.h"
#include "host/cgroup.h"
#include "log_kept.h"
#include "scratch.h"
#include "state/lock.h"

#define USER   1001
#define LEADER 4242
#define SLICE  "user.slice/user-1001.slice"
#define OWN    "pam-netns/1001"

static struct {
	bool systemd, no_cgroup,
	    ignores; /* ignores: systemd's answer is success, and it does nothing */
	bool placed, pinned, denies;
	bool
	    restarts; /* the slice ends before the leader's scope, and begins again without limits */
	char ran[1024]; /* the commands */
	int error;	/* of the commands */
} world;

static int group_root(void);
static void slice_make(const char *memory);

static int fake_program_run(char *const argv[])
{
	size_t used = strlen(world.ran);

	for (size_t i = 0; argv[i]; i++) {
		snprintf(world.ran + used, sizeof(world.ran) - used, "%s%s", argv[i],
			 argv[i + 1] ? " " : "; ");
		used = strlen(world.ran);
	}
	if (world.error || world.ignores)
		return world.error;
	if (strcmp(argv[0], "busctl") == 0)
		world.placed = true;
	if (strcmp(argv[0], "busctl") != 0 || world.restarts)
		slice_make(world.restarts ? "max\n" : "67108864\n");
	return 0;
}

static void time_pass(const struct timespec *time)
{
	assert_true(time->tv_nsec > 0);
}

static bool fake_cgroup_has(const char *path);
static int fake_mkdirat(int dir, const char *path);

#define program_run(argv)	      fake_program_run(argv)
#define cgroup_open()		      group_root()
#define cgroup_by_systemd()	      (world.systemd)
#define cgroup_has(proc, pid, p)      ((void)(proc), assert_int_equal(pid, LEADER), fake_cgroup_has(p))
#define mkdirat(dir, path, mode)      ((void)(mode), fake_mkdirat(dir, path))
#define cgroup_namespace_refuse(user) ((void)(user), -EOPNOTSUPP)
#define pins_exist(uid)		      (assert_int_equal(uid, USER), world.pinned)
#define nanosleep(time, remaining)    time_pass(time)
#define openat(dir, path, flags)      openat(dir, path_of(path), flags)

static const char *path_of(const char *path);

#include "../../helper/pam-netns-helper/resources/limits.c"

#undef mkdirat
#undef openat
#undef nanosleep
#include "host_scratch.h"
/* Absolute paths are in the scratch folder. */
static const char *path_of(const char *path)
{
	static char text[512];

	if (*path != '/')
		return path;
	snprintf(text, sizeof(text), "%s%s", scratch_path, path);
	return text;
}

static void put(const char *name, const char *text)
{
	CLEANUP_FD int fd = openat(scratch, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static const char *got(const char *name)
{
	static char text[256];

	if (files_read_below(scratch, name, text, sizeof(text)) < 0)
		strcpy(text, "absent");
	return text;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(scratch, name, &st, 0), 0);
	return st.st_mode & 07777;
}

static void folder(const char *name)
{
	assert_true(mkdirat(scratch, name, 0755) == 0 || errno == EEXIST);
}

static int group_root(void)
{
	return world.no_cgroup ? -ENOTSUP : openat(scratch, "cgroup", O_PATH | O_CLOEXEC);
}

static void slice_make(const char *memory)
{
	folder("cgroup/user.slice");
	folder("cgroup/" SLICE);
	put("cgroup/" SLICE "/memory.max", memory);
	put("cgroup/" SLICE "/pids.max", "100\n");
}

/* As cgroup2fs does, a new folder has files. Written limits are read back with a newline. */
static int fake_mkdirat(int dir, const char *path)
{
	char name[128];

	if (world.denies) {
		errno = EACCES;
		return -1;
	}
	if (mkdirat(dir, path, 0755))
		return -1;
	snprintf(name, sizeof(name), "cgroup/%s/cgroup.subtree_control", path);
	put(name, "");
	snprintf(name, sizeof(name), "cgroup/%s/cgroup.procs", path);
	put(name, "");
	snprintf(name, sizeof(name), "cgroup/%s/memory.max", path);
	put(name, "");
	snprintf(name, sizeof(name), "cgroup/%s/pids.max", path);
	put(name, "");
	return 0;
}

static bool fake_cgroup_has(const char *path)
{
	assert_string_equal(path, world.systemd ? SLICE : OWN);
	return world.placed ||
	       (!world.systemd && !strcmp(got("cgroup/" OWN "/cgroup.procs"), "4242"));
}

static const struct request request;

static struct user user_of(uint64_t memory, uint64_t tasks)
{
	struct user user = {.host = &host, .uid = USER, .request = &request, .recorded = true};

	user.state.limits.values[LIMIT_MEMORY] = memory;
	user.state.limits.values[LIMIT_TASKS] = tasks;
	strcpy(user.state.profile, "lab");
	return user;
}

static int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	if (host_setup(state))
		return -1;
	host.caller = LEADER;
	folder("cgroup");
	folder("run");
	folder("run/systemd");
	folder("run/systemd/system.control");
	put("cgroup/cgroup.controllers", "cpu memory pids\n");
	put("cgroup/cgroup.subtree_control", "");
	return 0;
}

/* --- systemd --- */

static void test_systemd_is_asked_once(void **state)
{
	struct user user = user_of(64 << 20, 100);

	(void)state;
	world.systemd = world.placed = true;
	assert_true(limits_wanted(&user));
	assert_int_equal(limits_ensure(&user), 0);
	assert_string_equal(world.ran, "systemctl set-property --runtime user-1001.slice "
				       "MemoryMax=67108864 TasksMax=100; ");
	assert_string_equal(got("limits/1001"), "");
	world.ran[0] = '\0';
	assert_int_equal(limits_ensure(&user), 0); /* they are in force */
	assert_string_equal(world.ran, "");
	put("cgroup/" SLICE "/memory.max", "max\n"); /* systemctl revert */
	assert_int_equal(limits_ensure(&user), 0);
	assert_non_null(strstr(world.ran, "MemoryMax=67108864"));
	assert_string_equal(log_last, "");
}

static void test_leader_outside_its_slice_gets_a_scope(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	world.systemd = true;
	assert_int_equal(limits_ensure(&user), 0);
	assert_non_null(strstr(world.ran, "; busctl call --quiet org.freedesktop.systemd1 "));
	assert_non_null(strstr(world.ran, " StartTransientUnit ssa(sv)a(sa(sv)) pam-netns-4242-"));
	assert_non_null(strstr(world.ran, " PIDs au 1 4242 Slice s user-1001.slice "));
	/* gc has no leader. */
	world.placed = false;
	world.ran[0] = '\0';
	user.request = NULL;
	assert_int_equal(limits_ensure(&user), 0);
	assert_string_equal(world.ran, "");
}

/* What the kernel does not show is not believed, whatever systemd answers. */
static void test_limit_not_in_force_refuses_login(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	world.systemd = world.placed = world.ignores = true;
	assert_int_equal(limits_ensure(&user), -EOPNOTSUPP);
	assert_string_equal(log_last, "the limit memory of uid 1001 is not in force: "
				      "/sys/fs/cgroup/" SLICE "/memory.max has another value");
	slice_make("max\n");
	assert_int_equal(limits_ensure(&user), -EOPNOTSUPP);
	world.placed = false;
	assert_int_equal(limits_ensure(&user), -ETIMEDOUT);
	assert_non_null(strstr(log_last, "has not moved process 4242 into user-1001.slice"));
	world.ignores = false;
	world.error = -EIO;
	assert_int_equal(limits_ensure(&user), -EIO);
}

static void test_limits_of_a_slice_that_restarts_are_looked_at_again(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	slice_make("67108864\n");
	world.systemd = world.restarts = true;
	assert_int_equal(limits_ensure(&user), -EOPNOTSUPP);
	assert_null(strstr(world.ran, "set-property"));
	assert_non_null(strstr(log_last, "the limit memory of uid 1001 is not in force"));
}

/* A group that has the limits has their controllers: those of the host are not read. */
static void test_known_group_is_looked_at_once(void **state)
{
	struct user user = user_of(64 << 20, 100);

	(void)state;
	slice_make("67108864\n");
	put("cgroup/cgroup.controllers", "\n");
	world.systemd = world.placed = true;
	assert_int_equal(limits_ensure(&user), 0);
	assert_string_equal(world.ran, "");
	slice_make("max\n");
	assert_int_equal(limits_ensure(&user), -EOPNOTSUPP);
	assert_non_null(strstr(log_last, "offers no memory controller"));
}

/* The slice ends before the user's network. systemd would make it again for a property. */
static void test_gc_makes_no_slice(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	world.systemd = true;
	user.request = NULL;
	assert_int_equal(limits_ensure(&user), 0);
	assert_string_equal(world.ran, "");
}

/* --- our own tree --- */

static void test_own_group_gets_limits_and_leader(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	assert_int_equal(fchmodat(scratch, "cgroup", 0555, 0), 0); /* as the kernel has it */
	assert_int_equal(limits_ensure(&user), 0);
	assert_int_equal(mode_of("cgroup"), 0555);
	assert_string_equal(world.ran, "");
	assert_string_equal(got("cgroup/cgroup.subtree_control"), "+memory");
	assert_string_equal(got("cgroup/pam-netns/cgroup.subtree_control"), "+memory");
	assert_string_equal(got("cgroup/" OWN "/memory.max"), "67108864");
	assert_string_equal(got("cgroup/" OWN "/pids.max"), "");
	assert_string_equal(got("cgroup/" OWN "/cgroup.procs"), "4242");
	assert_string_equal(got("limits/1001"), "absent");
	assert_int_equal(limits_ensure(&user), 0);
}

static void test_missing_controller_refuses_login(void **state)
{
	struct user user = user_of(0, 0);

	(void)state;
	assert_false(limits_wanted(&user));
	user.state.limits.values[LIMIT_IO] = 50;
	assert_true(limits_wanted(&user));
	assert_int_equal(limits_ensure(&user), -EOPNOTSUPP);
	assert_string_equal(log_last, "cannot limit uid 1001: this kernel or host offers no io "
				      "controller, which the limit io needs; change limits in the "
				      "profile lab");
	assert_string_equal(got("cgroup/" OWN "/cgroup.procs"), "absent");
	world.no_cgroup = true;
	assert_int_equal(limits_ensure(&user), -ENOTSUP);
	assert_non_null(strstr(log_last, "/sys/fs/cgroup is no cgroup v2"));
}

static void test_failed_write_refuses_login(void **state)
{
	struct user user = user_of(64 << 20, 0);

	(void)state;
	world.denies = true;
	assert_int_equal(fchmodat(scratch, "cgroup", 0555, 0), 0);
	assert_int_equal(limits_ensure(&user), -EACCES);
	assert_int_equal(mode_of("cgroup"), 0555);
	world.denies = false;
	assert_int_equal(unlinkat(scratch, "cgroup/cgroup.subtree_control", 0), 0);
	assert_int_equal(limits_ensure(&user), -ENOENT);
	assert_non_null(strstr(log_last, "cgroup.subtree_control"));
}

/* --- removal --- */

static void test_group_without_user_is_removed(void **state)
{
	struct user user = user_of(64 << 20, 0);
	struct user none = user_of(0, 0);

	(void)state;
	folder("cgroup/pam-netns");
	folder("cgroup/" OWN);
	assert_int_equal(limits_undo(&none), 0); /* the record says that there is none */
	assert_int_equal(faccessat(scratch, "cgroup/" OWN, F_OK, 0), 0);
	world.pinned = true;
	assert_int_equal(limits_sweep(&host, NULL), 0);
	assert_int_equal(faccessat(scratch, "cgroup/" OWN, F_OK, 0), 0);
	assert_int_equal(limits_undo(&user), 0);
	assert_int_equal(faccessat(scratch, "cgroup/" OWN, F_OK, 0), -1);
	folder("cgroup/" OWN);
	world.pinned = false;
	assert_int_equal(limits_sweep(&host, NULL), 0);
	assert_int_equal(faccessat(scratch, "cgroup/pam-netns", F_OK, 0), -1);
	world.no_cgroup = true;
	assert_int_equal(limits_undo(&user), 0);
	assert_int_equal(limits_sweep(&host, NULL), 0);
}

#define DROP_INS "run/systemd/system.control/user-1001.slice.d"

static void marked(void)
{
	folder("limits");
	put("limits/1001", "");
	folder(DROP_INS);
	put(DROP_INS "/50-MemoryMax.conf", "x");
	put(DROP_INS "/50-TasksMax.conf", "x");
}

static void test_systemds_files_end_with_the_slice(void **state)
{
	(void)state;
	world.systemd = true;
	marked();
	put(DROP_INS "/50-AllowedCPUs.conf", "an administrator's");
	slice_make("1\n");
	assert_int_equal(limits_sweep(&host, NULL), 0); /* the slice goes on */
	assert_string_equal(got(DROP_INS "/50-MemoryMax.conf"), "x");
	assert_int_equal(files_remove_tree(scratch, "cgroup/user.slice"), 0);
	world.ignores = true;
	assert_int_equal(limits_sweep(&host, NULL), 0);
	assert_string_equal(got(DROP_INS "/50-MemoryMax.conf"), "absent");
	assert_string_equal(got(DROP_INS "/50-TasksMax.conf"), "absent");
	assert_string_equal(got(DROP_INS "/50-AllowedCPUs.conf"), "an administrator's");
	assert_string_equal(got("limits/1001"), "absent");
	assert_string_equal(world.ran, "systemctl daemon-reload; ");
	world.ran[0] = '\0';
	assert_int_equal(limits_sweep(&host, NULL), 0);
	assert_string_equal(world.ran, "");
}

/* The user's new profile has no limits, and the slice went on meanwhile. */
static void test_limits_of_an_old_profile_end(void **state)
{
	struct user_state active = {.uplink.uid = USER, .limits.values = {1}};

	(void)state;
	world.systemd = world.pinned = true;
	marked();
	slice_make("1\n");
	assert_int_equal(state_write(scratch, &active), 0);
	assert_int_equal(limits_sweep(&host, NULL), 0);
	assert_string_equal(got("limits/1001"), "");
	active.limits.values[0] = 0;
	assert_int_equal(state_write(scratch, &active), 0);
	world.error = -EIO;
	assert_int_equal(limits_sweep(&host, NULL), -EIO);
	assert_string_equal(world.ran, "systemctl daemon-reload; ");
	assert_string_equal(got("limits/1001"), "absent");
}

int main(void)
{
#define LIMITS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, host_teardown)
	const struct CMUnitTest tests[] = {
	    LIMITS_TEST(test_systemd_is_asked_once),
	    LIMITS_TEST(test_leader_outside_its_slice_gets_a_scope),
	    LIMITS_TEST(test_limit_not_in_force_refuses_login),
	    LIMITS_TEST(test_limits_of_a_slice_that_restarts_are_looked_at_again),
	    LIMITS_TEST(test_known_group_is_looked_at_once),
	    LIMITS_TEST(test_gc_makes_no_slice),
	    LIMITS_TEST(test_own_group_gets_limits_and_leader),
	    LIMITS_TEST(test_missing_controller_refuses_login),
	    LIMITS_TEST(test_failed_write_refuses_login),
	    LIMITS_TEST(test_group_without_user_is_removed),
	    LIMITS_TEST(test_systemds_files_end_with_the_slice),
	    LIMITS_TEST(test_limits_of_an_old_profile_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
