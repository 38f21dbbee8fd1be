/*
 * The helper's verbs on a real kernel, on a host for the test. Leaders of sessions are waiting children. Each
 * verb runs in a new process, as the helper does. Runs as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper_verbs.h"
#include "log_kept.h"
#include "net/link.h"

static bool become_leader(void *context)
{
	(void)context;
	return true;
}

static pid_t leader(void)
{
	pid_t pid = own_child(become_leader, NULL);

	assert_true(pid > 0);
	return pid;
}

#include "text_write.h"

#define SMALL "[network default]\nsubnet = 10.203.0.0/16\nsubnet6 = none\n[profile p]\nmatch = *\n"
/* time needs it. */
#define TICKETS "private = /run/sudo\n"

static int group_setup(void **state)
{
	(void)state;
	answer =
	    mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED || mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755,size=16m") ||
	    mkdir(LIB_DIR, 0755) || mkdir(LEASES_DIR, 0755) || mkdir(PRIVATE_DIR, 0700))
		return -1;
	if (mkdir("/run/sudo", 0711))
		return -1;
	text_write(CONF, SMALL);
	return helper(verb_up, getpid());
}

static int group_end(void **state)
{
	(void)state;
	return munmap(answer, sizeof(*answer));
}

/* --- the state --- */

static bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static bool says(const char *command)
{
	return system(command) == 0;
}

static bool record(struct user_state *state)
{
	CLEANUP_FD int run = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return state_read(run, USER, state) == 0;
}

/* All of a user's things exist, or none does. */
static void assert_user(bool active)
{
	CLEANUP_FD int run = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t ports[NETWORK_BRIDGES_MAX];
	struct user_state state;

	assert_int_equal(there(PINS_DIR "/2001/net"), active);
	assert_int_equal(there(PINS_DIR "/2001/uts"), active);
	assert_int_equal(there(PINS_DIR "/2001/mnt"), active);
	assert_false(there(PINS_DIR "/.2001"));
	assert_int_equal(there(NETNS_DIR "/alice"), active);
	assert_int_equal(record(&state), active);
	assert_int_equal(there(USERS_DIR "/2001"), active);
	assert_int_equal(says("ip -4 route show | grep -q '^10[.]203[.][0-9.]* dev pnbr0'"),
			 active);
	assert_int_equal(says("ip neigh show dev pnbr0 | grep -q '^10[.]203[.]'"), active);
	ports_read(run, "default", ports);
	assert_int_equal(ports[0], active);
	if (!active) /* the port is removed a moment later */
		return;
	/* Its name is not always the first one: an old port may still be there. */
	assert_int_equal(if_nametoindex(state.uplink.port), state.uplink.ifindex);
	assert_int_equal(state.uplink.uid, USER);
	assert_int_equal(state.uplink.gid, USER);
}

/* The reaper is another process. */
static void wait_until_gone(void)
{
	for (int i = 0; i < 1000 && there(USERS_DIR "/2001"); i++)
		usleep(10000);
}

/* --- the tests, in this order --- */

static void test_up_makes_bridge_rules_and_records(void **state)
{
	(void)state;
	assert_true(if_nametoindex("pnbr0") > 0);
	assert_true(says("nft list table bridge pam_netns >/dev/null"));
	assert_true(says("nft list table inet pam_netns >/dev/null"));
	assert_true(there(NETWORKS_DIR "/default/state"));
}

static void test_logins_share_a_network_and_the_last_logout_ends_it(void **state)
{
	pid_t first = leader(), second = leader();
	uint64_t net;

	(void)state;
	assert_helper(verb_open, first);
	assert_int_equal(answer->outcome, OUTCOME_ISOLATED);
	assert_int_equal(answer->handed, 3); /* as by default */
	assert_non_null(strstr(answer->line, "profile=p network=default netns=alice"));
	net = answer->net;
	assert_user(true);
	assert_helper(verb_open, second);
	assert_true(answer->net == net);
	assert_helper(verb_close, first);
	assert_int_equal(answer->outcome, OUTCOME_HOST);
	assert_user(true);
	assert_helper(verb_close, second);
	wait_until_gone();
	assert_user(false);
	own_child_end(first);
	own_child_end(second);
}

/* Resources before the name are made, and all are undone. The foreign name stays. */
static void test_failed_login_leaves_nothing(void **state)
{
	pid_t pid = leader();

	(void)state;
	assert_true(there(NETNS_DIR) || mkdir(NETNS_DIR, 0755) == 0);
	assert_int_equal(symlink("/proc/1/ns/net", NETNS_DIR "/alice"), 0);
	assert_int_equal(helper(verb_open, pid), -EEXIST);
	assert_int_equal(answer->handed, 0);
	assert_true(there(NETNS_DIR "/alice"));
	assert_int_equal(unlink(NETNS_DIR "/alice"), 0);
	assert_user(false);

	assert_helper(verb_open, pid);
	assert_user(true);
	own_child_end(pid);
}

/* The leader of the test before was killed, and its session was not closed. */
static void test_gc_removes_leftovers_of_a_killed_login(void **state)
{
	(void)state;
	assert_user(true);
	assert_helper(verb_gc, getpid());
	assert_user(false);
}

/* A killed helper left begun pins and a torn record. */
static void test_login_removes_leftovers_of_a_killed_helper(void **state)
{
	pid_t pid = leader();

	(void)state;
	assert_int_equal(mkdir(PINS_DIR "/.2001", 0700), 0);
	assert_int_equal(mkdir(USERS_DIR "/2001", 0755), 0);
	assert_int_equal(close(open(USERS_DIR "/2001/state", O_CREAT | O_WRONLY, 0644)), 0);
	assert_helper(verb_open, pid);
	assert_user(true);
	own_child_end(pid);
	assert_helper(verb_kick, getpid());
	assert_user(false);
}

/* Leftovers without a user: a port, a guard element, a route, a name. */
static void test_gc_removes_leftovers_without_a_user(void **state)
{
	(void)state;
	assert_true(says("ip link add pnu1zz0 type veth peer name stray && "
			 "ip link set pnu1zz0 master pnbr0"));
	assert_true(says("nft add element bridge pam_netns guard4 '{ pnu1zz0 . "
			 "02:6e:0a:cb:07:09 . 10.203.7.9 }'"));
	assert_true(says("ip route add 10.203.7.9/32 dev pnbr0"));
	assert_int_equal(symlink(PINS_DIR "/4711/net", NETNS_DIR "/bob"), 0);
	assert_int_equal(symlink("/elsewhere", NETNS_DIR "/foreign"), 0);
	assert_helper(verb_gc, getpid());
	assert_int_equal(if_nametoindex("pnu1zz0"), 0);
	assert_false(says("nft list set bridge pam_netns guard4 | grep -q pnu1zz0"));
	assert_false(says("ip route show | grep -q 10.203.7.9"));
	assert_false(there(NETNS_DIR "/bob"));
	assert_true(there(NETNS_DIR "/foreign"));
}

/* The port is down, and a route is missing. */
static void test_login_and_gc_mend_port_and_route(void **state)
{
	pid_t pid = leader();
	char port[IFNAMSIZ], command[128];
	struct user_state s;

	(void)state;
	assert_helper(verb_open, pid);
	assert_true(record(&s));
	memcpy(port, s.uplink.port, sizeof(port));
	snprintf(command, sizeof(command), "ip link set %s down", port);
	assert_true(says(command));
	assert_helper(verb_open, pid);
	snprintf(command, sizeof(command), "ip link show %s | grep -q '[<,]UP'", port);
	assert_true(says(command));
	assert_non_null(strstr(answer->log, "2001"));
	assert_true(says("ip route del $(ip -4 route show | "
			 "sed -n 's/^\\(10[.]203[.][0-9.]*\\) dev pnbr0.*/\\1/p')"));
	assert_helper(verb_gc, getpid());
	assert_user(true);
	assert_helper(verb_close, pid);
	wait_until_gone();
	assert_user(false);
	own_child_end(pid);
}

static bool is_pinned(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), PINS_DIR "/2001/%s", name);
	return there(path);
}

static void test_login_gets_the_namespaces_of_its_profile(void **state)
{
	static const struct {
		const char *names;
		unsigned count;
		bool uts, ipc, time, mnt;
	} sets[] = {
	    {"net", 1, false, false, false, false},
	    {"net uts", 2, true, false, false, false},
	    {"net mnt", 2, false, false, false, true},
	    {"net ipc mnt", 3, false, true, false, true},
	    {"net uts ipc mnt", 4, true, true, false, true},
	    {"net uts ipc time mnt\n" TICKETS, 5, true, true, true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		char text[256];
		pid_t pid = leader();

		snprintf(text, sizeof(text), SMALL "namespaces = %s\n", sets[i].names);
		text_write(CONF, text);
		assert_helper(verb_up, getpid());
		assert_helper(verb_open, pid);
		assert_int_equal(answer->handed, sets[i].count);
		assert_int_equal(is_pinned("uts"), sets[i].uts);
		assert_int_equal(is_pinned("ipc"), sets[i].ipc);
		assert_int_equal(is_pinned("time"), sets[i].time);
		assert_int_equal(is_pinned("mnt"), sets[i].mnt);
		assert_true(says("ip netns exec alice ip -4 address show dev eth0 | "
				 "grep -q 'inet 10[.]203[.].*/32'"));
		own_child_end(pid);
		assert_helper(verb_gc, getpid());
		assert_user(false);
	}
	text_write(CONF, SMALL);
	assert_helper(verb_up, getpid());
}

/* The helper enters the host's namespaces first. */
static void test_verbs_inside_a_session_act_on_the_host(void **state)
{
	pid_t pid = leader();
	struct stat net;

	(void)state;
	text_write(CONF, SMALL "namespaces = net uts ipc time mnt\n" TICKETS);
	assert_int_equal(stat("/proc/self/ns/net", &net), 0);
	assert_helper(verb_open, pid);
	assert_true(answer->net != net.st_ino);
	from_inside = true;
	assert_helper(verb_host, pid);
	assert_int_equal(answer->outcome, OUTCOME_HOST);
	assert_true(answer->net == net.st_ino);
	assert_helper(verb_gc, getpid());
	assert_user(true);
	assert_helper(verb_close, pid);
	from_inside = false;
	wait_until_gone();
	assert_user(false);
	own_child_end(pid);
	text_write(CONF, SMALL);
}

static void test_down_removes_bridge_rules_and_records(void **state)
{
	(void)state;
	assert_helper(verb_down, getpid());
	assert_int_equal(if_nametoindex("pnbr0"), 0);
	assert_false(says("nft list ruleset | grep -q pam_netns"));
	assert_false(there(NETWORKS_DIR "/default"));
}

static int sharer_sleep(void *context)
{
	(void)context;
	return pause();
}

/* host_return() while a process shares the helper's memory, as a child of ns/owned.c that a user has stopped. */
static int verb_return(struct host *host, const struct request *request, struct reply *reply)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid = clone(sharer_sleep, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	int error = pid < 0 ? -errno : host_return(host, NAMESPACES_ALL);

	(void)request;
	(void)reply;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return error;
}

static void test_helper_returns_although_its_memory_is_shared(void **state)
{
	(void)state;
	assert_helper(verb_return, 0);
}

static int tests_run(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_up_makes_bridge_rules_and_records),
	    cmocka_unit_test(test_logins_share_a_network_and_the_last_logout_ends_it),
	    cmocka_unit_test(test_failed_login_leaves_nothing),
	    cmocka_unit_test(test_gc_removes_leftovers_of_a_killed_login),
	    cmocka_unit_test(test_login_removes_leftovers_of_a_killed_helper),
	    cmocka_unit_test(test_gc_removes_leftovers_without_a_user),
	    cmocka_unit_test(test_login_and_gc_mend_port_and_route),
	    cmocka_unit_test(test_login_gets_the_namespaces_of_its_profile),
	    cmocka_unit_test(test_verbs_inside_a_session_act_on_the_host),
	    cmocka_unit_test(test_helper_returns_although_its_memory_is_shared),
	    cmocka_unit_test(test_down_removes_bridge_rules_and_records),
	};

	return cmocka_run_group_tests(tests, group_setup, group_end);
}

int main(void)
{
	own_host_run(tests_run);
}
