/* Persistent directories: their owners, and failures of each call. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "base/linux_calls.h"
#include "scratch.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "ns/persistent.h"
#include "log_kept.h"
#include "base/paths.h"

#undef PRIVATE_DIR
#define PRIVATE_DIR "private"

#define openat(...)	    FAULT(openat(__VA_ARGS__))
#define open_tree(...)	    FAULT(open_tree(__VA_ARGS__))
#define mkdirat(...)	    FAULT(mkdirat(__VA_ARGS__))
#define renameat(...)	    FAULT(renameat(__VA_ARGS__))
#define symlinkat(...)	    FAULT(symlinkat(__VA_ARGS__))
#define readlinkat(...)	    FAULT(readlinkat(__VA_ARGS__))
#define stat(path, st)	    FAULT(stat(path, st))
#define fstat(fd, st)	    FAULT(fstat(fd, st))
#define fchown(...)	    FAULT(fchown(__VA_ARGS__))
#define fchmod(...)	    FAULT(fchmod(__VA_ARGS__))
#define files_make_dir(...) (fault_hits() ? -fault_error : files_make_dir(__VA_ARGS__))

#include "../../lib/ns/persistent.c"

#define USER  2001
#define OWNER 65534

static char host[300]; /* the host's directory */
static char own[400];  /* its persistent directory */
static char above[400];

/* In a new mount namespace, since mounts are cloned. */
static int setup(void **state)
{
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	umask(022);
	if (unshare(CLONE_NEWNS) || scratch_setup(state) || chdir(scratch_path))
		return -1;
	snprintf(host, sizeof(host), "%s/var/tmp", scratch_path);
	snprintf(above, sizeof(above), "private/2001%s/var", scratch_path);
	snprintf(own, sizeof(own), "private/2001%s", host);
	return mkdir("private", 0700) || mkdir("var", 0755) || mkdir("var/tmp", 0700) ||
	       chown("var/tmp", OWNER, OWNER) || chmod("var/tmp", 01777);
}

static void opened(const char *account)
{
	int fd = persistent_open(USER, account, host);

	assert_true(fd >= 0);
	close(fd);
}

static void file_make(void)
{
	int fd = (openat)(AT_FDCWD, own, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal((mkdirat)(fd, "kept", 0700), 0);
	close(fd);
}

static bool has_file(const char *folder)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/kept", folder);
	return access(path, F_OK) == 0;
}

static void paths_below_var_are_persistent(void **state)
{
	(void)state;
	assert_true(persistent_path("/var/tmp"));
	assert_false(persistent_path("/tmp"));
	assert_false(persistent_path("/variable"));
}

static void persistent_directory_has_mode_of_the_hosts(void **state)
{
	struct stat st;

	(void)state;
	opened("alice");
	assert_int_equal((stat)(own, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(st.st_uid, OWNER);
	assert_int_equal(st.st_gid, OWNER);
	/* Only root can enter the folder above. */
	assert_int_equal((stat)("private/2001", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	file_make();
	opened("alice");
	assert_true(has_file(own));
}

/* T18: a user with a reused uid does not get the old user's directory. */
static void reused_uid_does_not_get_the_directory(void **state)
{
	char command[400];

	(void)state;
	opened("alice");
	file_make();
	opened("mallory");
	assert_false(has_file(own));
	assert_non_null(strstr(log_last, "uid 2001 was alice and is mallory now"));
	snprintf(command, sizeof(command), "test -d private/2001.alice.*%s/kept", host);
	assert_int_equal(system(command), 0);
}

/* The account's name must be a plain file name. */
static void owner_with_hostile_name_is_refused(void **state)
{
	(void)state;
	opened("alice");
	assert_int_equal(unlink("private/2001/account"), 0);
	assert_int_equal(symlink("../../x", "private/2001/account"), 0);
	file_make();
	opened("alice");
	assert_false(has_file(own));
	assert_int_equal(system("test -d private/2001.unknown.*"), 0);
}

static void removed_folder_is_made_again(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(rename("private", "elsewhere"), 0);
	opened("alice");
	assert_int_equal((stat)("private", &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void folder_not_owned_by_root_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod("private", 0710), 0);
	assert_int_equal(persistent_open(USER, "alice", host), -EPERM);
	assert_int_equal(chmod("private", 0700) | chown("private", OWNER, 0), 0);
	assert_int_equal(persistent_open(USER, "alice", host), -EPERM);
	assert_int_equal(chown("private", 0, 0), 0);
	opened("alice");
	/* Only the last folder is the user's, and no link on the way is followed. */
	assert_int_equal(rmdir(own) | symlink(scratch_path, own), 0);
	assert_int_equal(persistent_open(USER, "alice", host), -ENOTDIR);
	assert_int_equal(unlink(own) | chmod(above, 0770), 0);
	assert_int_equal(persistent_open(USER, "alice", host), -EPERM);
	assert_int_equal(chmod(above, 0700) | chmod("private/2001", 0777), 0);
	assert_int_equal(persistent_open(USER, "alice", host), -EPERM);
}

/* After a failed login the next one goes on, and no file is lost. */
static void first_body(void)
{
	int fd = persistent_open(USER, "alice", host);

	if (fd < 0)
		assert_int_equal(fd, fault_was_hit() ? -ENOSPC : 0);
	cleanup_fd(&fd);
	fault_pause(fd = persistent_open(USER, "alice", host));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(system("rm -rf private/2001"), 0);
}

static void next_body(void)
{
	int fd = persistent_open(USER, "alice", host);

	if (fd < 0)
		assert_int_equal(fd, fault_was_hit() ? -ENOMEM : 0);
	cleanup_fd(&fd);
	assert_true(has_file(own));
}

static void each_failing_call_loses_no_files(void **state)
{
	(void)state;
	assert_true(fault_sweep(ENOSPC, first_body) >= 12);
	opened("alice");
	file_make();
	assert_true(fault_sweep(ENOMEM, next_body) >= 5);
	assert_int_equal(system("test -z \"$(ls -d private/2001.* 2>/dev/null)\""), 0);
}

#define CHANGES "private/2001/image/srv%images%lab"

static int changes_open(const char *account)
{
	int upper, work, error;

	error = persistent_changes(USER, account, "/srv/images/lab", &upper, &work);
	assert_true(error || (upper >= 0 && work >= 0));
	cleanup_fd(&upper);
	cleanup_fd(&work);
	return error;
}

static void changes_body(void)
{
	int error = changes_open("alice");

	if (error)
		assert_int_equal(error, fault_was_hit() ? -ENOSPC : 0);
	fault_pause(error = changes_open("alice"));
	assert_int_equal(error, 0);
	assert_int_equal(system("rm -rf private/2001"), 0);
}

static void changes_are_their_owners(void **state)
{
	struct stat st;

	(void)state;
	assert_true(fault_sweep(ENOSPC, changes_body) >= 7);
	assert_int_equal(changes_open("alice"), 0);
	assert_int_equal((stat)(CHANGES "/upper", &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal((stat)(CHANGES, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal((mkdir)(CHANGES "/upper/etc", 0755), 0);
	assert_int_equal(changes_open("mallory"), 0);
	assert_int_equal((stat)(CHANGES "/upper/etc", &st), -1);
	assert_int_equal(chown(CHANGES "/upper", OWNER, OWNER), 0);
	assert_int_equal(changes_open("mallory"), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_below_var_are_persistent),
	    cmocka_unit_test_setup_teardown(persistent_directory_has_mode_of_the_hosts, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(reused_uid_does_not_get_the_directory, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(owner_with_hostile_name_is_refused, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(removed_folder_is_made_again, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(folder_not_owned_by_root_is_refused, setup,
					    scratch_teardown),
	    cmocka_unit_test_setup_teardown(changes_are_their_owners, setup, scratch_teardown),
	    cmocka_unit_test_setup_teardown(each_failing_call_loses_no_files, setup,
					    scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
