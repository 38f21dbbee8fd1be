/* pam-netns doctor and check: the output and count of findings, and the checks that run for each user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/types.h>

#include "output.h"

#include "../../cli/command.h"
#include "../../cli/doctor/doctor.h"
#include "../../cli/kernel.h"

/* The test's findings of each check, by its id, and counts. */
static struct {
	uid_t uid;
	bool host_refused, conf_bad;
	const char *id; /* the check that has findings */
	void (*report)(struct doctor *doctor);
	unsigned ran;
	char ids[1024]; /* of the checks that ran, " ID ID " */
} world;

static struct conf conf;

static void check(struct doctor *doctor)
{
	size_t used = strlen(world.ids);

	world.ran++;
	snprintf(world.ids + used, sizeof(world.ids) - used, "%s ", doctor->id);
	if (world.id && strcmp(world.id, doctor->id) == 0)
		world.report(doctor);
}

#define CHECK(name)                                                                                \
	void doctor_##name(struct doctor *doctor)                                                  \
	{                                                                                          \
		check(doctor);                                                                     \
	}
CHECK(policy)
CHECK(paths)
CHECK(root)
CHECK(kernel)
CHECK(locked)
CHECK(propagation)
CHECK(installed)
CHECK(pam)
CHECK(sshd)
CHECK(services)
CHECK(mail)
CHECK(web)
CHECK(resolver)
CHECK(sudoers)
CHECK(ipv6)
CHECK(subnet)
CHECK(overlap)
CHECK(firewall)
CHECK(rules)
CHECK(forwarding)
CHECK(managed)
CHECK(live)
CHECK(cgroup)
CHECK(authselect)
CHECK(kerberos)
CHECK(linger)
CHECK(selinux)
CHECK(modules)
CHECK(space)
CHECK(records)
CHECK(sysctl)
CHECK(limits)
CHECK(nat)
CHECK(userns)
CHECK(leases)
CHECK(outside)

void doctor_conf(struct doctor *doctor)
{
	doctor->conf = world.conf_bad ? NULL : &conf;
	check(doctor);
}

bool kernel_host_enter(void)
{
	return !world.host_refused;
}

#define geteuid()	world.uid
#define conf_free(conf) (void)(conf)

#include "../../cli/doctor/doctor.c"
#include "../../cli/doctor/finding.c"
#include "../../cli/text.c"

#undef geteuid

#define CHECKS (sizeof(checks) / sizeof(*checks))

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	strcpy(world.ids, " ");
	return 0;
}

static int doctor_run_as(bool json)
{
	const struct arguments arguments = {.json = json};
	int status;

	strcpy(world.ids, " ");
	world.ran = 0;
	output_of(status = command_doctor(&arguments));
	assert_string_equal(output_error, "");
	return status;
}

/* Runs `pam-netns check`; returns its number of problems. */
static unsigned check_run_as(void)
{
	struct doctor doctor = {.format = FORMAT_CHECK};

	output_of(doctor_run(&doctor));
	return doctor.problems;
}

static size_t count(const char *text, const char *word)
{
	size_t found = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		found++;
	return found;
}

static bool checked(const char *id)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", id);
	return strstr(world.ids, word) != NULL;
}

static void test_sound_host_has_no_findings(void **state)
{
	(void)state;
	assert_int_equal(doctor_run_as(false), 0);
	assert_int_equal(world.ran, CHECKS);
	assert_memory_equal(output, "ok   conf: ", 11);
	assert_int_equal(count(output, "ok   "), CHECKS);
	assert_non_null(strstr(output, "\nno problem, 0 warnings\n"));
	assert_int_equal(count(output, "\n"), CHECKS + 1);
	assert_int_equal(check_run_as(), 0);
	assert_string_equal(output, "ok\n");
}

/* Each check has a text for a sound host. */
static void test_ids_are_stable_and_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHECKS; i++) {
		assert_int_equal(strspn(checks[i].id, "abcdefghijklmnopqrstuvwxyz6"),
				 strlen(checks[i].id));
		assert_true(strlen(checks[i].fine) > 0);
		assert_null(strstr(checks[i].fine, ARROW));
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(checks[i].id, checks[k].id);
			assert_ptr_not_equal(checks[i].run, checks[k].run);
		}
	}
	/* The conf file is read before the first check that needs it. */
	assert_string_equal(checks[0].id, "conf");
}

static void test_checks_of_root_are_skipped_for_users(void **state)
{
	(void)state;
	world.uid = 2001;
	assert_int_equal(doctor_run_as(false), 0);
	for (size_t i = 0; i < CHECKS; i++)
		assert_int_equal(checked(checks[i].id), !(checks[i].needs & NEEDS_ROOT));
	assert_int_equal(count(output, "\nskip "), CHECKS - world.ran);
	assert_string_equal(
	    world.ids, " conf kernel modules installed pam authselect services mail web policy "
		       "kerberos linger locked sysctl userns leases space ");
	assert_int_equal(count(output, "\n"), CHECKS + 1);
	assert_int_equal(check_run_as(), 0);
	assert_memory_equal(output, "note: ", 6);
	assert_int_equal(count(output, "\n"), 2);
}

static void test_bad_conf_skips_dependent_checks(void **state)
{
	(void)state;
	world.conf_bad = true;
	assert_int_equal(doctor_run_as(false), 0);
	for (size_t i = 0; i < CHECKS; i++)
		assert_int_equal(checked(checks[i].id), !(checks[i].needs & NEEDS_CONF));
	assert_int_equal(count(output, "\nskip "), CHECKS - world.ran);
	assert_true(checked("pam") && !checked("policy"));
}

static void test_unreachable_host_skips_its_checks(void **state)
{
	(void)state;
	world.host_refused = true;
	assert_int_equal(doctor_run_as(false), 1);
	assert_memory_equal(output, "warn overlap: ", 14);
	world.uid = 2001; /* the host is not entered */
	assert_int_equal(doctor_run_as(false), 0);
}

static void report_one_of_each(struct doctor *doctor)
{
	doctor_problem(doctor, "%s is broken -> mend %s", "it", "it");
	doctor_warning(doctor, "old");
	doctor_note(doctor, "so it is");
	doctor_at(doctor, LEVEL_PROBLEM, "/etc/a b", 7, "bad -> take it out -> twice");
	doctor_at(doctor, LEVEL_WARNING, "/etc/c", 0, "whole file");
}

static void test_findings_are_lines_with_ids(void **state)
{
	(void)state;
	world.id = "nat";
	world.report = report_one_of_each;
	assert_int_equal(doctor_run_as(false), 2);
	assert_non_null(strstr(output, "\nFAIL nat: it is broken -> mend it\n"
				       "warn nat: old\n"
				       "note nat: so it is\n"
				       "FAIL nat: /etc/a b:7: bad -> take it out -> twice\n"
				       "warn nat: /etc/c: whole file\n"));
	assert_null(strstr(output, "ok   nat")); /* not both lines */
	assert_non_null(strstr(output, "\n2 problems, 2 warnings\n"));
	assert_int_equal(check_run_as(), 2);
	assert_string_equal(output, "problem: it is broken: mend it\n"
				    "warning: old\n"
				    "note: so it is\n"
				    "problem: /etc/a b:7: bad: take it out -> twice\n"
				    "warning: /etc/c: whole file\n"
				    "2 problems, 2 warnings\n");
}

static void report_warning(struct doctor *doctor)
{
	doctor_warning(doctor, "old");
}

static void report_problem(struct doctor *doctor)
{
	doctor_problem(doctor, "bad");
}

static void report_note(struct doctor *doctor)
{
	doctor_note(doctor, "so it is");
}

static void test_exit_status_follows_the_worst_finding(void **state)
{
	(void)state;
	world.id = "live";
	world.report = report_note;
	assert_int_equal(doctor_run_as(false), 0);
	assert_int_equal(doctor_run_as(true), 0);
	world.report = report_warning;
	assert_int_equal(doctor_run_as(false), 1);
	assert_non_null(strstr(output, "\nno problem, 1 warning\n"));
	assert_int_equal(doctor_run_as(true), 1);
	assert_int_equal(check_run_as(), 0);
	assert_string_equal(output, "warning: old\nok, with 1 warning\n");
	world.report = report_problem;
	assert_int_equal(doctor_run_as(false), 2);
	assert_non_null(strstr(output, "\n1 problem, 0 warnings\n"));
	assert_int_equal(doctor_run_as(true), 2);
}

static void test_json_has_each_field(void **state)
{
	(void)state;
	world.id = "conf";
	world.report = report_one_of_each;
	assert_int_equal(doctor_run_as(true), 2);
	assert_memory_equal(output, "[{", 2);
	assert_non_null(strstr(
	    output, "[{\"id\":\"conf\",\"level\":\"problem\",\"file\":null,\"line\":null,"
		    "\"what\":\"it is broken\",\"remedy\":\"mend it\"},\n"
		    "{\"id\":\"conf\",\"level\":\"warning\",\"file\":null,\"line\":null,"
		    "\"what\":\"old\",\"remedy\":null},\n"
		    "{\"id\":\"conf\",\"level\":\"note\",\"file\":null,\"line\":null,"
		    "\"what\":\"so it is\",\"remedy\":null},\n"
		    "{\"id\":\"conf\",\"level\":\"problem\",\"file\":\"/etc/a b\",\"line\":7,"
		    "\"what\":\"bad\",\"remedy\":\"take it out -> twice\"},\n"
		    "{\"id\":\"conf\",\"level\":\"warning\",\"file\":\"/etc/c\",\"line\":null,"
		    "\"what\":\"whole file\",\"remedy\":null},\n"
		    "{\"id\":\"kernel\",\"level\":\"ok\","));
	assert_int_equal(count(output, "{\"id\":"), CHECKS - 1 + 5);
	assert_string_equal(output + strlen(output) - 3, "}]\n");

	world.uid = 2001;
	assert_int_equal(doctor_run_as(true), 2);
	assert_non_null(strstr(output, "\"level\":\"skipped\""));
}

static void report_hostile(struct doctor *doctor)
{
	doctor_at(doctor, LEVEL_WARNING, "/etc/\033[2J\n", 1, "%s -> rm \"%s\"", "a\xc2\x9bz\xff",
		  "x\t\\");
}

/* T43: names in findings have no effect in a terminal or in JSON. */
static void test_t43_findings_are_printed_without_controls(void **state)
{
	(void)state;
	world.id = "web";
	world.report = report_hostile;
	assert_int_equal(doctor_run_as(false), 1);
	assert_non_null(strstr(output, "\nwarn web: /etc/?[2J?:1: a?z? -> rm \"x?\\\"\n"));
	assert_int_equal(doctor_run_as(true), 1);
	assert_non_null(strstr(output, "\"file\":\"/etc/\\u001b[2J\\u000a\",\"line\":1,"
				       "\"what\":\"a\\u009bz\\ufffd\","
				       "\"remedy\":\"rm \\\"x\\u0009\\\\\\\"\"}"));
}

#define TEXT_LONG 5000

static void report_long(struct doctor *doctor)
{
	static char text[TEXT_LONG + 1];

	memset(text, 'x', TEXT_LONG);
	doctor_problem(doctor, "%s -> %s", text, text);
}

static void test_long_finding_is_whole(void **state)
{
	(void)state;
	world.id = "web";
	world.report = report_long;
	assert_int_equal(doctor_run_as(true), 2);
	assert_int_equal(strspn(strstr(output, "xxx"), "x"), TEXT_LONG);
	assert_int_equal(strspn(strstr(output, "\"remedy\":\"x") + strlen("\"remedy\":\""), "x"),
			 TEXT_LONG);
	assert_string_equal(output + strlen(output) - 3, "}]\n");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_sound_host_has_no_findings),
	    TEST(test_ids_are_stable_and_unique),
	    TEST(test_checks_of_root_are_skipped_for_users),
	    TEST(test_bad_conf_skips_dependent_checks),
	    TEST(test_unreachable_host_skips_its_checks),
	    TEST(test_findings_are_lines_with_ids),
	    TEST(test_exit_status_follows_the_worst_finding),
	    TEST(test_json_has_each_field),
	    TEST(test_t43_findings_are_printed_without_controls),
	    TEST(test_long_finding_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
