/* The policy of the conf file as rules. */
#include "ruleset_make.h"

#define WITH_PORTS "oifname != @bridges meta l4proto { tcp, udp, sctp } "
#define ICMP	   "oifname != @bridges meta l4proto icmp "
#define TRANSLATED                                                                                 \
	"\t\tmeta nfproto ipv4 meta l4proto != { tcp, udp, sctp, icmp } " DENIED                   \
	"\t\tmeta nfproto ipv6 meta l4proto != { tcp, udp, sctp, icmpv6 } " DENIED
#define ICMP6 "oifname != @bridges meta l4proto icmpv6 "

static void test_nat_becomes_rules(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text,
		   "\t\tip saddr 10.203.0.0/16 " WITH_PORTS "masquerade to :1024-32767\n"
		   "\t\tip saddr 10.203.0.0/16 " ICMP "masquerade to :1024-8959\n"
		   "\t\tip6 saddr fd00:203::/64 " WITH_PORTS "masquerade to :1024-32767\n"
		   "\t\tip6 saddr fd00:203::/64 " ICMP6 "masquerade to :1024-8959\n"
		   "\t\tip saddr 10.204.0.0/24 " WITH_PORTS "snat ip to 198.51.100.9:1024-32767\n"
		   "\t\tip saddr 10.204.0.0/24 " ICMP "snat ip to 198.51.100.9:1024-8959\n"
		   "\t\tip6 saddr fd00:204::/64 " WITH_PORTS
		   "snat ip6 to [2001:db8:99::9]:1024-32767\n"
		   "\t\tip6 saddr fd00:204::/64 " ICMP6 "snat ip6 to [2001:db8:99::9]:1024-8959\n"
		   "\t}\n");
	assert_lacks(text, "saddr 10.205.0.0/24 oifname"); /* nat = no */
}

static void test_egress_becomes_rules_in_order(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text,
		   "\tchain egress_default {\n" TRANSLATED "\t\tgoto leave_default\n\t\t" DENIED);
	assert_has(text, "\tchain egress_third {\n\t\t" DENIED "\t}\n");
	assert_has(text,
		   "\tchain egress_0-lab_x- {\n" TRANSLATED "\t\tip daddr 198.51.100.2/32 " DENIED
		   "\t\tip daddr 198.51.100.0/24 tcp dport 7001-7002 goto leave_0-lab_x-\n"
		   "\t\tmeta l4proto tcp " DENIED
		   "\t\tip6 daddr 2001:db8:99::/64 goto leave_0-lab_x-\n"
		   "\t\t" DENIED "\t}\n");
}

static void test_egress_covers_each_form_of_entry(void **state)
{
	struct egress_rule rules[] = {
	    {.allow = true, .destination = prefix_of("0.0.0.0/0")},
	    {.allow = true, .port = {IPPROTO_UDP, 53, 53}, .destination = prefix_of("::/0")},
	    {.allow = false, .port = {0, 25, 26}},
	    {.allow = true, .port = {IPPROTO_UDP, 0, 0}},
	    {.allow = true, .port = {0, 0, 65535}},
	};
	struct fixture f = {0};
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_network(&f, 0, "n", "br", "10.0.0.0/24", NULL);
	f.conf[0].egress = rules;
	f.conf[0].egress_count = 5;
	text = text_of(&f);
	assert_has(text, "\t\tmeta nfproto ipv4 goto leave_n\n"
			 "\t\tmeta nfproto ipv6 udp dport 53 goto leave_n\n"
			 "\t\tmeta l4proto { tcp, udp } th dport 25-26 " DENIED
			 "\t\tmeta l4proto udp goto leave_n\n"
			 "\t\tgoto leave_n\n");
}

static void test_host_access_becomes_rules(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_up_three(&f);
	f.conf[0].host_icmp = f.conf[0].host_dns = false;
	text = text_of(&f);
	assert_has(text, "\tchain host_default {\n\t\tct state established accept\n"
			 "\t\tct state related meta l4proto { icmp, icmpv6 } goto icmp_error\n"
			 "\t\tct state invalid drop\n\t\t" DENIED "\t}\n");
	assert_has(text, "\t\ticmp type echo-request goto admit_0-lab_x-\n"
			 "\t\ticmpv6 type echo-request goto admit_0-lab_x-\n"
			 "\t\tmeta l4proto { tcp, udp } th dport 53 goto admit_0-lab_x-\n"
			 "\t\ttcp dport 22 goto admit_0-lab_x-\n"
			 "\t\tudp dport 6000-6010 goto admit_0-lab_x-\n"
			 "\t\t" DENIED);
	assert_has(text, "\t\tct state invalid drop\n\t\tgoto admit_third\n");
}

static void test_groups_become_sets(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *without = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text, "\tmap group4 {\n\t\ttype ipv4_addr : mark\n\t\telements = {\n"
			 "\t\t\t10.204.0.2 : 1000,\n\t\t\t10.204.0.3 : 0\n\t\t}\n\t}\n");
	assert_has(text, "\tset member6 {\n\t\ttype ipv6_addr . mark\n\t\telements = {\n"
			 "\t\t\tfd00:204::2 . 1000,\n\t\t\tfd00:204::3 . 0\n\t\t}\n\t}\n");
	f.conf[1].peers = PEERS_NO;
	without = text_of(&f);
	assert_lacks(without, "group4");
	assert_lacks(without, ": mark");
	assert_lacks(without, ". mark");
	assert_lacks(without, "4294967295");
}

static void test_forwarding_for_ours_alone_drops_the_rest(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *alone = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text, "\t\toifname @bridges drop\n\t}\n");
	f.ruleset.forward_ours_alone = true;
	alone = text_of(&f);
	assert_has(alone, "\t\toifname @bridges drop\n\t\tmeta nfproto ipv4 drop\n\t}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nat_becomes_rules),
	    cmocka_unit_test(test_egress_becomes_rules_in_order),
	    cmocka_unit_test(test_egress_covers_each_form_of_entry),
	    cmocka_unit_test(test_host_access_becomes_rules),
	    cmocka_unit_test(test_groups_become_sets),
	    cmocka_unit_test(test_forwarding_for_ours_alone_drops_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
