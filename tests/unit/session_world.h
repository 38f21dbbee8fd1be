/*
 * The module's entry points without the kernel: Linux-PAM, the helper and the join are fakes, which record
 * their calls. Accounts are this machine's root and nobody. Runs as root on a tmpfs in a new mount
 * namespace, as the conf file must be root's.
 */
#ifndef SESSION_WORLD_H
#define SESSION_WORLD_H

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "fake_pam.h"
#include "fault.h"

#include "call/call.h"
#include "../../pam_module/join.h"

#define CONF "/mnt/conf"

/* Answers of the fakes, by verb, and their calls. */
static struct answer {
	int error;
	enum outcome outcome;
	const char *cause;
	bool empty; /* the reply has no namespace */
} answer_open, answer_close, answer_host;
static int answer_join;
static char asked[256]; /* "open(10000) join close(10000)" */
static char request_of_last[PATH_MAX + 2048];

static void ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void ask(const char *format, ...)
{
	size_t used = strlen(asked);
	va_list args;

	va_start(args, format);
	if (used)
		used += (size_t)snprintf(asked + used, sizeof(asked) - used, " ");
	vsnprintf(asked + used, sizeof(asked) - used, format, args);
	va_end(args);
}

static inline int fake_call(const char *verb, const struct request *request, unsigned deadline_ms,
			    struct reply *reply)
{
	const struct answer *answer = strcmp(verb, "open") == 0	   ? &answer_open
				      : strcmp(verb, "close") == 0 ? &answer_close
								   : &answer_host;

	ask("%s(%u)", verb, deadline_ms);
	snprintf(request_of_last, sizeof(request_of_last),
		 "%s %s %s uid=%u gid=%u groups=%zu service=%s tty=%s rhost=%s flags=%u "
		 "namespaces=%u",
		 request->conf, request->who.user, request->who.account, request->who.uid,
		 request->who.gid, request->who.groups_count, request->service, request->tty,
		 request->rhost, request->flags, request->namespaces);
	if (answer->error)
		return answer->error;
	*reply = (struct reply){.outcome = answer->outcome, .handed_count = !answer->empty};
	if (answer->cause)
		snprintf(reply->cause, sizeof(reply->cause), "%s", answer->cause);
	snprintf(reply->line, sizeof(reply->line), "profile=p netns=n");
	if (!answer->empty)
		reply->handed[0] = (struct handed){.kind = KIND_NET,
						   .fd = open("/dev/null", O_RDONLY | O_CLOEXEC)};
	return 0;
}

static inline int fake_join(const struct reply *reply)
{
	assert_int_equal(reply->handed_count, 1);
	assert_true(fcntl(reply->handed[0].fd, F_GETFD) >= 0);
	ask("join");
	return answer_join;
}

static inline int fake_pid_leave(void)
{
	ask("leave");
	return 0;
}

#define helper_call	     fake_call
#define join_pid_leave	     fake_pid_leave
#define join_namespaces	     fake_join
#define calloc(number, size) FAULT_NULL(calloc(number, size))

#include "../../pam_module/arguments.c"
#include "../../pam_module/session.c"
#undef DATA_NAME
#include "../../pam_module/host_network.c"
#include "../../pam_module/pam_netns.c"

#undef calloc

#define NETWORK "[network default]\n"
#define ALL	NETWORK "[profile p]\nmatch = *\n"

static int fds;

static inline int group_setup(void **state)
{
	(void)state;
	umask(022);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755,size=1m")) {
		perror("this test needs root");
		return -1;
	}
	return 0;
}

#include "text_write.h"

/* The user nobody logs in by sshd, and all calls succeed. */
static inline void begin(void)
{
	pam_finish();
	pam.items[PAM_USER] = "nobody";
	pam.items[PAM_SERVICE] = "sshd";
	pam.items[PAM_TTY] = "ssh";
	pam.items[PAM_RHOST] = "192.0.2.1";
	answer_open = (struct answer){.outcome = OUTCOME_ISOLATED};
	answer_close = answer_host = (struct answer){.outcome = OUTCOME_HOST};
	answer_join = 0;
	asked[0] = request_of_last[0] = '\0';
	text_write(CONF, ALL);
}

static inline int setup(void **state)
{
	(void)state;
	begin();
	fds = fds_open();
	return 0;
}

/* No data and no descriptor is left; ASan checks the memory. */
static inline int teardown(void **state)
{
	(void)state;
	pam_finish();
	return fds_open() == fds ? 0 : -1;
}

static inline int module(int entry_point(pam_handle_t *, int, int, const char **), int flags,
			 const char *argument)
{
	const char *argv[] = {"conf=" CONF, argument};

	return entry_point(&pam, flags, argument ? 2 : 1, argv);
}

static inline int session_begin(void)
{
	return module(pam_sm_open_session, 0, NULL);
}

static inline int session_end(void)
{
	return module(pam_sm_close_session, 0, NULL);
}

static inline unsigned nobody_uid(void)
{
	CLEANUP_WHO struct who who = {0};

	assert_int_equal(identity_resolve("nobody", &who), 0);
	return who.uid;
}

static inline unsigned nobody_gid(void)
{
	CLEANUP_WHO struct who who = {0};

	assert_int_equal(identity_resolve("nobody", &who), 0);
	return who.gid;
}

/* The log has exactly these lines; the format takes a pid or a uid. */
#define assert_log(...)                                                                            \
	do {                                                                                       \
		char expected[2048];                                                               \
                                                                                                   \
		snprintf(expected, sizeof(expected), __VA_ARGS__);                                 \
		assert_string_equal(pam.log, expected);                                            \
		pam.log[0] = '\0';                                                                 \
	} while (0)

#define REFUSED "3 login refused: see the lines above, or run pam-netns doctor\n"
#define LINE                                                                                       \
	"6 session %s: user=nobody uid=%u service=sshd tty=ssh rhost=192.0.2.1 leader=%d "         \
	"profile=p netns=n\n"

/* The login is refused after these calls and log lines, with a message for the user, and no session is open. */
#define assert_refused(expected, ...)                                                              \
	do {                                                                                       \
		assert_int_equal(session_begin(), PAM_PERM_DENIED);                                \
		assert_string_equal(asked, expected);                                              \
		assert_log(__VA_ARGS__);                                                           \
		assert_non_null(strstr(pam.shown, "Login refused"));                               \
		asked[0] = '\0';                                                                   \
		assert_int_equal(session_end(), PAM_SUCCESS);                                      \
		assert_string_equal(asked, "");                                                    \
		assert_log("%s", "");                                                              \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
