/*
 * Other programs' firewalls. The dumps in ruleset_foreign/ are the output of `nft list ruleset` with ufw
 * 0.36.2, firewalld 1.3.3 (without its mangle and nat chains), Docker's rules by iptables-nft 1.8.9, and
 * rules written by hand beside ours; "mended": after the reported commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/ruleset.h"

#define DUMPS "tests/unit/ruleset_foreign/"

static const struct network pnbr0 = {.bridge = "pnbr0"};

struct lines {
	char text[16][1024];
	int count;
};

static void collect(void *context, const char *what, const char *remedy)
{
	struct lines *lines = context;

	assert_true(lines->count < 16);
	snprintf(lines->text[lines->count++], sizeof(lines->text[0]), "%s: %s", what, remedy);
}

static char *read_dump(const char *name)
{
	char path[256];
	char *text = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), DUMPS "%s.nft", name);
	file = fopen(path, "r");
	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static struct lines forward(const char *dump)
{
	CLEANUP_FREE char *text = read_dump(dump);
	struct lines lines = {0};
	int count;

	count = ruleset_foreign(text, &pnbr0, 1, collect, &lines);
	assert_int_equal(count, lines.count);
	return lines;
}

static struct lines input(const char *dump, bool icmp, bool dns)
{
	struct network network = {.bridge = "pnbr0", .host_icmp = icmp, .host_dns = dns};
	CLEANUP_FREE char *text = read_dump(dump);
	struct lines lines = {0};
	int count;

	count = ruleset_foreign_input(text, &network, 1, collect, &lines);
	assert_int_equal(count, lines.count);
	return lines;
}

static void test_docker_drop_has_advice(void **state)
{
	struct lines lines = forward("docker20");

	(void)state;
	assert_int_equal(lines.count, 1);
	assert_string_equal(
	    lines.text[0],
	    "ip filter, chain FORWARD (Docker), drops traffic of pnbr0: "
	    "iptables -I DOCKER-USER -i pnbr0+ -j ACCEPT && "
	    "iptables -I DOCKER-USER -i pnbr0+ -o docker0 -j RETURN && "
	    "iptables -I DOCKER-USER -i pnbr0+ -o br-+ -j RETURN && iptables -I DOCKER-USER "
	    "-o pnbr0+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT # and at each boot: "
	    "ExecStartPost= of docker.service");
	lines = forward("docker28");
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.text[0], ": iptables -I DOCKER-USER -i pnbr0+ -j ACCEPT &&"));
	lines = forward("docker28_half");
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.text[0], ": iptables -I DOCKER-USER -o pnbr0+"));
	assert_int_equal(forward("docker28_mended").count, 0);
	assert_int_equal(input("docker28", true, true).count, 0);
}

static void test_ufw_drop_has_advice(void **state)
{
	struct lines lines = forward("ufw");

	(void)state;
	assert_int_equal(lines.count, 1); /* one command for both families */
	assert_string_equal(lines.text[0], "ip filter, chain FORWARD (ufw), drops traffic of "
					   "pnbr0: ufw route allow in on pnbr0+");
	assert_int_equal(forward("ufw_mended").count, 0);
	lines = input("ufw", true, true);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.text[0], ": ufw allow in on pnbr0+"));
	assert_int_equal(input("ufw_mended", true, true).count, 0);
	assert_int_equal(input("ufw", true, false).count, 0); /* ufw lets ping in */
}

static void test_firewalld_drop_has_advice(void **state)
{
	struct lines lines = forward("firewalld");

	(void)state;
	assert_int_equal(lines.count, 1);
	assert_string_equal(
	    lines.text[0],
	    "inet firewalld, chain filter_FORWARD (firewalld), drops traffic of pnbr0: "
	    "(firewall-cmd --permanent --info-zone=net-pnbr0 || "
	    "firewall-cmd --permanent --new-zone=net-pnbr0) >/dev/null 2>&1 && "
	    "firewall-cmd --permanent --zone=net-pnbr0 --add-interface=pnbr0+ && "
	    "(firewall-cmd --permanent --info-policy=out-pnbr0 || "
	    "firewall-cmd --permanent --new-policy=out-pnbr0) >/dev/null 2>&1 && "
	    "firewall-cmd --permanent --policy=out-pnbr0 --add-ingress-zone=net-pnbr0 && "
	    "firewall-cmd --permanent --policy=out-pnbr0 --add-egress-zone=ANY && "
	    "firewall-cmd --permanent --policy=out-pnbr0 --set-target=ACCEPT && "
	    "firewall-cmd --reload");
	assert_int_equal(forward("firewalld_mended").count, 0);
	lines = input("firewalld", false, true);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.text[0], "--new-zone=net-pnbr0) >/dev/null 2>&1 && "));
	assert_non_null(strstr(lines.text[0], "--zone=net-pnbr0 --set-target=ACCEPT"));
	assert_int_equal(input("firewalld_mended", true, true).count, 0);
	assert_int_equal(input("firewalld", true, false).count, 0);
}

static void test_plain_nft_drop_has_advice(void **state)
{
	struct lines lines = forward("plain");

	(void)state;
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.text[0],
			    "inet filter, chain forward, drops traffic of pnbr0: "
			    "nft 'insert rule inet filter forward iifname \"pnbr0*\" accept' && "
			    "nft 'insert rule inet filter forward oifname \"pnbr0*\" ct state "
			    "established,related accept' # and in the file that loads these rules");
	assert_string_equal(lines.text[1],
			    "ip6 other, chain routed, drops traffic of pnbr0: "
			    "nft 'insert rule ip6 other routed iifname \"pnbr0*\" accept' "
			    "# and in the file that loads these rules");
	assert_int_equal(forward("plain_mended").count, 0);
	lines = input("plain", true, true);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.text[0], "nft 'insert rule inet filter input iifname"));
	assert_int_equal(input("plain", true, false).count, 0);
	assert_int_equal(input("plain", false, false).count, 0);
	assert_int_equal(input("plain_mended", true, true).count, 0);
}

static void test_rule_for_first_bridge_leaves_others(void **state)
{
	static const char text[] = "table inet own {\n\tchain f {\n"
				   "\t\ttype filter hook forward priority 0; policy drop;\n"
				   "\t\tiifname \"pnbr0\" accept\n"
				   "\t\toifname { \"pnbr0\", \"pnbr0.1\" } accept\n\t}\n}\n";
	struct lines lines = {0};

	(void)state;
	assert_int_equal(ruleset_foreign(text, &pnbr0, 1, collect, &lines), 0);
	assert_int_equal(ruleset_foreign(text, &pnbr0, 2, collect, &lines), 1);
	assert_string_equal(
	    lines.text[0],
	    "inet own, chain f, drops traffic of pnbr0.1: nft 'insert rule inet own f "
	    "iifname \"pnbr0*\" accept' # and in the file that loads these rules");
	assert_int_equal(ruleset_foreign(text, &pnbr0, 3, collect, &lines), 1);
	assert_non_null(strstr(lines.text[1], "drops traffic of pnbr0.1: nft "));
	assert_non_null(strstr(lines.text[1], "oifname \"pnbr0*\" ct state"));
}

/* Each port that host_access allows. */
static void test_input_drop_is_found_port_by_port(void **state)
{
#define INPUT(rule)                                                                                \
	"table inet own {\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n"     \
	"\t\t" rule "\n\t}\n}\n"
	struct port_rule ports[] = {{.first = 22, .last = 22}, {.first = 80, .last = 80}};
	const struct network network = {
	    .bridge = "pnbr0", .host_ports = ports, .host_ports_count = 2, .host_dns = true};
	static const struct {
		const char *text;
		int reported;
	} cases[] = {
	    {INPUT("tcp dport 22 accept"), 1},
	    {INPUT("tcp dport { 22, 50-60, 80 } counter packets 0 bytes 0 accept"), 0},
	    {INPUT("tcp dport { 22, 53 } accept"), 1},
	    {INPUT("tcp dport 1-1024 accept"), 0},
	    {INPUT("tcp dport != 25 accept"), 1},
	    {INPUT("iifname \"lan0\" tcp dport { 22, 53, 80 } accept"), 1},
	    {INPUT("tcp dport { 22, 53, 80 } drop"), 1},
	    {INPUT("iifname \"pn*\" accept"), 0},
	    {INPUT("tcp sport 53 accept"), 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lines lines = {0};

		assert_int_equal(ruleset_foreign_input(cases[i].text, &network, 1, collect, &lines),
				 cases[i].reported);
	}
}

/* Each dump is cut at every 7th byte and at line ends. */
static void test_torn_dump_gives_an_answer(void **state)
{
	static const char *const names[] = {"docker20", "firewalld_mended", "plain", "ufw"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		CLEANUP_FREE char *text = read_dump(names[i]);

		for (size_t length = strlen(text); length > 6; length -= 7) {
			struct lines lines = {0};
			CLEANUP_FREE char *torn = strndup(text, length);

			assert_true(ruleset_foreign(torn, &pnbr0, 1, collect, &lines) >= 0);
		}
	}
}

static void test_dump_without_tables_has_no_findings(void **state)
{
	struct lines lines = {0};

	(void)state;
	assert_int_equal(ruleset_foreign("", &pnbr0, 1, collect, &lines), 0);
	assert_int_equal(ruleset_foreign("table", &pnbr0, 1, collect, &lines), 0);
	assert_int_equal(
	    ruleset_foreign("table ip x {\n\tchain y {\n\t\t\"", &pnbr0, 1, collect, &lines), 0);
	assert_int_equal(ruleset_foreign("}\n}\nchain x {\n", &pnbr0, 1, collect, &lines), 0);
}

/* A message needs a name. nft prints no such table, but a damaged dump may have one. */
static void test_chain_without_name_has_no_finding(void **state)
{
#define DROPPING "\t\ttype filter hook forward priority 0; policy drop;\n\t\tjump y\n"
#define TABLE(name, chain)                                                                         \
	"table inet" name "\n{\n\tchain" chain "\n\t{\n" DROPPING "\t}\n"                          \
	"\tchain y {\n\t\tdrop\n\t}\n}\n"
	struct lines lines = {0};

	(void)state;
	assert_int_equal(ruleset_foreign(TABLE(" t", " x"), &pnbr0, 1, collect, &lines), 1);
	assert_int_equal(ruleset_foreign(TABLE("", " x"), &pnbr0, 1, collect, &lines), 0);
	assert_int_equal(ruleset_foreign(TABLE(" t", ""), &pnbr0, 1, collect, &lines), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_docker_drop_has_advice),
	    cmocka_unit_test(test_ufw_drop_has_advice),
	    cmocka_unit_test(test_firewalld_drop_has_advice),
	    cmocka_unit_test(test_plain_nft_drop_has_advice),
	    cmocka_unit_test(test_torn_dump_gives_an_answer),
	    cmocka_unit_test(test_dump_without_tables_has_no_findings),
	    cmocka_unit_test(test_chain_without_name_has_no_finding),
	    cmocka_unit_test(test_rule_for_first_bridge_leaves_others),
	    cmocka_unit_test(test_input_drop_is_found_port_by_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
