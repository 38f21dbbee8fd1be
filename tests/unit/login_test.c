/*
 * A login and a logout from the verb on: the calls of set-up and resources, their order, and the state after
 * a failure. Sessions, notes and locks are real, resources are fakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "fault.h"
#include "scratch.h"

#include "../../helper/pam-netns-helper/note.h"
#include "../../helper/pam-netns-helper/resource.h"
#include "lock_hold.h"
#include "log_kept.h"
#include "state/lock.h"

#define USER 2001

static struct {
	const char *conf;
	char done[1024];
	int setup_error, ipv6_error, resolv_error, check_error, remove_error, return_error;
	int make_errors[2]; /* the first attempt, the second */
	unsigned makes;
	bool network_ipv6; /* as set up */
	int follow_error;
	bool follow_gives_ipv6, follow_takes_ipv6;
	bool unit; /* systemd's unit runs gc */
	int reaper_error, reap_error;
	bool session_folder_gone;
} world;

static void done(const char *what)
{
	size_t used = strlen(world.done);

	snprintf(world.done + used, sizeof(world.done) - used, "%s%s", used ? " " : "", what);
}

/* The end of a helper frees it. */
static struct conf *conf_kept;

static int fake_conf(struct conf **out)
{
	int error = world.conf ? conf_parse(world.conf, strlen(world.conf), "t", out) : -ENOENT;

	conf_free(conf_kept);
	conf_kept = error ? NULL : *out;
	return error;
}

static int fake_setup(struct setup *setup)
{
	done("setup");
	assert_string_equal(setup->network->name, "default");
	assert_int_equal(setup->version, 77);
	setup->state.subnet6.address.family = world.network_ipv6 ? AF_INET6 : 0;
	return world.setup_error;
}

static int fake_follow(struct setup *setup)
{
	done("follow");
	if (world.follow_gives_ipv6)
		setup->state.subnet6.address.family = AF_INET6;
	if (world.follow_takes_ipv6)
		setup->state.subnet6.address.family = 0;
	return world.follow_error;
}

static int said(const char *what, int answer)
{
	done(what);
	return answer;
}

static int fake_make(struct user *user)
{
	int error = world.make_errors[world.makes++];

	done("make");
	assert_string_equal(user->profile->name, "p");
	assert_false(lock_is_free(USER));
	user->state.uplink.uid = USER;
	user->pins.fd[KIND_NET] = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (world.session_folder_gone)
		user->host->run = -1;
	return error;
}

static int fake_check(struct user *user)
{
	done("check");
	if (world.check_error == 0)
		user->pins.fd[KIND_NET] =
		    openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return world.check_error;
}

/* It removes the note too, as user_remove() does. */
static int fake_remove(uid_t uid, const struct user_state *known)
{
	assert_int_equal(uid, USER);
	done(known ? "undo" : "remove");
	(void)unlinkat(scratch, "closing/2001", 0);
	return world.remove_error;
}

static void fake_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){.host = host, .uid = uid, .inside = {.fd = -1}};
	namespaces_init(&user->pins);
}

static int fake_hand(struct reply *reply, const struct namespaces *pins)
{
	assert_true(pins->fd[KIND_NET] >= 0);
	reply->handed_count = 1;
	reply->handed[0].fd = pins->fd[KIND_NET];
	return 0;
}

static int fake_reply_host(struct reply *reply)
{
	reply->outcome = OUTCOME_HOST;
	return world.return_error;
}

#define conf_read(path, out)	       ((void)(path), fake_conf(out))
#define setup_version(conf)	       77
#define setup_ensure(host, setup)      fake_setup(setup)
#define setup_follow_ipv6(host, setup) ((void)(host), fake_follow(setup))
#define setup_has_ipv6(network, state) ((void)(network), said("has6", world.ipv6_error))
#define setup_resolv(host, network)    ((void)(host), said("resolv", world.resolv_error))
#define user_init(user, host, uid)     fake_init(user, host, uid)
#define user_close(user)	       namespaces_close(&(user)->pins)
#define user_make(user)		       fake_make(user)
#define user_check(user)	       fake_check(user)
#define user_remove(host, uid, known)  fake_remove(uid, known)
#define user_tell(user, text, size)    snprintf(text, size, "profile=%s", "p")
#define reply_hand(reply, pins)	       fake_hand(reply, pins)
#define reply_host(host, reply)	       ((void)(host), fake_reply_host(reply))
#define reaper_start(host)	       said("reaper", world.reaper_error)
#define reap(host, uid, timeout_ms, kill)                                                          \
	((void)(host), assert_true(kill), said("reap", world.reap_error))
#define access(path, mode) (world.unit ? 0 : -1)

#include "../../helper/pam-netns-helper/login.c"
#include "../../helper/pam-netns-helper/logout.c"
#include "../../helper/pam-netns-helper/note.c"

static struct host host;
static struct request request;
static struct reply reply;

#define CONF "[network default]\n[profile p]\nmatch = alice\n"

static int setup(void **state)
{
	if (scratch_setup(state) || mkdirat(scratch, "closing", 0700) ||
	    mkdirat(scratch, "users", 0755))
		return -1;
	memset(&world, 0, sizeof(world));
	world.conf = CONF;
	world.check_error = -ENOENT; /* a first login */
	host = (struct host){.run = scratch, .caller = getpid()};
	host.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host.lock = openat(scratch, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	memset(&request, 0, sizeof(request));
	strcpy(request.conf, "/etc/conf");
	strcpy(request.who.user, "alice");
	strcpy(request.who.account, "alice");
	strcpy(request.who.group, "alice");
	request.who.uid = USER;
	strcpy(request.service, "sshd");
	strcpy(request.rhost, "192.0.2.1");
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return host.proc < 0 || host.lock < 0;
}

static int end(void **state)
{
	log_set_quiet(false);
	conf_free(conf_kept);
	conf_kept = NULL;
	close(host.proc);
	close(host.lock);
	return scratch_teardown(state);
}

/* Also does what the end of the helper does. */
static int open_session(const char *expected)
{
	int result;

	world.done[0] = log_last[0] = '\0';
	world.makes = 0;
	reply = (struct reply){.outcome = OUTCOME_REFUSED};
	result = verb_open(&host, &request, &reply);
	assert_string_equal(world.done, expected);
	if (result == 0 && reply.handed_count)
		close(reply.handed[0].fd);
	lock_release(host.lock, USER);
	return result;
}

static size_t sessions(struct session *first)
{
	CLEANUP_FREE struct session *list = NULL;
	size_t count = 0;

	assert_int_equal(session_list(scratch, USER, &list, &count), 0);
	if (count)
		*first = list[0];
	return count;
}

static bool noted(void)
{
	return faccessat(scratch, "closing/2001", F_OK, 0) == 0;
}

static void test_first_login_makes_all_resources(void **state)
{
	struct session session;

	(void)state;
	assert_int_equal(note_make(&host, USER), 0);
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
	assert_int_equal(reply.handed_count, 1);
	assert_string_equal(reply.line, "profile=p");
	assert_int_equal(sessions(&session), 1);
	assert_int_equal(session.leader.pid, getpid());
	assert_string_equal(session.service, "sshd");
	assert_string_equal(session.tty, "");
	assert_string_equal(session.rhost, "192.0.2.1");
	assert_false(noted());
	assert_string_equal(log_last, ""); /* the module logs it */
	log_info("mended");
	assert_string_equal(log_last, "mended");
}

static void test_further_login_checks_resources(void **state)
{
	struct session session;

	(void)state;
	world.check_error = 0;
	assert_int_equal(note_make(&host, USER), 0);
	assert_int_equal(open_session("setup check"), 0);
	assert_int_equal(reply.outcome, OUTCOME_ISOLATED);
	assert_int_equal(sessions(&session), 1);
	assert_false(noted());
}

/* An unknown state is no reason to remove an active user's things. */
static void test_failed_check_removes_nothing(void **state)
{
	struct session session;

	(void)state;
	world.check_error = -EIO;
	assert_int_equal(open_session("setup check"), -EIO);
	assert_int_equal(sessions(&session), 0);
	assert_int_equal(reply.handed_count, 0);
}

static void test_leftovers_that_stay_refuse_login(void **state)
{
	(void)state;
	world.remove_error = -EBUSY;
	assert_int_equal(open_session("setup check remove"), -EBUSY);
}

static void test_failed_set_up_refuses_login(void **state)
{
	(void)state;
	world.setup_error = -EPERM;
	assert_int_equal(open_session("setup"), -EPERM);
	world.setup_error = 0;
	world.ipv6_error = -EAFNOSUPPORT;
	assert_int_equal(open_session("setup check remove follow has6"), -EAFNOSUPPORT);
	world.ipv6_error = 0;
	world.resolv_error = -ENOSPC;
	assert_int_equal(open_session("setup check remove follow has6 resolv"), -ENOSPC);
	world.resolv_error = 0;
	world.follow_error = -EIO;
	assert_int_equal(open_session("setup check remove follow"), -EIO);
}

/* IPv6 was disabled after the set-up: the kernel returns EACCES, and all is made once more. */
static void test_disabled_ipv6_is_tried_once_more(void **state)
{
	(void)state;
	world.network_ipv6 = true;
	assert_int_equal(open_session("setup check remove has6 resolv make"), 0);
	world.make_errors[0] = -EACCES;
	world.follow_takes_ipv6 = true;
	assert_int_equal(
	    open_session("setup check remove has6 resolv make follow has6 resolv make"), 0);
	world.make_errors[1] = -EACCES; /* not for ever */
	assert_int_equal(
	    open_session("setup check remove has6 resolv make follow has6 resolv make"), -EACCES);
	world.follow_error = -EIO;
	assert_int_equal(open_session("setup check remove has6 resolv make follow"), -EIO);
	world.follow_error = 0;
	world.make_errors[0] = -EIO; /* no second attempt after another error */
	assert_int_equal(open_session("setup check remove has6 resolv make"), -EIO);
	world.make_errors[0] = -EACCES;
	world.network_ipv6 = false; /* nor after this one without IPv6 */
	world.follow_takes_ipv6 = false;
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), -EACCES);
}

/* A first login without a record is undone. A further one leaves the user's things. */
static void test_session_without_record_is_undone(void **state)
{
	int fds;

	(void)state;
	world.session_folder_gone = true;
	fds = fds_open();
	assert_true(open_session("setup check remove follow has6 resolv make undo") < 0);
	assert_int_equal(fds_open(), fds);
	host.run = -1;
	world.check_error = 0;
	assert_true(open_session("setup check") < 0);
}

static void test_profile_decides_on_isolation(void **state)
{
	(void)state;
	strcpy(request.who.user, "bob");
	assert_int_equal(open_session(""), -EACCES);
	assert_non_null(strstr(log_last, "bob"));
	world.conf = CONF "[profile q]\nmatch = *\nisolate = no\n";
	assert_int_equal(open_session(""), 0);
	assert_int_equal(reply.outcome, OUTCOME_HOST);
	world.conf = NULL;
	assert_int_equal(open_session(""), -ENOENT);
}

static void test_ended_caller_refuses_login(void **state)
{
	(void)state;
	host.caller = 4000000;
	assert_int_equal(open_session(""), -ESRCH);
	assert_non_null(strstr(log_last, "4000000"));
}

static void test_log_logins_holds_other_lines_back(void **state)
{
	char expected[256];

	(void)state;
	world.conf = "[defaults]\nlog = logins\n" CONF;
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	snprintf(expected, sizeof(expected),
		 "first login: user=alice uid=2001 service=sshd tty=- rhost=192.0.2.1 leader=%d "
		 "profile=p",
		 (int)getpid());
	assert_string_equal(log_last, expected);
	log_info("mended"); /* held back, but not lines about users */
	assert_string_equal(log_last, expected);
	strcpy(request.service, "cron"); /* for a job the line at its end is enough */
	assert_int_equal(open_session("setup check remove follow has6 resolv make"), 0);
	assert_string_equal(log_last, "");
	strcpy(request.service, "sshd");
	world.check_error = 0;
	assert_int_equal(open_session("setup check"), 0);
	assert_string_equal(log_last, "");
}

/* --- logout --- */

static int close_session(const char *expected)
{
	int result;

	world.done[0] = '\0';
	reply = (struct reply){.outcome = OUTCOME_REFUSED};
	result = verb_close(&host, &request, &reply);
	assert_string_equal(world.done, expected);
	return result;
}

static void session_put(pid_t pid, int later)
{
	struct session s = {.service = "su"};

	assert_int_equal(process_read(host.proc, pid, &s.leader, NULL), 0);
	s.leader.start += (unsigned long long)later;
	assert_int_equal(session_add(scratch, USER, &s), 0);
}

static void test_end_of_last_session_starts_the_reaper(void **state)
{
	struct session session;

	(void)state;
	session_put(getpid(), 0);
	assert_int_equal(close_session("reaper"), 0);
	assert_int_equal(reply.outcome, OUTCOME_HOST);
	assert_int_equal(sessions(&session), 0);
	assert_true(noted());
	assert_true(lock_is_free(USER));
}

static void test_live_session_keeps_the_user(void **state)
{
	struct session session;

	(void)state;
	session_put(getpid(), 0);
	session_put(getppid(), 0);
	session_put(1, 7); /* its leader has ended */
	assert_int_equal(close_session(""), 0);
	assert_false(noted());
	assert_true(sessions(&session) >= 1);
	assert_true(lock_is_free(USER));
}

/* The session has no record, or the user has none: the other sessions are checked all the same. */
static void test_close_without_record_starts_the_reaper(void **state)
{
	(void)state;
	assert_int_equal(close_session("reaper"), 0);
	assert_true(noted());
}

/* systemd's unit watches the notes. */
static void test_systemd_unit_replaces_the_reaper(void **state)
{
	(void)state;
	session_put(getpid(), 0);
	world.unit = true;
	assert_int_equal(close_session(""), 0);
	assert_true(noted());
}

/* Without a note a reaper would find no user. */
static void test_logout_without_note_is_left_to_gc(void **state)
{
	(void)state;
	assert_int_equal(unlinkat(scratch, "closing", AT_REMOVEDIR), 0);
	session_put(getpid(), 0);
	assert_int_equal(close_session(""), 0);
	assert_true(lock_is_free(USER));
}

static void test_failed_logout_is_an_error(void **state)
{
	(void)state;
	session_put(getpid(), 0);
	world.return_error = -EMFILE;
	assert_int_equal(close_session(""), -EMFILE);
	world.return_error = 0;
	world.reaper_error = -EAGAIN;
	assert_int_equal(close_session("reaper"), -EAGAIN);
	host.caller = 4000000;
	assert_int_equal(close_session(""), -ESRCH);
	assert_true(lock_is_free(USER));
}

static void test_kick_waits_for_the_user(void **state)
{
	(void)state;
	assert_int_equal(verb_kick(&host, &request, &reply), 0);
	assert_string_equal(world.done, "reap");
	assert_int_equal(reply.outcome, OUTCOME_DONE);
	world.reap_error = -EBUSY;
	assert_int_equal(verb_kick(&host, &request, &reply), -EBUSY);
	assert_non_null(strstr(log_last, "2001"));
	world.return_error = -EMFILE;
	assert_int_equal(verb_host(&host, &request, &reply), -EMFILE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_first_login_makes_all_resources),
	    TEST(test_further_login_checks_resources),
	    TEST(test_failed_check_removes_nothing),
	    TEST(test_leftovers_that_stay_refuse_login),
	    TEST(test_failed_set_up_refuses_login),
	    TEST(test_disabled_ipv6_is_tried_once_more),
	    TEST(test_session_without_record_is_undone),
	    TEST(test_profile_decides_on_isolation),
	    TEST(test_ended_caller_refuses_login),
	    TEST(test_log_logins_holds_other_lines_back),
	    TEST(test_end_of_last_session_starts_the_reaper),
	    TEST(test_live_session_keeps_the_user),
	    TEST(test_close_without_record_starts_the_reaper),
	    TEST(test_systemd_unit_replaces_the_reaper),
	    TEST(test_logout_without_note_is_left_to_gc),
	    TEST(test_failed_logout_is_an_error),
	    TEST(test_kick_waits_for_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
