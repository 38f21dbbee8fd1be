/*
 * What the tests of gc share: fake steps, which record their calls. Records, sessions, notes and locks are
 * real.
 */
#ifndef PAM_NETNS_GC_WORLD_H
#define PAM_NETNS_GC_WORLD_H

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

static inline int done(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int done(const char *format, ...)
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

static inline void fails(const char *what, int error)
{
	for (size_t i = 0; i < 3; i++)
		if (!world.fails[i]) {
			world.fails[i] = what;
			world.errors[i] = error;
			return;
		}
}

static inline int fake_conf(struct conf **out)
{
	int error = world.conf ? conf_parse(world.conf, strlen(world.conf), "t", out) : -ENOENT;

	if (error)
		*out = NULL;
	world.conf_read = *out;
	return error;
}

static struct process_list_entry entry;

static inline int fake_list(bool owners, struct process_list *out)
{
	int error = done("list");

	assert_false(owners);
	world.lists++;
	*out = (struct process_list){.entries = error ? NULL : &entry, .count = 1};
	return error;
}

static inline int fake_members(const struct process_list *list, uid_t uid, struct members *out)
{
	assert_ptr_equal(list->entries, &entry);
	*out = (struct members){.count = uid == world.with_processes};
	return done("members %u", uid);
}

static inline int fake_pins(uid_t **uids, size_t *count)
{
	*uids = malloc(sizeof(world.pinned));
	memcpy(*uids, world.pinned, sizeof(world.pinned));
	*count = world.pinned_count;
	return done("pins");
}

static inline int fake_serve(bool patient)
{
	world.patient = patient;
	return done("serve");
}

static inline int fake_reap(uid_t uid, int timeout_ms, bool kill)
{
	assert_int_equal(timeout_ms, 0);
	world.killed = kill;
	return done("reap %u", uid);
}

static inline int fake_sweep(const struct conf *conf)
{
	world.conf_swept = conf;
	return done("sweep");
}

static inline void fake_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){.host = host, .uid = uid};
}

static inline int fake_check(const struct user *user)
{
	assert_true(user->host->thorough);
	assert_non_null(user->conf);
	assert_non_null(user->safe);
	assert_false(lock_is_free(user->uid));
	return done("check %u", user->uid);
}

static inline int fake_ports(struct uplink_ports *out)
{
	*out = (struct uplink_ports){.list = malloc(1)};
	return done("ports");
}

static inline int fake_template(const struct network *network)
{
	done("template %s", network->name);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static inline int fake_setup(const struct setup *setup)
{
	assert_int_equal(setup->version, 77);
	return done("setup %s", setup->network->name);
}

#define conf_read(path, out)			    ((void)(path), fake_conf(out))
#define setup_version(conf)			    ((void)(conf), 77)
#define setup_ensure(host, setup)		    ((void)(host), fake_setup(setup))
#define setup_follow_ipv6(host, setup)		    done("ipv6 %s", (setup)->network->name)
#define setup_follow_resolver(host, conf)	    ((void)(host), done("resolver"))
#define network_state_read(run, name, out)	    (strcmp(name, "down") == 0 ? -ENOENT : 0)
#define process_list_read(host, kinds, owners, out) fake_list(owners, out)
#define process_list_free(list)			    (void)(list)
#define members_find(host, list, uid, owned, out)                                                  \
	(assert_false(owned), fake_members(list, uid, out))
#define members_free(members) (void)(members)
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
#define user_check(user)	      fake_check(user)
#define uplink_ports_safe(route, out) fake_ports(out)
#define host_return(host, set)                                                                     \
	((void)(host), assert_int_equal(set, NAMESPACES_FIRST), done("return"))
#define mntns_template_open(network)	       fake_template(network)
#define mntns_mend_files(name, uid, own, m, n) ((void)(n), done("mend %s", name))
#define recorded_user(host, uid, state)	       (state_read((host)->run, uid, state) == 0)

#include "../../helper/pam-netns-helper/gc.c"
#include "../../helper/pam-netns-helper/note.c"

#include "host_scratch.h"

static int fds;

static inline int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	world.conf = "[network default]\n[profile p]\nmatch = *\n";
	if (host_setup(state))
		return -1;
	fds = fds_open();
	return 0;
}

static inline int end(void **state)
{
	int left = fds_open();

	return host_teardown(state) || left != fds;
}

static inline int gc(const char *expected)
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

static inline void record(uid_t uid, enum conf_linger linger)
{
	struct user_state s = {.uplink = {.uid = uid}, .linger = linger, .network = "default"};

	assert_int_equal(state_write(scratch, &s), 0);
}

static inline void session_of(uid_t uid, bool live)
{
	struct session s = {.service = "su"};

	assert_int_equal(process_read(host.proc, getpid(), &s.leader, NULL), 0);
	s.leader.start += !live;
	assert_int_equal(session_add(scratch, uid, &s), 0);
}

#define MEND  "setup default, ipv6 default, resolver, template default, mend default"
#define EMPTY "pins, serve, " MEND ", pins, sweep"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

#endif
