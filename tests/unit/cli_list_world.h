/*
 * pam-netns list and status: their output of records, as tables and as JSON. The records are real, in a /run
 * for the test. Statistics and processes are in a folder in place of the host's /proc. Runs as root.
 */
#ifndef CLI_LIST_WORLD_H
#define CLI_LIST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "output.h"

#include "../../cli/kernel.h"
#include "base/files.h"
#include "base/log.h"
#include "state/state.h"

static struct {
	uid_t uid; /* of the caller */
	bool host_refused;
	struct kernel_link link; /* the result of kernel_link(); index 0: no link */
	struct kernel_link eth0;
} world;

#define getuid()	     world.uid
#define geteuid()	     world.uid
#define kernel_host_enter()  fake_host_enter()
#define kernel_link(i, n, l) fake_link(i, n, l)

static inline bool fake_host_enter(void)
{
	errno = EPERM;
	return !world.host_refused;
}

static inline int fake_link(unsigned index, const char *name, struct kernel_link *out)
{
	*out = index ? world.link : world.eth0;
	assert_true(index || (name && strcmp(name, "eth0") == 0));
	return out->index && (!index || out->index == index) ? 0 : -ENODEV;
}

#include "../../cli/counters.c"
#include "../../cli/limits.c"
#include "../../cli/list.c"
#include "../../cli/namespaces.c"
#include "../../cli/table.c"
#include "../../cli/text.c"
#include "../../cli/users.c"

#undef getuid
#undef geteuid

#define PROC	     HOSTPROC
#define SESSION_LATE 1700003600

static char last_logged[512];
static int run = -1;

static inline void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(last_logged, sizeof(last_logged), "%s", text);
}

static inline void dir_make(const char *path)
{
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

#include "text_write.h"

static inline int group_setup(void **state)
{
	(void)state;
	umask(022);
	setenv("TZ", "UTC", 1);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL)) {
		perror("this test needs root");
		return -1;
	}
	return 0;
}

/* An empty /run/pam-netns, with a place for statistics of the host's links. */
static inline int setup(void **state)
{
	(void)state;
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=755,size=2m"))
		return -1;
	dir_make(RUN_DIR);
	dir_make(USERS_DIR);
	dir_make(CLOSING_DIR);
	run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	memset(&world, 0, sizeof(world));
	last_logged[0] = '\0';
	log_set_sink(sink, NULL);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	close(run);
	return umount2("/run", MNT_DETACH);
}

/* It has PID 1, and is no procfs, so all sessions count as live. */
static inline void proc_make(const char *statistics)
{
	dir_make(HOSTPROC_DIR);
	dir_make(PROC);
	dir_make(PROC "/1");
	dir_make(PROC "/1/net");
	text_write(PROC "/1/net/dev", statistics);
}

static inline struct user_state record(uid_t uid, const char *name)
{
	struct user_state s = {
	    .profile = "default",
	    .network = "lab",
	    .uplink = {.uid = uid,
		       .bridge = "pnbr1",
		       .ifindex = uid % 1000 + 7,
		       .mac = {{2, 0x6e, 10, 203, 4, 7}}},
	    .hostname = "host",
	    .since = 1700000000,
	};

	snprintf(s.user, sizeof(s.user), "%s", name);
	snprintf(s.account, sizeof(s.account), "%s", name);
	snprintf(s.netns, sizeof(s.netns), "u%u", uid);
	snprintf(s.uplink.port, sizeof(s.uplink.port), "pnu%u", uid);
	assert_int_equal(address_parse("10.203.4.7", &s.uplink.address), 0);
	return s;
}

static inline void user_add(uid_t uid, const char *name)
{
	struct user_state s = record(uid, name);

	assert_int_equal(state_write(run, &s), 0);
}

static inline void session_put(uid_t uid, const struct process *leader, const char *rhost)
{
	struct session s = {
	    .leader = *leader, .service = "sshd", .tty = "pts/0", .since = SESSION_LATE};

	snprintf(s.rhost, sizeof(s.rhost), "%s", rhost);
	assert_int_equal(session_add(run, uid, &s), 0);
}

static inline void session_of(uid_t uid, pid_t pid, const char *rhost)
{
	struct process leader = {.pid = pid, .start = (unsigned long long)pid * 10};

	session_put(uid, &leader, rhost);
}

static inline int list(bool wide, bool json)
{
	const struct arguments arguments = {.wide = wide, .json = json};
	int status;

	output_of(status = command_list(&arguments));
	assert_string_equal(output_error, "");
	return status;
}

static inline int status_of(const char *name, bool json)
{
	const struct arguments arguments = {.operand = name, .json = json};
	int status;

	output_of(status = command_status(&arguments));
	return status;
}

#define STATISTICS                                                                                 \
	"Inter-|   Receive                                                |  Transmit\n"           \
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"     \
	"    lo:  100 1 0 0 0 0 0 0  100 1 0 0 0 0 0 0\n"                                          \
	"pnu2001:1536 1 0 0 0 0 0 0 5368709120 1 0 0 0 0 0 0\n"                                    \
	"  eth0: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
