/* Closing a session by the module, and the log lines of sessions. */
#include "session_world.h"

static void test_session_is_opened_and_closed(void **state)
{
	char request[512];

	(void)state;
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_string_equal(asked, "open(10000) join");
	assert_log(LINE, "opened", nobody_uid(), (int)getpid());
	snprintf(request, sizeof(request),
		 CONF " nobody nobody uid=%u gid=%u groups=1 service=sshd tty=ssh "
		      "rhost=192.0.2.1 flags=0 namespaces=0",
		 nobody_uid(), nobody_gid());
	assert_string_equal(request_of_last, request);
	request_of_last[0] = asked[0] = '\0';
	/* PAM_USER is resolved once: another module may change it meanwhile. */
	pam.items[PAM_USER] = "root";
	assert_int_equal(session_end(), PAM_SUCCESS);
	assert_string_equal(asked, "close(10000) join");
	/* It goes back from the namespaces that the open joined. */
	request[strlen(request) - 1] = '0' + NAMESPACE_NET;
	assert_string_equal(request_of_last, request);
	assert_log(LINE, "closed", nobody_uid(), (int)getpid());
	assert_string_equal(pam.shown, "");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_session_is_opened_and_closed),
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
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
