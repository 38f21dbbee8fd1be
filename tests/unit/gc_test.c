/*
 * gc: the order in which it collects, mends and sweeps, its notes, and the errors after which it goes on.
 * Records, sessions, notes and locks are real, the rest is fake. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fault.h"
#include "scratch.h"

#include "../../helper/pam-netns-helper/closing.h"
#include "../../helper/pam-netns-helper/members.h"
#include "../../helper/pam-netns-helper/note.h"
#include "../../helper/pam-netns-helper/resource.h"
#include "lock_hold.h"
#include "log_kept.h"
#include "ns/mntns.h"
#include "state/folder.h"
#include "state/lock.h"

#define FIRST 2001

static struct {
	const char *conf;
	char done[1024];
	const char *fails[3]; /* steps that fail, and their errors */
	int errors[3];
	uid_t pinned[8];
	size_t pinned_count;
	uid_t with_processes; /* the user with processes; 0: none */
	unsigned lists;
	bool patient, killed;
	const struct conf *conf_read, *conf_swept;
} world;

static int done(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int done(const char *format, ...)
{
	size_t used = strlen(world.done);
	va_list args;

	if (used)
		used += (size_t)snprintf(world.done + used, sizeof(world.done) - used, ", ");
	va_start(args, format);
	vsnprintf(world.done + used, sizeof(world.done) - used, format, args);
	va_end(args);
	for (size_t i = 0; i < 3; i++)
		if (world.fails[i] && strcmp(world.fails[i], world.done + used) == 0)
			return world.errors[i];
	return 0;
}

static void fails(const char *what, int error)
{
	for (size_t i = 0; i < 3; i++)
		if (!world.fails[i]) {
			world.fails[i] = what;
			world.errors[i] = error;
			return;
		}
}

static int fake_conf(struct conf **out)
{
	int error = world.conf ? conf_parse(world.conf, strlen(world.conf), "t", out) : -ENOENT;

	if (error)
		*out = NULL;
	world.conf_read = *out;
	return error;
}

static struct process_list_entry entry;

static int fake_list(bool owners, struct process_list *out)
{
	int error = done("list");

	assert_false(owners);
	world.lists++;
	*out = (struct process_list){.entries = error ? NULL : &entry, .count = 1};
	return error;
}

static int fake_members(const struct process_list *list, uid_t uid, struct members *out)
{
	assert_ptr_equal(list->entries, &entry);
	*out = (struct members){.count = uid == world.with_processes};
	return done("members %u", uid);
}

static int fake_pins(uid_t **uids, size_t *count)
{
	*uids = malloc(sizeof(world.pinned));
	memcpy(*uids, world.pinned, sizeof(world.pinned));
	*count = world.pinned_count;
	return done("pins");
}

static int fake_serve(bool patient)
{
	world.patient = patient;
	return done("serve");
}

static int fake_reap(uid_t uid, int timeout_ms, bool kill)
{
	assert_int_equal(timeout_ms, 0);
	world.killed = kill;
	return done("reap %u", uid);
}

static int fake_sweep(const struct conf *conf)
{
	world.conf_swept = conf;
	return done("sweep");
}

static void fake_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){.host = host, .uid = uid};
}

static int fake_check(const struct user *user)
{
	assert_true(user->host->thorough);
	assert_non_null(user->conf);
	assert_non_null(user->safe);
	assert_false(lock_is_free(user->uid));
	return done("check %u", user->uid);
}

static int fake_ports(struct uplink_ports *out)
{
	*out = (struct uplink_ports){.list = malloc(1)};
	return done("ports");
}

static int fake_template(const struct network *network)
{
	done("template %s", network->name);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int fake_setup(const struct setup *setup)
{
	assert_int_equal(setup->version, 77);
	return done("setup %s", setup->network->name);
}

#define conf_read(path, out)		     ((void)(path), fake_conf(out))
#define setup_version(conf)		     ((void)(conf), 77)
#define setup_ensure(host, setup)	     ((void)(host), fake_setup(setup))
#define setup_follow_ipv6(host, setup)	     done("ipv6 %s", (setup)->network->name)
#define setup_follow_resolver(host, conf)    ((void)(host), done("resolver"))
#define network_state_read(run, name, out)   (strcmp(name, "down") == 0 ? -ENOENT : 0)
#define process_list_read(host, owners, out) fake_list(owners, out)
#define process_list_free(list)		     (void)(list)
#define members_find(list, uid, owned, out)  (assert_false(owned), fake_members(list, uid, out))
#define members_free(members)		     (void)(members)
#undef CLEANUP_PROCESS_LIST
#define CLEANUP_PROCESS_LIST
#undef CLEANUP_MEMBERS
#define CLEANUP_MEMBERS
#define pins_list(uids, count)		  fake_pins(uids, count)
#define closing_serve(host, patient)	  fake_serve(patient)
#define reap(host, uid, timeout_ms, kill) fake_reap(uid, timeout_ms, kill)
#define users_sweep(host, conf)		  fake_sweep(conf)
#define user_init(user, host, uid)	  fake_init(user, host, uid)
#define user_close(user)		  (void)(user)
#undef CLEANUP_USER
#define CLEANUP_USER
#define user_check(user)		       fake_check(user)
#define uplink_ports_safe(route, out)	       fake_ports(out)
#define host_return(host)		       ((void)(host), done("return"))
#define mntns_template_open(network)	       fake_template(network)
#define mntns_mend_files(name, uid, own, m, n) ((void)(n), done("mend %s", name))
#define recorded_user(host, uid, state)	       (state_read((host)->run, uid, state) == 0)

#include "../../helper/pam-netns-helper/gc.c"
#include "../../helper/pam-netns-helper/note.c"

static struct host host;
static int fds;

static int setup(void **state)
{
	if (scratch_setup(state) || mkdirat(scratch, "closing", 0700) ||
	    mkdirat(scratch, "users", 0755))
		return -1;
	memset(&world, 0, sizeof(world));
	world.conf = "[network default]\n[profile p]\nmatch = *\n";
	host = (struct host){.run = scratch};
	host.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host.lock = openat(scratch, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	fds = fds_open();
	return host.proc < 0 || host.lock < 0;
}

static int end(void **state)
{
	int left = fds_open();

	close(host.proc);
	close(host.lock);
	return scratch_teardown(state) || left != fds;
}

static int gc(const char *expected)
{
	struct request request = {.conf = "/etc/conf"};
	struct reply reply = {.outcome = OUTCOME_REFUSED};
	int result;

	world.done[0] = log_last[0] = '\0';
	world.lists = 0;
	result = verb_gc(&host, &request, &reply);
	assert_int_equal(reply.outcome, OUTCOME_DONE);
	assert_string_equal(world.done, expected);
	return result;
}

static void record(uid_t uid, enum conf_linger linger)
{
	struct user_state s = {.uplink = {.uid = uid}, .linger = linger, .network = "default"};

	assert_int_equal(state_write(scratch, &s), 0);
}

static void session_of(uid_t uid, bool live)
{
	struct session s = {.service = "su"};

	assert_int_equal(process_read(host.proc, getpid(), &s.leader, NULL), 0);
	s.leader.start += !live;
	assert_int_equal(session_add(scratch, uid, &s), 0);
}

static bool noted(uid_t uid)
{
	char name[32];

	snprintf(name, sizeof(name), "closing/%u", uid);
	return faccessat(scratch, name, F_OK, 0) == 0;
}

#define MEND  "setup default, ipv6 default, resolver, template default, mend default"
#define EMPTY "pins, serve, " MEND ", pins, sweep"

static void test_host_without_users_is_swept(void **state)
{
	(void)state;
	assert_int_equal(gc(EMPTY), 0);
	assert_true(world.patient);
	assert_true(lock_is_free((uid_t)-2));
	assert_string_equal(log_last, "");
	assert_non_null(world.conf_swept);
}

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
	assert_true(noted(FIRST) && noted(FIRST + 3) && noted(FIRST + 9));
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
	assert_false(noted(FIRST));
	assert_false(noted(FIRST + 1));
	assert_true(noted(FIRST + 2));
}

static void test_user_with_linger_no_gets_a_note(void **state)
{
	(void)state;
	record(FIRST, LINGER_NO);
	world.with_processes = FIRST;
	assert_int_equal(
	    gc("pins, list, members 2001, serve, " MEND ", pins, ports, check 2001, sweep"), 0);
	assert_true(noted(FIRST));
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
	assert_false(noted(FIRST));
	assert_true(noted(FIRST + 1));
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

static void test_second_gc_ends_at_once(void **state)
{
	pid_t pid = lock_hold(LOCK_GC);

	(void)state;
	assert_int_equal(gc(""), 0);
	lock_holder_end(pid);
	assert_int_equal(gc(EMPTY), 0);
	assert_true(lock_is_free(LOCK_GC));
}

/* Unused things are removed, and active users' things stay. */
static void test_erroneous_conf_still_sweeps(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	world.conf = NULL;
	assert_int_equal(gc("pins, list, members 2001, serve, sweep"), 0);
	assert_null(world.conf_swept);
	assert_non_null(strstr(log_last, "conf"));
}

static void test_network_without_set_up_is_left_so(void **state)
{
	(void)state;
	world.conf = "[network default]\n[network down]\nbridge = pndown\nsubnet = 10.204.0.0/16\n"
		     "[network lab]\nbridge = pnlab\nsubnet = 10.205.0.0/16\n"
		     "[profile p]\nmatch = *\n";
	assert_int_equal(gc("pins, serve, setup default, ipv6 default, setup lab, ipv6 lab, "
			    "resolver, template default, mend default, template down, mend down, "
			    "template lab, mend lab, pins, sweep"),
			 0);
}

/* The first error is returned. */
static void test_failed_step_does_not_stop_the_others(void **state)
{
	static const char *const steps[] = {
	    "list",	"members 2001", "serve",      "setup default", "ipv6 default",
	    "resolver", "ports",	"check 2001", "check 2002",    "sweep"};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char expected[512] = "pins, list, members 2001, members 2002, serve, " MEND
				     ", pins, ports, check 2001, check 2002, sweep";

		record(FIRST, LINGER_PROCESSES);
		record(FIRST + 1, LINGER_PROCESSES);
		memset(world.fails, 0, sizeof(world.fails));
		fails(steps[i], -100 - (int)i);
		fails("sweep", i == 9 ? -109 : -EIO);
		if (i == 0)
			strcpy(expected, "pins, list, serve, " MEND
					 ", pins, ports, check 2001, check 2002, sweep");
		if (i == 3) /* IPv6 is not queried */
			strcpy(expected, "pins, list, members 2001, members 2002, serve, setup "
					 "default, resolver, template default, mend default, pins, "
					 "ports, check 2001, check 2002, sweep");
		if (i == 6)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, sweep");
		if (i == 7)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, check 2001, return, check 2002, sweep");
		if (i == 8)
			strcpy(expected, "pins, list, members 2001, members 2002, serve, " MEND
					 ", pins, ports, check 2001, check 2002, return, sweep");
		assert_int_equal(gc(expected), -100 - (int)i);
	}
}

/* From a user's mount namespace, other users' things would seem to be missing. */
static void test_gc_outside_the_host_removes_nothing(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	record(FIRST + 1, LINGER_PROCESSES);
	fails("check 2001", -EIO);
	fails("return", -EPERM);
	assert_true(gc("pins, list, members 2001, members 2002, serve, " MEND
		       ", pins, ports, check 2001, return") < 0);
	fails("setup default", -EIO); /* also after an earlier failure */
	assert_int_equal(gc("pins, list, members 2001, members 2002, serve, setup default, "
			    "resolver, template default, mend default, pins, ports, check 2001, "
			    "return"),
			 -ENOTRECOVERABLE);
	memset(world.fails, 0, sizeof(world.fails));
	fails("mend default", -EIO);
	fails("return", -EPERM);
	assert_true(gc("pins, list, members 2001, members 2002, serve, " MEND ", return") < 0);
}

/* The user, or their record, is removed meanwhile. */
static void test_user_who_ends_meanwhile_is_no_failure(void **state)
{
	(void)state;
	record(FIRST, LINGER_PROCESSES);
	fails("check 2001", -ENOENT);
	assert_int_equal(
	    gc("pins, list, members 2001, serve, " MEND ", pins, ports, check 2001, sweep"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_host_without_users_is_swept),
	    TEST(test_users_with_record_or_pin_are_looked_at_once),
	    TEST(test_active_user_gets_no_note),
	    TEST(test_user_with_linger_no_gets_a_note),
	    TEST(test_locked_user_is_passed_over),
	    TEST(test_user_without_room_for_a_note_is_reaped),
	    TEST(test_working_reaper_makes_gc_wait_for_no_user),
	    TEST(test_second_gc_ends_at_once),
	    TEST(test_erroneous_conf_still_sweeps),
	    TEST(test_network_without_set_up_is_left_so),
	    TEST(test_failed_step_does_not_stop_the_others),
	    TEST(test_gc_outside_the_host_removes_nothing),
	    TEST(test_user_who_ends_meanwhile_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
