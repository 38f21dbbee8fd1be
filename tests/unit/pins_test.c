/*
 * Namespaces pinned by bind mounts, in a new mount namespace: invalid pins, and failures of each system
 * call. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "base/linux_calls.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "base/files.h"
#include "log_kept.h"
#include "base/paths.h"
#include "ns/pins.h"

#undef RUN_DIR
#undef PINS_DIR
#define RUN_DIR	 "."
#define PINS_DIR "pins"

#define openat(...)		     FAULT(openat(__VA_ARGS__))
#define mkdir(...)		     FAULT(mkdir(__VA_ARGS__))
#define mknod(...)		     FAULT(mknod(__VA_ARGS__))
#define mount(...)		     FAULT(mount(__VA_ARGS__))
#define rename(...)		     FAULT(rename(__VA_ARGS__))
#define unlink(path)		     FAULT(unlink(path))
#define fstat(...)		     FAULT(fstat(__VA_ARGS__))
#define stat(path, st)		     FAULT(stat(path, st))
#define statx(...)		     FAULT(statx(__VA_ARGS__))
#define statfs(path, fs)	     FAULT(statfs(path, fs))
#define ioctl(...)		     FAULT(ioctl(__VA_ARGS__))
#define opendir(path)		     FAULT_NULL(opendir(path))
#define reallocarray(...)	     FAULT_NULL(reallocarray(__VA_ARGS__))
#define files_remove_tree(dir, name) (fault_hits() ? -fault_error : files_remove_tree(dir, name))

#include "../../lib/ns/pins.c"

#define USER 2001

static int net = -1, uts = -1; /* of namespaces without processes */
static ino_t net_inode, uts_inode;

static int namespace_make(int flag, const char *path)
{
	int old = (open)(path, O_RDONLY | O_CLOEXEC), made;

	assert_int_equal(unshare(flag), 0);
	made = (open)(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(old, flag), 0);
	close(old);
	return made;
}

static ino_t inode(int fd)
{
	struct stat st;

	return (fstat)(fd, &st) ? 0 : st.st_ino;
}

static int group_setup(void **state)
{
	(void)state;
	log_set_sink(log_keep, NULL);
	if (unshare(CLONE_NEWNS) || (mount)(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    (mount)("pins_test", "/mnt", "tmpfs", 0, NULL) || chdir("/mnt") || pins_setup())
		return -1;
	net = namespace_make(CLONE_NEWNET, "/proc/self/ns/net");
	uts = namespace_make(CLONE_NEWUTS, "/proc/self/ns/uts");
	net_inode = inode(net);
	uts_inode = inode(uts);
	return net < 0 || uts < 0;
}

static int pin_both(void)
{
	int result = pins_begin(USER);

	if (result == 0)
		result = pin_add(USER, KIND_NET, net);
	if (result == 0)
		result = pin_add(USER, KIND_UTS, uts);
	return result < 0 ? result : pins_publish(USER);
}

static int open_both(void)
{
	struct namespaces pins;
	int result = pins_open(USER, NAMESPACE_NET | NAMESPACE_UTS, &pins);

	if (result == 0) {
		assert_int_equal(inode(pins.fd[KIND_NET]), net_inode);
		assert_int_equal(inode(pins.fd[KIND_UTS]), uts_inode);
		assert_int_equal(pins.fd[KIND_MNT], -1);
		namespaces_close(&pins);
	}
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		assert_int_equal(pins.fd[i], -1);
	return result;
}

static void pins_are_made_opened_and_removed(void **state)
{
	(void)state;
	assert_false(pins_exist(USER));
	assert_int_equal(open_both(), -ENOENT);
	assert_int_equal(pin_both(), 0);
	assert_true(pins_exist(USER));
	assert_int_equal(open_both(), 0);
	assert_int_equal(pins_remove(USER, 0), 0);
	assert_false(pins_exist(USER));
	assert_int_equal(pins_remove(USER, 0), 0);
}

/* The record of the set may be of an earlier login. */
static void other_pins_than_expected_are_removed_too(void **state)
{
	(void)state;
	assert_int_equal(pin_both(), 0);
	assert_int_equal(pins_remove(USER, NAMESPACE_NET), 0);
	assert_false(pins_exist(USER));
}

/* Partial pins are never found, and can be removed or made again. */
static void make_body(void)
{
	int result = pin_both(), opened;

	fault_pause(opened = open_both());
	if (!fault_was_hit())
		assert_int_equal(result, 0);
	assert_int_equal(opened, result == 0 ? 0 : -ENOENT);
	fault_pause(result = pin_both());
	fault_pause(opened = open_both());
	assert_int_equal(opened, 0);
	fault_pause(result = pins_remove(USER, 0));
	assert_int_equal(result, 0);
	assert_false(pins_exist(USER));
}

static void each_failing_call_publishes_no_partial_pins(void **state)
{
	(void)state;
	assert_true(fault_sweep(ENOSPC, make_body) >= 6);
}

/* If this removal fails, the login fails. */
static void begin_body(void)
{
	int result;

	fault_pause(result = pins_begin(USER));
	assert_int_equal(result, 0);
	fault_pause(result = pin_add(USER, KIND_NET, net));
	assert_int_equal(result, 0);
	result = pins_begin(USER);
	if (fault_was_hit())
		assert_int_equal(result, -EMFILE);
	else
		assert_int_equal(access(PINS_DIR "/.2001/net", F_OK), -1);
	fault_pause(result = pins_remove(USER, 0));
	assert_int_equal(result, 0);
}

static void leftovers_of_a_login_are_removed_first(void **state)
{
	(void)state;
	assert_true(fault_sweep(EMFILE, begin_body) >= 4);
}

/* An error does not count as absence, so missing memory tears down no valid pins. */
static void open_body(void)
{
	int result = open_both();

	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
}

static void each_failing_call_tears_down_no_pins(void **state)
{
	(void)state;
	assert_int_equal(pin_both(), 0);
	assert_true(fault_sweep(ENOMEM, open_body) >= 8);
	assert_int_equal(pins_remove(USER, 0), 0);
}

/* T12: other files are in place of the pins. */
static void damaged_pins_count_as_absent(void **state)
{
	(void)state;
	for (int damage = 0; damage < 6; damage++) {
		assert_int_equal(pin_both(), 0);
		assert_int_equal(umount2(PINS_DIR "/2001/net", MNT_DETACH), 0);
		if (damage > 0)
			assert_int_equal((unlink)(PINS_DIR "/2001/net"), 0);
		if (damage == 2)
			assert_int_equal(symlink("uts", PINS_DIR "/2001/net"), 0);
		if (damage == 3)
			assert_int_equal(mkfifo(PINS_DIR "/2001/net", 0600), 0);
		if (damage == 4)
			assert_int_equal((mkdir)(PINS_DIR "/2001/net", 0700), 0);
		if (damage == 5)
			assert_int_equal(pin_named_set("2001/net", uts), 0);
		assert_int_equal(open_both(), -ENOENT);
		assert_int_equal(pins_remove(USER, 0), 0);
		assert_false(pins_exist(USER));
	}
}

/* It has the right type and place, but belongs to a user namespace. */
static void namespace_made_by_a_user_counts_as_absent(void **state)
{
	struct namespaces pins;
	char path[64];
	int ready[2], own;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(ready[1], unshare(CLONE_NEWUSER | CLONE_NEWNET) ? "n" : "y", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(byte, 'y');
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	own = (open)(path, O_RDONLY | O_CLOEXEC);
	assert_true(pin_valid(net, KIND_NET, AT_FDCWD, ""));
	assert_false(pin_valid(uts, KIND_NET, AT_FDCWD, ""));
	assert_false(pin_valid(own, KIND_NET, AT_FDCWD, ""));
	assert_int_equal(pin_both(), 0);
	assert_int_equal(pin_named_set("2001/net", own), 0);
	assert_int_equal(open_both(), -ENOENT);
	assert_int_equal(pins_remove(USER, 0), 0);
	/* The helper's record of the owner makes it the user's. */
	assert_int_equal(pins_begin(USER), 0);
	assert_int_equal(pin_owner_set(USER, own), 0);
	assert_int_equal(pin_add(USER, KIND_NET, own), 0);
	assert_int_equal(pin_add(USER, KIND_UTS, uts), 0);
	assert_int_equal(pins_publish(USER), 0);
	assert_int_equal(pins_open(USER, NAMESPACE_NET | NAMESPACE_UTS, &pins), 0);
	assert_int_equal(inode(pins.fd[KIND_NET]), inode(own));
	namespaces_close(&pins);
	assert_true(pin_valid(own, KIND_NET, AT_FDCWD, PINS_DIR "/2001"));
	assert_int_equal(pins_begin(USER + 1), 0);
	assert_int_equal(pin_owner_set(USER + 1, net), 0);
	assert_false(pin_valid(own, KIND_NET, AT_FDCWD, PINS_DIR "/.2002"));
	assert_int_equal(pins_remove(USER + 1, 0), 0);
	assert_int_equal(pins_remove(USER, 0), 0);
	close(own);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void withdrawn_pins_are_not_found(void **state)
{
	(void)state;
	pins_withdraw(USER); /* there are no pins */
	assert_int_equal(pin_both(), 0);
	pins_withdraw(USER);
	assert_int_equal(open_both(), -ENOENT);
	assert_int_equal(access(PINS_DIR "/.2001/net", F_OK), 0);
	/* A leftover of an interrupted login has the name. */
	assert_int_equal((rename)(PINS_DIR "/.2001", PINS_DIR "/2001"), 0);
	assert_int_equal(pins_begin(USER), 0);
	assert_int_equal(pin_add(USER, KIND_NET, net), 0);
	pins_withdraw(USER);
	assert_int_equal(open_both(), -ENOENT);
	assert_int_equal(access(PINS_DIR "/.2001/uts", F_OK), 0);
	assert_int_equal(pins_remove(USER, 0), 0);
}

static void named_pins_are_replaced(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(pin_named_open("template.x", KIND_NET), -ENOENT);
	assert_false(pin_named_exists("template.x"));
	assert_int_equal(pin_named_set("template.x", uts), 0);
	assert_true(pin_named_exists("template.x"));
	/* The mount is gone, and its file is left. */
	assert_int_equal((umount2)(PINS_DIR "/template.x", MNT_DETACH), 0);
	assert_false(pin_named_exists("template.x"));
	assert_int_equal(pin_named_set("template.x", net), 0);
	assert_int_equal(pin_named_open("template.x", KIND_UTS), -ENOENT);
	fd = pin_named_open("template.x", KIND_NET);
	assert_int_equal(inode(fd), net_inode);
	close(fd);
	assert_int_equal(pin_named_remove("template.x"), 0);
	assert_int_equal((mkdir)(PINS_DIR "/folder", 0700), 0);
	assert_int_equal(pin_named_set("folder", net), -EISDIR);
	assert_int_equal(rmdir(PINS_DIR "/folder"), 0);
}

static void list_body(void)
{
	uid_t *uids;
	size_t count;
	int result = pins_list(&uids, &count);

	if (fault_was_hit()) {
		assert_int_equal(result, -ENOMEM);
		assert_null(uids);
		assert_int_equal(count, 0);
		return;
	}
	assert_int_equal(result, 0);
	assert_int_equal(count, 2);
	assert_int_equal(uids[0] + uids[1], 7 + 4294967294U);
	free(uids);
}

/* Names that are no uid do not count: the templates, and files made by hand. */
static void list_has_only_uids(void **state)
{
	static const char *const names[] = {"pins/7",  "pins/.4294967294", "pins/4294967295",
					    "pins/7x", "pins/template.y",  "pins/..x"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal((mkdir)(names[i], 0700), 0);
	assert_int_equal(fault_sweep(ENOMEM, list_body), 3);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(rmdir(names[i]), 0);
}

/* A second tmpfs would hide the pins of active users. */
static void setup_body(void)
{
	int result = pins_setup();

	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
	assert_int_equal(access("pins/mark", F_OK), 0);
}

static void second_set_up_mounts_nothing(void **state)
{
	(void)state;
	assert_int_equal((mkdir)("pins/mark", 0700), 0);
	assert_true(fault_sweep(ENOMEM, setup_body) >= 2);
	assert_int_equal(rmdir("pins/mark"), 0);
}

static void first_setup_body(void)
{
	struct statfs fs;
	int result = pins_setup();

	assert_int_equal(result, fault_was_hit() ? -ENOMEM : 0);
	fault_pause(result = pins_setup());
	assert_int_equal(result, 0);
	assert_int_equal((statfs)(PINS_DIR, &fs), 0);
	assert_int_equal(fs.f_type, TMPFS_MAGIC);
	while (umount2(PINS_DIR, MNT_DETACH) == 0)
		;
	assert_int_equal(rmdir(PINS_DIR), 0);
}

static void first_set_up_fails_with_each_call(void **state)
{
	(void)state;
	assert_int_equal((mkdir)("first", 0700) | chdir("first"), 0);
	assert_true(fault_sweep(ENOMEM, first_setup_body) >= 4);
	assert_int_equal(chdir("..") | rmdir("first"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pins_are_made_opened_and_removed),
	    cmocka_unit_test(other_pins_than_expected_are_removed_too),
	    cmocka_unit_test(each_failing_call_publishes_no_partial_pins),
	    cmocka_unit_test(leftovers_of_a_login_are_removed_first),
	    cmocka_unit_test(each_failing_call_tears_down_no_pins),
	    cmocka_unit_test(damaged_pins_count_as_absent),
	    cmocka_unit_test(namespace_made_by_a_user_counts_as_absent),
	    cmocka_unit_test(withdrawn_pins_are_not_found),
	    cmocka_unit_test(named_pins_are_replaced),
	    cmocka_unit_test(list_has_only_uids),
	    cmocka_unit_test(second_set_up_mounts_nothing),
	    cmocka_unit_test(first_set_up_fails_with_each_call),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
