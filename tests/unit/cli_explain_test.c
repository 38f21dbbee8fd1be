/*
 * pam-netns explain: its lines for a user. The conf file, the record and the leases are made by the test. Runs
 * as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <pwd.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "log_kept.h"
#include "output.h"

#include "base/log.h"
#include "base/paths.h"
#include "conf/conf.h"
#include "state/lease.h"
#include "state/state.h"

static const char *conf_text;
static uid_t asking;

static int fake_conf_read(struct conf **out)
{
	return conf_parse(conf_text, strlen(conf_text), "t", out);
}

static int fake_users_uid(const char *name, uid_t *uid)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return log_errno(ENOENT, "find %s", name);
	*uid = entry->pw_uid;
	return 0;
}

#define users_uid	     fake_users_uid
#define conf_read(path, out) ((void)(path), fake_conf_read(out))
#define getuid()	     asking

#include "../../cli/explain.c"
#include "../../cli/explain_network.c"
#include "../../cli/explain_notes.c"
#include "../../cli/keys.c"
#include "../../cli/text.c"

#undef getuid

#define NETWORK "[network default]\nsubnet = 10.203.0.0/16\nsubnet6 = fd00:203::/64\n"
#define ALL	NETWORK "[profile all]\nmatch = *\n"

static int group_setup(void **state)
{
	(void)state;
	umask(022);
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS) ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) || sethostname("box", 3)) {
		perror("cli_explain_test needs root");
		return -1;
	}
	return 0;
}

static int setup(void **state)
{
	(void)state;
	asking = 0;
	conf_text = ALL;
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return mount("tmpfs", "/run", "tmpfs", 0, "mode=755,size=2m") ||
	       mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755,size=2m") || mkdir(RUN_DIR, 0755) ||
	       mkdir(USERS_DIR, 0755) || mkdir(LIB_DIR, 0755) || mkdir(LEASES_DIR, 0755);
}

static int end(void **state)
{
	(void)state;
	return umount2("/run", MNT_DETACH) | umount2("/var/lib", MNT_DETACH);
}

static int run_explain(const char *user)
{
	const struct arguments arguments = {.operand = user};
	int status;

	output_of(status = command_explain(&arguments));
	assert_string_equal(output_error, "");
	return status;
}

/* The text of the line with this name; NULL: none. Continued lines are not included. */
static const char *value(const char *name)
{
	static char text[1024];
	char label[32];
	const char *line;

	snprintf(label, sizeof(label), "\n  %-16s ", name);
	line = strstr(output, label);
	if (!line)
		return NULL;
	assert_null(strstr(line + 1, label)); /* only one */
	line += strlen(label);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	return text;
}

#define assert_value(name, expected)                                                               \
	do {                                                                                       \
		assert_int_equal(run_explain("nobody"), STATUS_FINE);                              \
		assert_non_null(value(name));                                                      \
		assert_string_equal(value(name), expected);                                        \
	} while (0)

static void test_isolated_user_gets_each_line(void **state)
{
	(void)state;
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_memory_equal(output, "nobody (uid 65534, group ", 25);
	assert_string_equal(value("profile"), "all");
	assert_string_equal(value("network"), "default");
	assert_string_equal(value("subnet"), "10.203.0.0/16");
	assert_string_equal(value("subnet6"), "fd00:203::/64");
	assert_non_null(value("hostname"));
	assert_non_null(value("address"));
	assert_non_null(value("deadline"));
	assert_null(value("active"));
	assert_null(value("login"));
	assert_memory_equal(value("isolated"), "yes: ", 5);
	for (enum conf_key_id id = 0; id < CONF_KEYS_COUNT; id++)
		if (!key_texts[id].tell && conf_keys[id].only != CONF_ON_HOST)
			assert_non_null(value(conf_keys[id].name));
}

static void test_user_who_is_not_isolated_gets_few_lines(void **state)
{
	(void)state;
	conf_text = NETWORK "[profile staff]\nmatch = nobody\nisolate = no\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_string_equal(value("profile"), "staff");
	assert_memory_equal(value("isolated"), "no: ", 4);
	assert_non_null(value("nested"));
	assert_null(value("network"));
	assert_null(value("subnet"));
	assert_null(value("hostname"));
	assert_null(value("deadline"));
}

static void test_user_without_profile_is_refused(void **state)
{
	(void)state;
	conf_text = NETWORK "[profile staff]\nmatch = root\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(value("profile"), "refused"));
	assert_null(value("isolated"));
	/* The module asks for the service first. */
	assert_non_null(
	    strstr(value("services_exempt"), "vsftpd proftpd: logins of these stay on the host"));
	conf_text =
	    "[defaults]\nservices_exempt = none\n" NETWORK "[profile staff]\nmatch = root\n";
	assert_value("services_exempt", "none: no login stays on the host");
}

static void test_reason_of_the_match_is_named(void **state)
{
	(void)state;
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_int_equal(value("matched by")[0], '*');
	conf_text = NETWORK "[profile p]\nmatch = root, nobody, *\n";
	assert_value("matched by", "the user name nobody");
	conf_text = NETWORK "[profile p]\nmatch = 1-9, 60000-65534\n";
	assert_value("matched by", "uid 65534 in 60000-65534");
	conf_text = NETWORK "[profile p]\nmatch = @root\n";
	assert_int_equal(run_explain("root"), STATUS_FINE);
	assert_string_equal(value("matched by"), "membership in group root");
}

static void test_hostname_is_that_of_the_template(void **state)
{
	(void)state;
	conf_text = NETWORK "[profile p]\nmatch = *\nhostname = %h-%u\n";
	assert_value("hostname", "box-nobody");
	conf_text = NETWORK "[profile p]\nmatch = *\nnamespaces = net mnt\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(value("hostname"), "uts"));
}

static void test_private_directories_are_named_by_place(void **state)
{
	(void)state;
	conf_text = NETWORK "[profile p]\nmatch = *\nprivate = /tmp /var/tmp\nprivate_size = 64M\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_memory_equal(value("private"), "/tmp (", 6);
	assert_non_null(strstr(value("private"), "64M"));
	assert_memory_equal(value(""), "/var/tmp (", 10);
	conf_text = NETWORK "[profile p]\nmatch = *\nprivate = none\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_memory_equal(value("private"), "none", 4);
}

static void test_egress_is_listed_in_order(void **state)
{
	(void)state;
	conf_text = "[network default]\negress = deny tcp/25, allow 192.0.2.0/24\n"
		    "[profile p]\nmatch = *\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_memory_equal(value("egress"), "deny tcp/25", 11);
	assert_non_null(strstr(output, "\n                   allow 192.0.2.0/24\n"
				       "                   deny any"));
	conf_text = "[network default]\negress = deny tcp/25, allow any\n[profile p]\nmatch = *\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_null(strstr(output, "deny any"));
	conf_text = "[network default]\negress = none\n[profile p]\nmatch = *\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_memory_equal(value("egress"), "none", 4);
}

static void test_addresses_are_leased_or_preferred(void **state)
{
	int leases = open(LEASES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct prefix subnet;
	uint32_t offset;
	char text[ADDRESS_TEXT_MAX], line[128];
	struct address address;

	(void)state;
	assert_int_equal(prefix_parse("10.203.0.0/16", &subnet), 0);
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(value("address"), "first login"));
	assert_int_equal(lease_take(leases, "default", &subnet, 65534, &offset), 0);
	close(leases);
	address = prefix_address(&subnet, offset);
	snprintf(line, sizeof(line), "%s (leased to this user)", address_format(&address, text));
	assert_value("address", line);
	assert_memory_equal(value("address6"), "fd00:203::", 10);
	conf_text = "[network default]\nsubnet = auto\nsubnet6 = none\n[profile p]\nmatch = *\n";
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(value("address"), "pam-netns up"));
	assert_memory_equal(value("subnet"), "auto: ", 6);
	assert_memory_equal(value("subnet6"), "none", 4);
}

static void test_active_user_keeps_recorded_values(void **state)
{
	struct user_state s = {.uplink = {.uid = 65534},
			       .user = "nobody",
			       .profile = "all",
			       .network = "default",
			       .namespaces = NAMESPACE_NET | NAMESPACE_UTS | NAMESPACE_MNT,
			       .hostname = "old-name"};
	int run = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(state_write(run, &s), 0);
	assert_value("hostname", "old-name");
	assert_null(value("active"));
	strcpy(s.network, "lab");
	assert_int_equal(state_write(run, &s), 0);
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(output, "in network lab by profile all"));
	strcpy(s.network, "default");
	strcpy(s.profile, "old");
	assert_int_equal(state_write(run, &s), 0);
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(output, "in network default by profile old"));
	strcpy(s.profile, "all");
	s.namespaces = NAMESPACE_NET | NAMESPACE_UTS;
	assert_int_equal(state_write(run, &s), 0);
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_non_null(strstr(output, "by profile all with namespaces net uts, "));
	close(run);
}

static void test_users_may_ask_about_themselves_only(void **state)
{
	(void)state;
	assert_int_equal(run_explain(NULL), STATUS_FINE);
	assert_memory_equal(output, "root (uid 0, ", 13);
	assert_int_equal(run_explain("no-such-user"), STATUS_FAILED);
	assert_string_equal(output, "");
	asking = 65534;
	assert_int_equal(run_explain(NULL), STATUS_FINE);
	assert_memory_equal(output, "nobody (", 8);
	assert_int_equal(run_explain("nobody"), STATUS_FINE);
	assert_int_equal(run_explain("root"), STATUS_FAILED);
	assert_string_equal(output, "");
	assert_non_null(strstr(log_last, "root"));
	asking = 4294967000U; /* a uid without a name */
	assert_int_equal(run_explain(NULL), STATUS_FAILED);
	assert_non_null(strstr(log_last, "4294967000"));
}

static void test_erroneous_conf_is_an_error(void **state)
{
	(void)state;
	conf_text = "nonsense\n";
	assert_int_equal(run_explain("nobody"), STATUS_FAILED);
	assert_string_equal(output, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_isolated_user_gets_each_line),
	    TEST(test_user_who_is_not_isolated_gets_few_lines),
	    TEST(test_user_without_profile_is_refused),
	    TEST(test_reason_of_the_match_is_named),
	    TEST(test_hostname_is_that_of_the_template),
	    TEST(test_private_directories_are_named_by_place),
	    TEST(test_egress_is_listed_in_order),
	    TEST(test_addresses_are_leased_or_preferred),
	    TEST(test_active_user_keeps_recorded_values),
	    TEST(test_users_may_ask_about_themselves_only),
	    TEST(test_erroneous_conf_is_an_error),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
