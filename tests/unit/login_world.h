/*
 * A login and a logout from the verb on: the calls of set-up and resources, their order, and the state after
 * a failure. Sessions, notes and locks are real, resources are fakes.
 */
#ifndef LOGIN_WORLD_H
#define LOGIN_WORLD_H

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

static inline void done(const char *what)
{
	size_t used = strlen(world.done);

	snprintf(world.done + used, sizeof(world.done) - used, "%s%s", used ? " " : "", what);
}

/* The end of a helper frees it. */
static struct conf *conf_kept;

static inline int fake_conf(struct conf **out)
{
	int error = world.conf ? conf_parse(world.conf, strlen(world.conf), "t", out) : -ENOENT;

	conf_free(conf_kept);
	conf_kept = error ? NULL : *out;
	return error;
}

static inline int fake_setup(struct setup *setup)
{
	done("setup");
	assert_string_equal(setup->network->name, "default");
	assert_int_equal(setup->version, 77);
	setup->state.subnet6.address.family = world.network_ipv6 ? AF_INET6 : 0;
	return world.setup_error;
}

static inline int fake_follow(struct setup *setup)
{
	done("follow");
	if (world.follow_gives_ipv6)
		setup->state.subnet6.address.family = AF_INET6;
	if (world.follow_takes_ipv6)
		setup->state.subnet6.address.family = 0;
	return world.follow_error;
}

static inline int said(const char *what, int answer)
{
	done(what);
	return answer;
}

static inline int fake_make(struct user *user)
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

static inline int fake_check(struct user *user)
{
	done("check");
	if (world.check_error == 0)
		user->pins.fd[KIND_NET] =
		    openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return world.check_error;
}

/* It removes the note too, as user_remove() does. */
static inline int fake_remove(uid_t uid, const struct user_state *known)
{
	assert_int_equal(uid, USER);
	done(known ? "undo" : "remove");
	(void)unlinkat(scratch, "closing/2001", 0);
	return world.remove_error;
}

static inline void fake_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){.host = host, .uid = uid, .inside = {.fd = -1}};
	namespaces_init(&user->pins);
}

static inline int fake_hand(struct reply *reply, const struct namespaces *pins)
{
	assert_true(pins->fd[KIND_NET] >= 0);
	reply->handed_count = 1;
	reply->handed[0].fd = pins->fd[KIND_NET];
	return 0;
}

static inline int fake_reply_host(struct reply *reply)
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
#define host_pid_namespace(host)       ((void)(host), 0)
#define user_remove(host, uid, known)  fake_remove(uid, known)
#define user_tell(user, text, size)    snprintf(text, size, "profile=%s", "p")
#define reply_hand(reply, pins, set)   fake_hand(reply, pins)
#define reply_host(host, set, reply)   ((void)(host), fake_reply_host(reply))
#define reaper_start(host)	       said("reaper", world.reaper_error)
#define reap(host, uid, timeout_ms, kill)                                                          \
	((void)(host), assert_true(kill), said("reap", world.reap_error))
#define access(path, mode) (world.unit ? 0 : -1)

#include "../../helper/pam-netns-helper/login.c"
#include "../../helper/pam-netns-helper/logout.c"
#include "../../helper/pam-netns-helper/note.c"

#include "host_scratch.h"

static struct request request;
static struct reply reply;

#define CONF "[network default]\n[profile p]\nmatch = alice\n"

static inline int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	world.conf = CONF;
	world.check_error = -ENOENT; /* a first login */
	memset(&request, 0, sizeof(request));
	request.conf = "/etc/conf";
	strcpy(request.who.user, "alice");
	strcpy(request.who.account, "alice");
	strcpy(request.who.group, "alice");
	request.who.uid = USER;
	strcpy(request.service, "sshd");
	strcpy(request.rhost, "192.0.2.1");
	if (host_setup(state))
		return -1;
	host.caller = getpid();
	return 0;
}

static inline int end(void **state)
{
	log_set_quiet(false);
	conf_free(conf_kept);
	conf_kept = NULL;
	return host_teardown(state);
}

/* Also does what the end of the helper does. */
static inline int open_session(const char *expected)
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

static inline size_t sessions(struct session *first)
{
	CLEANUP_FREE struct session *list = NULL;
	size_t count = 0;

	assert_int_equal(session_list(scratch, USER, &list, &count), 0);
	if (count)
		*first = list[0];
	return count;
}

static inline bool noted(void)
{
	return note_of(USER) != 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

#endif
