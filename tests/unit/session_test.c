/* Opening a session by the module: isolation, exemptions and refusals. */
#include "session_world.h"

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
	assert_non_null(strstr(pam.log, "3 cannot use conf=/xxx"));
	assert_non_null(strstr(pam.log, "\n" REFUSED));
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
	assert_refused("", "3 cannot change the way back from the host's network: Memory buffer "
			   "error\n" REFUSED);
	assert_int_equal(session_begin(), PAM_SUCCESS);
	assert_int_equal(pam_get_data(&pam, "pam_netns_origin", &origin), PAM_SUCCESS);
	assert_null(origin);
}

/* The login is refused with its cause, and all is closed and freed. */
static void no_memory(void)
{
	int result;

	begin();
	result = session_begin();
	if (!fault_was_hit())
		assert_int_equal(result, PAM_SUCCESS);
	else
		assert_true(result == PAM_PERM_DENIED && strstr(pam.log, "memory"));
	pam_finish();
}

static void test_missing_memory_refuses(void **state)
{
	(void)state;
	assert_int_equal(fault_sweep(ENOMEM, no_memory), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	    TEST(test_unknown_argument_refuses),
	    TEST(test_conf_path_beyond_limit_refuses),
	    TEST(test_open_leaves_the_hosts_network_first),
	    TEST(test_missing_memory_refuses),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
