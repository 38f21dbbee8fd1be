/*
 * The module's entry points without the kernel: Linux-PAM, the helper and the join are fakes, which record
 * their calls. Accounts are this machine's root and nobody. Runs as root on a tmpfs in a new mount
 * namespace, as the conf file must be root's.
 */
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

static int fake_call(const char *verb, const struct request *request, unsigned deadline_ms,
		     struct reply *reply)
{
	const struct answer *answer = strcmp(verb, "open") == 0	   ? &answer_open
				      : strcmp(verb, "close") == 0 ? &answer_close
								   : &answer_host;

	ask("%s(%u)", verb, deadline_ms);
	snprintf(request_of_last, sizeof(request_of_last),
		 "%s %s %s uid=%u gid=%u groups=%zu service=%s tty=%s rhost=%s flags=%u",
		 request->conf, request->who.user, request->who.account, request->who.uid,
		 request->who.gid, request->who.groups_count, request->service, request->tty,
		 request->rhost, request->flags);
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

static int fake_join(const struct reply *reply)
{
	assert_int_equal(reply->handed_count, 1);
	assert_true(fcntl(reply->handed[0].fd, F_GETFD) >= 0);
	ask("join");
	return answer_join;
}

#define helper_call	     fake_call
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

static int group_setup(void **state)
{
	(void)state;
	umask(022);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755,size=1m")) {
		perror("session_test needs root");
		return -1;
	}
	return 0;
}

#include "text_write.h"

/* The user nobody logs in by sshd, and all calls succeed. */
static void begin(void)
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

static int setup(void **state)
{
	(void)state;
	begin();
	fds = fds_open();
	return 0;
}

/* No data and no descriptor is left; ASan checks the memory. */
static int teardown(void **state)
{
	(void)state;
	pam_finish();
	return fds_open() == fds ? 0 : -1;
}

static int module(int entry_point(pam_handle_t *, int, int, const char **), int flags,
		  const char *argument)
{
	const char *argv[] = {"conf=" CONF, argument};

	return entry_point(&pam, flags, argument ? 2 : 1, argv);
}

static int session_begin(void)
{
	return module(pam_sm_open_session, 0, NULL);
}

static int session_end(void)
{
	return module(pam_sm_close_session, 0, NULL);
}

static unsigned nobody_uid(void)
{
	CLEANUP_WHO struct who who = {0};

	assert_int_equal(identity_resolve("nobody", &who), 0);
	return who.uid;
}

static unsigned nobody_gid(void)
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

static void test_session_is_opened_and_closed(void **state)
{
	char request[512];

	(void)state;
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "open(10000) join");
	assert_log(LINE, "opened", nobody_uid(), (int)getpid());
	snprintf(request, sizeof(request),
		 CONF " nobody nobody uid=%u gid=%u groups=1 service=sshd tty=ssh "
		      "rhost=192.0.2.1 flags=0",
		 nobody_uid(), nobody_gid());
	assert_string_equal(request_of_last, request);
	request_of_last[0] = asked[0] = '\0';
	/* PAM_USER is resolved once: another module may change it meanwhile. */
	pam.items[PAM_USER] = "root";
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "close(10000) join");
	assert_string_equal(request_of_last, request);
	assert_log(LINE, "closed", nobody_uid(), (int)getpid());
	assert_string_equal(pam.shown, "");
}

static void test_unknown_or_odd_user_is_refused(void **state)
{
	(void)state;
	pam.items[PAM_USER] = NULL;
	assert_refused("", "3 the application set no PAM_USER\n" REFUSED);
	pam.items[PAM_USER] = "";
	assert_refused("",
		       "3 the name of the user is empty, too long or has characters that names do "
		       "not have\n" REFUSED);
	pam.items[PAM_USER] = "no-such-user";
	assert_refused("", "3 cannot find user no-such-user: No such file or directory\n" REFUSED);
}

static void test_bad_or_missing_conf_refuses(void **state)
{
	(void)state;
	text_write(CONF, "[network default]\nsubnett = auto\n");
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	assert_non_null(strstr(pam.log, CONF ":2: "));
	assert_non_null(strstr(pam.log, REFUSED));
	pam.log[0] = '\0';
	assert_int_equal(unlink(CONF), 0);
	assert_refused("", "3 cannot open " CONF ": No such file or directory\n" REFUSED);
}

static void test_exempt_service_asks_no_helper(void **state)
{
	(void)state;
	text_write(CONF, "[defaults]\nservices_exempt = login sshd\n" ALL);
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_log("6 service sshd is exempt: user=nobody uid=%u stays on the host\n",
		   nobody_uid());
	pam.items[PAM_SERVICE] = "ssh";
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "open(10000) join");
}

static void test_user_without_profile_is_refused(void **state)
{
	(void)state;
	text_write(CONF, NETWORK "[profile p]\nmatch = root\n");
	assert_refused("", "3 no profile in " CONF
			   " matches user nobody: add one, or match = * last\n" REFUSED);
	pam.items[PAM_USER] = "root";
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "open(10000) join");
}

static void test_profile_matches_by_name_uid_and_group(void **state)
{
	static const char *const matches[] = {"nobody", "1-9, %u", "@root"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char match[32], text[256];

		begin();
		pam.items[PAM_USER] = i == 2 ? "root" : "nobody";
		snprintf(match, sizeof(match), "1-9, %u", nobody_uid());
		snprintf(text, sizeof(text), "[profile q]\nmatch = %s\nisolate = no\n" ALL,
			 i == 1 ? match : matches[i]);
		text_write(CONF, text);
		assert_int_equal(session_begin(), PAM_SUCCESS);
		assert_string_equal(asked, "");
	}
}

static void test_user_who_is_not_isolated_asks_no_helper(void **state)
{
	(void)state;
	text_write(CONF, "[profile p]\nmatch = *\nisolate = no\n");
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "");
	assert_log("%s", "");
	assert_int_equal(module(pam_sm_open_session, 0, "debug"), PAM_SUCCESS);
	assert_log("7 user=nobody uid=%u profile=p is not isolated\n", nobody_uid());
	assert_string_equal(asked, "");
}

#define NESTED "[defaults]\ndeadline = 3s\n[profile p]\nmatch = *\nisolate = no\nnested = host\n"

static void test_nested_host_goes_to_the_host(void **state)
{
	(void)state;
	text_write(CONF, NESTED);
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "host(3000) join");
	assert_log("%s", "");
	asked[0] = '\0';
	assert_int_equal(session_end(), PAM_SUCCESS); /* this user has no open session */
	assert_string_equal(asked, "");

	answer_host.outcome = OUTCOME_ISOLATED;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	answer_host.outcome = OUTCOME_HOST;
	answer_join = -EPROTO;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	answer_host.error = -ETIMEDOUT;
	asked[0] = '\0';
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	assert_string_equal(asked, "host(3000)");
}

/* on_error is for logins that cannot be isolated. This login could not go back to the host. */
static void test_failed_nested_host_refuses_with_on_error_host(void **state)
{
	(void)state;
	text_write(CONF, "[defaults]\non_error = host\n[profile p]\nmatch = *\nisolate = no\n"
			 "nested = host\n");
	answer_host.error = -ETIMEDOUT;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
}

/* The helper itself undoes what it began. */
static void test_refusal_of_the_helper_refuses(void **state)
{
	(void)state;
	answer_open = (struct answer){
	    .outcome = OUTCOME_REFUSED, .cause = "no address is free", .empty = true};
	assert_refused("open(10000)", REFUSED); /* the helper has logged the cause */
	answer_open.cause = NULL;
	assert_refused("open(10000)",
		       "3 the helper refused the login and gave no reason\n" REFUSED);
	/* The reply has another namespace, or none. */
	answer_open = (struct answer){.outcome = OUTCOME_HOST};
	assert_refused("open(10000)",
		       "3 the helper refused the login and gave no reason\n" REFUSED);
	answer_open = (struct answer){.outcome = OUTCOME_ISOLATED, .empty = true};
	assert_refused("open(10000)",
		       "3 the helper refused the login and gave no reason\n" REFUSED);
}

/* If a helper gave no reply, its work is undone, unless none ran or it still holds the lock. */
static void test_missing_reply_closes_and_refuses(void **state)
{
	static const struct {
		int error;
		const char *asked;
	} cases[] = {
	    {-ETIMEDOUT, "open(2000) close(2000)"},
	    {-EPIPE, "open(2000) close(2000)"},
	    {-EBADMSG, "open(2000) close(2000)"},
	    {-EAGAIN, "open(2000) close(2000)"},
	    {-ENOEXEC, "open(2000)"},
	    {-EBUSY, "open(2000)"},
	};

	(void)state;
	text_write(CONF, "[defaults]\ndeadline = 2s\n" ALL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer_open.error = cases[i].error;
		answer_close.error = i == 1 ? -EPIPE : 0;
		assert_refused(cases[i].asked, REFUSED);
	}
}

static void test_failed_join_closes_and_refuses(void **state)
{
	(void)state;
	answer_join = -EPROTO;
	assert_refused("open(10000) join close(10000)", REFUSED);
	/* It is undone without a join, since the join itself went back. */
	answer_join = -ENOTRECOVERABLE;
	assert_refused("open(10000) join close(10000)", REFUSED);
}

#define LET_IN                                                                                     \
	"4 NOT ISOLATED: user=nobody uid=%u service=sshd continues in the caller's namespaces, "   \
	"because "                                                                                 \
	"on_error = host\n"

static void test_on_error_host_lets_login_go_on(void **state)
{
	(void)state;
	text_write(CONF, "[defaults]\non_error = host\n" ALL);
	answer_open.error = -ETIMEDOUT;
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "open(10000) close(10000)");
	assert_log(LET_IN, nobody_uid());
	assert_string_equal(pam.shown, "");
	asked[0] = '\0';
	assert_int_equal(session_end(), PAM_SUCCESS); /* an undone session is not closed */
	assert_string_equal(asked, "");

	answer_open = (struct answer){.outcome = OUTCOME_REFUSED, .cause = "full", .empty = true};
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_log(LET_IN, nobody_uid());
	answer_open = (struct answer){.outcome = OUTCOME_ISOLATED};
	answer_join = -EPROTO; /* known to be back */
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_log(LET_IN, nobody_uid());
}

/* The process is neither in its network nor in its old namespaces. */
static void test_unrecoverable_process_refuses_with_on_error_host(void **state)
{
	(void)state;
	text_write(CONF, "[defaults]\non_error = host\n" ALL);
	answer_join = -ENOTRECOVERABLE;
	assert_refused("open(10000) join close(10000)", REFUSED);
}

/* Without data the session would not be closed later. */
static void test_session_without_pam_data_is_closed_at_once(void **state)
{
	static const char not_kept[] = "3 cannot keep the session's data: Memory buffer error\n";

	(void)state;
	pam.set_data_at = 1;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	assert_string_equal(asked, "open(10000) join close(10000) join");
	assert_log(LINE "%s" REFUSED, "opened", nobody_uid(), (int)getpid(), not_kept);

	begin();
	pam.set_data_at = 1;
	answer_close.error = -EPIPE;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	assert_log(
	    LINE
	    "%s3 the refused session could not be closed; pam-netns gc will remove it\n" REFUSED,
	    "opened", nobody_uid(), (int)getpid(), not_kept);

	/* A session that is not isolated needs no close. */
	begin();
	text_write(CONF, "[profile p]\nmatch = *\nisolate = no\n");
	pam.set_data_at = 1;
	assert_int_equal(session_begin(), PAM_PERM_DENIED);
	assert_string_equal(asked, "");
	assert_log("%s" REFUSED, not_kept);
}

static void test_silent_flag_shows_no_message(void **state)
{
	(void)state;
	answer_open.error = -ENOEXEC;
	assert_int_equal(module(pam_sm_open_session, PAM_SILENT, NULL), PAM_PERM_DENIED);
	assert_string_equal(pam.shown, "");
	assert_log("%s", REFUSED);
}

static void test_debug_argument_logs_more(void **state)
{
	(void)state;
	assert_int_equal(module(pam_sm_open_session, 0, "debug"), PAM_SUCCESS);
	assert_non_null(strstr(request_of_last, "flags=2"));
	/* Later log lines of the thread do not go to this handle. */
	pam.log[0] = '\0';
	log_debug("later");
	assert_string_equal(pam.log, "");
}

static void test_key_log_decides_on_log_lines(void **state)
{
	static const struct {
		const char *log;
		bool told;
	} cases[] = {{"all", true}, {"sessions", true}, {"logins", false}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char text[256];

		begin();
		snprintf(text, sizeof(text), "[defaults]\ndeadline = 2s\nlog = %s\n" ALL,
			 cases[i].log);
		text_write(CONF, text);
		assert_int_equal(session_begin(), PAM_SUCCESS);
		assert_int_equal(session_end(), PAM_SUCCESS);
		if (cases[i].told)
			assert_log(LINE LINE, "opened", nobody_uid(), (int)getpid(), "closed",
				   nobody_uid(), (int)getpid());
		assert_string_equal(pam.log, "");
		assert_string_equal(asked, "open(2000) join close(2000) join");
	}
}

/* A text of a client or a user adds no field to a line. */
static void test_hostile_items_make_no_further_field(void **state)
{
	char long_name[STATE_TEXT_MAX + 1];

	(void)state;
	pam.items[PAM_TTY] = "pts/1 uid=0";
	pam.items[PAM_RHOST] = "evil\nuser=root";
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_log("6 session opened: user=nobody uid=%u service=sshd tty=pts/1?uid=0 rhost=? "
		   "leader=%d profile=p netns=n\n",
		   nobody_uid(), (int)getpid());

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	pam.items[PAM_SERVICE] = long_name;
	pam.items[PAM_TTY] = NULL;
	pam.items[PAM_RHOST] = "";
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_log("6 session opened: user=nobody uid=%u service=? tty=- rhost=- leader=%d "
		   "profile=p netns=n\n",
		   nobody_uid(), (int)getpid());
	assert_non_null(strstr(request_of_last, "service=? tty= rhost= "));
}

static void test_close_without_open_succeeds(void **state)
{
	(void)state;
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "");
	assert_log("%s", "");
}

/* T4: a child that closes, or that only cleans up, does not end the session. */
static void test_t04_child_ends_no_session(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(session_begin(), PAM_SUCCESS);
	asked[0] = '\0';
	pid = fork();
	if (pid == 0) {
		int result = session_end();

		pam_finish();
		_exit(result == PAM_SUCCESS && !asked[0] ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "close(10000) join");
}

/* Without the conf file the close has the default deadline. */
static void test_close_without_conf_closes(void **state)
{
	(void)state;
	text_write(CONF, "[defaults]\ndeadline = 2s\nlog = logins\n" ALL);
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_int_equal(unlink(CONF), 0);
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "open(2000) join close(10000) join");
	assert_log("3 cannot open " CONF ": No such file or directory\n" LINE, "closed",
		   nobody_uid(), (int)getpid());
}

#define NOT_CLOSED                                                                                 \
	"3 session not closed cleanly: user=nobody uid=%u; pam-netns gc will remove its "          \
	"leftovers\n"

static void test_failed_close_is_logged(void **state)
{
	(void)state;
	assert_int_equal(session_begin(), PAM_SUCCESS);
	pam.log[0] = '\0';
	answer_close.error = -ETIMEDOUT;
	assert_int_equal(session_end(), PAM_SESSION_ERR);
	assert_log(NOT_CLOSED, nobody_uid());
	answer_close = (struct answer){.outcome = OUTCOME_REFUSED, .empty = true, .cause = "no"};
	assert_int_equal(session_end(), PAM_SESSION_ERR);
	assert_log(NOT_CLOSED, nobody_uid());
	answer_close = (struct answer){.outcome = OUTCOME_HOST};
	answer_join = -EPROTO;
	asked[0] = '\0';
	assert_int_equal(session_end(), PAM_SESSION_ERR);
	assert_log(NOT_CLOSED, nobody_uid());
	assert_string_equal(asked, "close(10000) join");
}

/* Two PAM lines may share the work: one opens, the other closes. */
static void test_argument_open_or_close_does_one_of_both(void **state)
{
	(void)state;
	assert_int_equal(module(pam_sm_open_session, 0, "close"), PAM_IGNORE);
	assert_string_equal(asked, "");
	assert_int_equal(module(pam_sm_open_session, 0, "open"), PAM_SUCCESS);
	asked[0] = '\0';
	assert_int_equal(module(pam_sm_close_session, 0, "open"), PAM_IGNORE);
	assert_string_equal(asked, "");
	assert_int_equal(module(pam_sm_close_session, 0, "close"), PAM_SUCCESS);
	assert_string_equal(asked, "close(10000) join");
}

#define UNKNOWN(argument)                                                                          \
	"3 unknown argument \"" argument                                                           \
	"\" on the PAM line: it takes conf=/PATH, debug, open, close, host\n"

static void test_unknown_argument_refuses(void **state)
{
	(void)state;
	assert_int_equal(module(pam_sm_open_session, 0, "opens"), PAM_PERM_DENIED);
	assert_log("%s", UNKNOWN("opens") REFUSED);
	assert_int_equal(module(pam_sm_close_session, 0, "conf=relative"), PAM_SESSION_ERR);
	assert_log("%s", UNKNOWN("conf=relative"));
	assert_int_equal(module(pam_sm_authenticate, 0, ""), PAM_AUTH_ERR);
	assert_log("%s", UNKNOWN(""));
	assert_int_equal(module(pam_sm_setcred, 0, "DEBUG"), PAM_CRED_ERR);
	assert_log("%s", UNKNOWN("DEBUG"));
	assert_string_equal(asked, "");
}

static void test_conf_path_beyond_limit_refuses(void **state)
{
	static char argument[PATH_MAX + 16] = "conf=/";
	const char *argv[] = {argument};

	(void)state;
	memset(argument + 6, 'x', sizeof(argument) - 7);
	assert_int_equal(pam_sm_open_session(&pam, 0, 1, argv), PAM_PERM_DENIED);
	assert_string_equal(asked, "");
}

/* A process in the host's network goes back before a session opens, or is refused. */
static void test_open_leaves_the_hosts_network_first(void **state)
{
	const void *origin;

	(void)state;
	answer_host.error = -ETIMEDOUT;
	assert_int_equal(module(pam_sm_authenticate, 0, "host"), PAM_AUTHINFO_UNAVAIL);
	assert_string_equal(asked, "host(10000)");
	assert_int_equal(pam_get_data(&pam, "pam_netns_origin", &origin), PAM_SUCCESS);
	assert_non_null(origin);
	asked[0] = '\0';
	pam.set_data_at = 2;
	assert_refused("", REFUSED);
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_int_equal(pam_get_data(&pam, "pam_netns_origin", &origin), PAM_SUCCESS);
	assert_null(origin);
}

/* The login is refused, and all is closed and freed. */
static void no_memory(void)
{
	int result;

	begin();
	result = session_begin();
	if (!fault_was_hit())
		assert_int_equal(result, PAM_SUCCESS);
	else
		assert_int_equal(result, PAM_PERM_DENIED);
	pam_finish();
}

static void test_missing_memory_refuses(void **state)
{
	(void)state;
	assert_int_equal(fault_sweep(ENOMEM, no_memory), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_session_is_opened_and_closed),
	    TEST(test_unknown_or_odd_user_is_refused),
	    TEST(test_bad_or_missing_conf_refuses),
	    TEST(test_exempt_service_asks_no_helper),
	    TEST(test_user_without_profile_is_refused),
	    TEST(test_profile_matches_by_name_uid_and_group),
	    TEST(test_user_who_is_not_isolated_asks_no_helper),
	    TEST(test_nested_host_goes_to_the_host),
	    TEST(test_failed_nested_host_refuses_with_on_error_host),
	    TEST(test_refusal_of_the_helper_refuses),
	    TEST(test_missing_reply_closes_and_refuses),
	    TEST(test_failed_join_closes_and_refuses),
	    TEST(test_on_error_host_lets_login_go_on),
	    TEST(test_unrecoverable_process_refuses_with_on_error_host),
	    TEST(test_session_without_pam_data_is_closed_at_once),
	    TEST(test_silent_flag_shows_no_message),
	    TEST(test_debug_argument_logs_more),
	    TEST(test_key_log_decides_on_log_lines),
	    TEST(test_hostile_items_make_no_further_field),
	    TEST(test_close_without_open_succeeds),
	    TEST(test_t04_child_ends_no_session),
	    TEST(test_close_without_conf_closes),
	    TEST(test_failed_close_is_logged),
	    TEST(test_argument_open_or_close_does_one_of_both),
	    TEST(test_unknown_argument_refuses),
	    TEST(test_conf_path_beyond_limit_refuses),
	    TEST(test_open_leaves_the_hosts_network_first),
	    TEST(test_missing_memory_refuses),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
