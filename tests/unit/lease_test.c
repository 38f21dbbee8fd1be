/* Leases: one address one uid, for ever the same, whatever lies in the folders. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lease.h"
#include "log.h"
#include "scratch.h"

#define NETWORK	  "default"
#define PROCESSES 8
#define UID_LAST  4294967294U

static struct prefix subnet; /* a /24: offsets 2 to 254 */
static unsigned lines_logged;

static void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
	lines_logged++;
}

static int setup(void **state)
{
	log_set_sink(sink, NULL);
	lines_logged = 0;
	if (prefix_parse("10.203.4.0/24", &subnet))
		return -1;
	return scratch_setup(state);
}

static uint32_t take(uid_t uid)
{
	uint32_t offset, found;

	assert_int_equal(lease_take(scratch, NETWORK, &subnet, uid, &offset), 0);
	assert_int_equal(lease_find(scratch, NETWORK, &subnet, uid, &found), 0);
	assert_int_equal(offset, found);
	return offset;
}

static void assert_no_lease(uid_t uid)
{
	uint32_t offset = 7;

	assert_int_equal(lease_find(scratch, NETWORK, &subnet, uid, &offset), -ENOENT);
	assert_int_equal(offset, 0);
}

static bool exists(const char *path)
{
	return faccessat(scratch, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_link(const char *path, const char *expected)
{
	char target[64];
	ssize_t n = readlinkat(scratch, path, target, sizeof(target) - 1);

	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, expected);
}

static void link_put(const char *target, const char *path)
{
	unlinkat(scratch, path, 0);
	assert_int_equal(symlinkat(target, scratch, path), 0);
}

/* A folder with something in it. */
static void folder_put(const char *path)
{
	char below[64];

	snprintf(below, sizeof(below), "%s/x", path);
	unlinkat(scratch, path, 0);
	assert_int_equal(mkdirat(scratch, path, 0755), 0);
	assert_int_equal(mkdirat(scratch, below, 0755), 0);
}

static void test_preferred(void **state)
{
	static const uid_t uids[] = {0, 3, 254, 1000, 65534, UID_LAST};

	(void)state;
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	assert_int_equal(take(7), 7);
	assert_link("default/address/10.203.4.7", "7");
	assert_link("default/uid/7", "10.203.4.7");
	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++)
		assert_int_equal(take(uids[i]), prefix_preferred_offset(&subnet, uids[i]));
	assert_int_equal(lines_logged, 0);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

/* A uid beyond the subnet whose preferred place is a given offset. */
static uid_t uid_preferring(uint32_t offset)
{
	for (uid_t uid = 100000;; uid++)
		if (prefix_preferred_offset(&subnet, uid) == offset)
			return uid;
}

static void test_collision_and_wrap(void **state)
{
	uid_t other = uid_preferring(254);

	(void)state;
	assert_int_equal(take(254), 254);
	assert_int_equal(take(other), 2);
	assert_int_equal(take(2), 3);
	/* The lease outlives what was in its way. */
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 254), 0);
	assert_no_lease(254);
	assert_int_equal(take(other), 2);
	assert_int_equal(take(254), 254);
}

static void test_release(void **state)
{
	(void)state;
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_int_equal(take(7), 7);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_no_lease(7);
	assert_false(exists("default/address/10.203.4.7"));
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	/* Somebody else's claim does not go with a way back that lies. */
	assert_int_equal(take(8), 8);
	link_put("10.203.4.8", "default/uid/7");
	assert_no_lease(7);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 7), 0);
	assert_int_equal(take(8), 8);
	assert_int_equal(lines_logged, 0);
}

static void test_torn_ways_back(void **state)
{
	static const char *const torn[] = {
	    "garbage",	  "10.203.4",	"010.203.4.7", "10.203.4.7 ", "10.203.4.0", "10.203.4.255",
	    "10.203.4.1", "10.203.5.7", "fd00::7",     "/etc/passwd", "10.203.4.9",
	};
	char long_target[4000];

	(void)state;
	take(7);
	for (size_t i = 0; i < sizeof(torn) / sizeof(*torn); i++) {
		link_put(torn[i], "default/uid/7");
		assert_no_lease(7);
		assert_int_equal(take(7), 7);
	}
	memset(long_target, '1', sizeof(long_target));
	long_target[sizeof(long_target) - 1] = '\0';
	link_put(long_target, "default/uid/7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	/* What is no link at all. */
	unlinkat(scratch, "default/uid/7", 0);
	assert_int_equal(mkfifoat(scratch, "default/uid/7", 0644), 0);
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	unlinkat(scratch, "default/uid/7", 0);
	assert_int_equal(mkdirat(scratch, "default/uid/7", 0755), 0);
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	folder_put("default/uid/7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
}

static void test_torn_claims(void **state)
{
	static const char *const torn[] = {"garbage",	 "07",	       "-7",	  "7 ",
					   "4294967295", "4294967303", "../uid/7"};
	char long_target[4000];

	(void)state;
	take(7);
	memset(long_target, '7', sizeof(long_target));
	long_target[sizeof(long_target) - 1] = '\0';
	for (size_t i = 0; i < sizeof(torn) / sizeof(*torn); i++) {
		link_put(torn[i], "default/address/10.203.4.7");
		assert_no_lease(7);
		assert_int_equal(take(7), 7);
	}
	link_put(long_target, "default/address/10.203.4.7");
	assert_int_equal(take(7), 7);
	unlinkat(scratch, "default/address/10.203.4.7", 0);
	assert_int_equal(mkfifoat(scratch, "default/address/10.203.4.7", 0644), 0);
	assert_int_equal(take(7), 7);
	folder_put("default/address/10.203.4.7");
	assert_int_equal(take(7), 7);
}

/* Nobody is given the address of another, and it is all sound again after one repair. */
static void torn_check(uid_t uid, uid_t other)
{
	uint32_t mine = take(uid), others = take(other);

	assert_int_not_equal(mine, others);
	assert_in_range(lease_repair(scratch, NETWORK, &subnet), 0, 2);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(uid), mine);
	assert_int_equal(take(other), others);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, uid), 0);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, other), 0);
}

/*
 * A link's target that ends early may name somebody else: 10.203.4.253 another's address, 200253
 * another's uid.
 */
static void test_torn_at_every_byte(void **state)
{
	static const uid_t others[] = {2, 25, 200, 2002, 20025};
	static const char address[] = "10.203.4.253", uid[] = "200253";

	(void)state;
	assert_int_equal(prefix_preferred_offset(&subnet, 253), 253);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		for (size_t cut = 1; cut <= sizeof(address); cut++) {
			char torn[sizeof(address)];

			snprintf(torn, cut, "%s", address);
			take(others[i]);
			take(253);
			link_put(cut > 1 ? torn : "/", "default/uid/253");
			torn_check(253, others[i]);
		}
		for (size_t cut = 1; cut <= sizeof(uid); cut++) {
			uid_t whole = 200253;
			char torn[sizeof(uid)], path[64];

			snprintf(torn, cut, "%s", uid);
			take(others[i]);
			snprintf(path, sizeof(path), "default/address/10.203.4.%u", take(whole));
			link_put(cut > 1 ? torn : "/", path);
			torn_check(whole, others[i]);
		}
	}
}

/* A claim without its way back, as a kill between the two leaves it. */
static void test_orphan_claim_adopted(void **state)
{
	(void)state;
	take(8);
	link_put("7", "default/address/10.203.4.7");
	assert_no_lease(7);
	assert_int_equal(take(7), 7);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

static void test_stolen_claim(void **state)
{
	(void)state;
	take(7);
	link_put("9", "default/address/10.203.4.7");
	assert_no_lease(7);
	assert_int_equal(take(7), 8);
	assert_link("default/address/10.203.4.7", "9");
	assert_no_lease(9); /* it is at its preferred place that a uid looks */
	assert_int_equal(take(9), 9);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 1);
	assert_int_equal(take(7), 8);
	assert_int_equal(take(9), 9);
}

static void test_repair(void **state)
{
	(void)state;
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	take(7);
	take(8);
	link_put("9", "default/address/10.203.4.9");	/* no way back */
	link_put("10.203.4.10", "default/uid/10");	/* no claim */
	link_put("10.203.4.8", "default/uid/11");	/* somebody else's */
	link_put("12", "default/address/10.203.4.012"); /* not how we write it */
	link_put("garbage", "default/uid/13");
	link_put("10.203.4.14", "default/uid/014");
	link_put("10.203.4.1", "default/uid/15"); /* the gateway's: a way back and a claim */
	link_put("15", "default/address/10.203.4.1");
	link_put("x", "default/address/x");
	assert_int_equal(mkdirat(scratch, "default/uid/16", 0700), 0);
	assert_int_equal(mkdirat(scratch, "default/uid/16/sub", 0700), 0);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 10);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(7), 7);
	assert_int_equal(take(8), 8);
	assert_int_equal(take(9), 9);
}

/* The conf says another subnet: other addresses; taken back, the old ones again. */
static void test_other_subnet(void **state)
{
	struct prefix first = subnet;
	uint32_t offset;

	(void)state;
	assert_int_equal(take(7), 7);
	assert_int_equal(take(8), 8);
	assert_int_equal(prefix_parse("10.99.0.0/16", &subnet), 0);
	assert_no_lease(7);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	assert_int_equal(take(7), 7);
	assert_link("default/uid/7", "10.99.0.7");
	assert_false(exists("default/address/10.203.4.7"));
	assert_int_equal(lease_find(scratch, NETWORK, &first, 7, &offset), -ENOENT);
	assert_int_equal(lease_find(scratch, NETWORK, &first, 8, &offset), 0);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 8), 0);
	assert_int_equal(lease_find(scratch, NETWORK, &first, 8, &offset), -ENOENT);
}

static void test_networks_are_apart(void **state)
{
	uint32_t offset;

	(void)state;
	take(7);
	assert_int_equal(lease_find(scratch, "lab", &subnet, 7, &offset), -ENOENT);
	assert_int_equal(lease_take(scratch, "lab", &subnet, uid_preferring(7), &offset), 0);
	assert_int_equal(offset, 7);
}

static void test_refused(void **state)
{
	static const char *const names[] = {"",	   ".",	   "..",
					    "a/b", "/etc", "a-name-of-more-than-thirty-one-bytes"};
	struct prefix six, tiny;
	uint32_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(lease_take(scratch, names[i], &subnet, 7, &offset), -EINVAL);
	assert_int_equal(prefix_parse("fd00::/64", &six), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &six, 7, &offset), -EAFNOSUPPORT);
	assert_int_equal(prefix_parse("10.0.0.0/31", &tiny), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 7, &offset), -EADDRNOTAVAIL);
	assert_int_equal(prefix_parse("10.0.0.0/30", &tiny), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 7, &offset), 0);
	assert_int_equal(lease_take(scratch, NETWORK, &tiny, 8, &offset), -EADDRNOTAVAIL);
	/* Folders of somebody else. */
	assert_int_equal(mkdirat(scratch, "theirs", 0755), 0);
	assert_int_equal(fchownat(scratch, "theirs", 1000, 1000, 0), 0);
	assert_int_equal(lease_take(scratch, "theirs", &subnet, 7, &offset), -EPERM);
	assert_int_equal(symlinkat("/etc", scratch, "link"), 0);
	assert_int_equal(lease_take(scratch, "link", &subnet, 7, &offset), -ENOTDIR);
	assert_int_equal(lease_take(-1, NETWORK, &subnet, 7, &offset), -EBADF);
}

/* All processes take leases for their own uids among 200, at once. */
static void take_many(unsigned process)
{
	uint32_t offset;

	for (uid_t i = 0; i < 200; i++) {
		uid_t uid = 100000 + (i * 7 + process * 25) % 200;

		if (uid % PROCESSES == process &&
		    lease_take(scratch, NETWORK, &subnet, uid, &offset))
			_exit(1);
	}
	_exit(0);
}

static void test_concurrent(void **state)
{
	bool taken[256] = {false};
	pid_t children[PROCESSES];
	uint32_t offset;
	int status;

	(void)state;
	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			take_many(i);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	for (uid_t uid = 100000; uid < 100253; uid++) {
		/* The last 53 fill what is left. */
		offset = take(uid);
		assert_in_range(offset, 2, 254);
		assert_false(taken[offset]);
		taken[offset] = true;
	}
	assert_int_equal(lease_take(scratch, NETWORK, &subnet, 200000, &offset), -EADDRNOTAVAIL);
	assert_int_equal(offset, 0);
	assert_no_lease(200000);
	assert_int_equal(lease_release(scratch, NETWORK, &subnet, 100042), 0);
	take(200000);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
}

/* SIGKILL at any moment: what stays is whole, adopted, or removed by repair; nothing is double. */
static void test_killed(void **state)
{
	bool taken[256] = {false};
	uint32_t offset;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		pid_t child = fork();

		if (child == 0)
			for (uid_t uid = 100000;; uid = 100000 + (uid + 1) % 100) {
				if (lease_take(scratch, NETWORK, &subnet, uid, &offset) ||
				    lease_release(scratch, NETWORK, &subnet, uid))
					_exit(1);
			}
		usleep(300 + i * 37);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	assert_in_range(lease_repair(scratch, NETWORK, &subnet), 0, 60);
	assert_int_equal(lease_repair(scratch, NETWORK, &subnet), 0);
	for (uid_t uid = 100000; uid < 100253; uid++) {
		offset = take(uid);
		assert_false(taken[offset]);
		taken[offset] = true;
	}
}

/* On a filesystem with an inode for the claim and none for the way back. */
static int take_without_space(void)
{
	uint32_t offset;
	int leases;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", scratch_path, "tmpfs", 0, "nr_inodes=5"))
		return 77;
	leases = open(scratch_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (lease_take(leases, NETWORK, &subnet, 7, &offset) != -ENOSPC)
		return 1;
	if (faccessat(leases, "default/uid", F_OK, 0))
		return 2;
	if (!faccessat(leases, "default/address/10.203.4.7", F_OK, AT_SYMLINK_NOFOLLOW))
		return 3;
	return mount(NULL, scratch_path, NULL, MS_REMOUNT, "nr_inodes=6") ||
		       lease_take(leases, NETWORK, &subnet, 7, &offset)
		   ? 4
		   : 0;
}

static void test_no_space(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(take_without_space());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* One uid, many processes, no lock: all agree. */
static void test_one_uid_at_once(void **state)
{
	pid_t children[PROCESSES];
	uint32_t offset;
	int status;

	(void)state;
	take(2);
	for (uid_t uid = 3; uid < 60; uid++) {
		for (unsigned i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (children[i] == 0)
				_exit(lease_find(scratch, NETWORK, &subnet, uid, &offset) == 0 ||
					      lease_take(scratch, NETWORK, &subnet, uid, &offset) ==
						  0
					  ? (int)offset
					  : 255);
		}
		for (unsigned i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(WEXITSTATUS(status), uid);
		}
	}
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LEASE_TEST(test_preferred),
	    LEASE_TEST(test_collision_and_wrap),
	    LEASE_TEST(test_release),
	    LEASE_TEST(test_torn_ways_back),
	    LEASE_TEST(test_torn_claims),
	    LEASE_TEST(test_torn_at_every_byte),
	    LEASE_TEST(test_orphan_claim_adopted),
	    LEASE_TEST(test_stolen_claim),
	    LEASE_TEST(test_repair),
	    LEASE_TEST(test_other_subnet),
	    LEASE_TEST(test_networks_are_apart),
	    LEASE_TEST(test_refused),
	    LEASE_TEST(test_concurrent),
	    LEASE_TEST(test_no_space),
	    LEASE_TEST(test_one_uid_at_once),
	    LEASE_TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
