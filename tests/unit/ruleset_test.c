/*
 * The rules as text. With arguments: prints the text of a ruleset for ruleset_nft.sh, see
 * print_ruleset().
 */
#include "ruleset_make.h"

#include <errno.h>

#include "base/log.h"

static void test_rules_replace_our_tables_at_once(void **state)
{
	struct fixture f = {0};
	CLEANUP_FREE char *text = NULL;

	(void)state;
	text = text_of(&f);
	assert_true(!strncmp(text,
			     "add table inet pam_netns\ndelete table inet pam_netns\n"
			     "add table bridge pam_netns\ndelete table bridge pam_netns\n"
			     "table inet pam_netns {\n",
			     strlen("add table inet pam_netns\ndelete table inet pam_netns\n"
				    "add table bridge pam_netns\ndelete table bridge pam_netns\n"
				    "table inet pam_netns {\n")));
	assert_lacks(text, "flush");
	assert_lacks(text, "{\n\t\t}"); /* nft takes no empty list */
	assert_lacks(text, "elements");
}

static void test_same_networks_give_same_text(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *first = NULL;
	CLEANUP_FREE char *second = NULL;

	(void)state;
	set_up_three(&f);
	first = text_of(&f);
	set_up_three(&f);
	second = text_of(&f);
	assert_string_equal(first, second);
	assert_lacks(first, "counter");
}

static void test_guard_has_port_mac_and_addresses(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text, "set guard4 {\n\t\ttype ifname . ether_addr . ipv4_addr\n"
			 "\t\telements = {\n\t\t\t\"pnua.1\" . 02:6e:0a:cb:00:02 . 10.203.0.2,\n");
	assert_has(text, "\"pnuc.1\" . 02:6e:0a:cc:00:03 . fd00:204::3\n\t\t}\n");
	assert_lacks(text, "\"pnud.1\" . 02:6e:0a:cd:00:02 . fd"); /* no IPv6: no element */
	assert_has(text, "\t\tether type ip iifname . ether saddr . ip saddr @guard4 accept\n"
			 "\t\tether type ip6 iifname . ether saddr . ip6 saddr @guard6 accept\n"
			 "\t\tdrop\n");
}

static void test_networks_have_their_own_chains(void **state)
{
	struct fixture f;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	set_up_three(&f);
	text = text_of(&f);
	assert_has(text, "\t\t\t\"pnbr0\" : jump from_default,\n"
			 "\t\t\t\"pnbr0.1\" : jump from_default,\n"
			 "\t\t\t\"lab\" : jump from_0-lab_x-,\n"
			 "\t\t\t\"br-third\" : jump from_third\n");
	assert_has(text, "\tset bridges_default {\n\t\ttype ifname; flags constant\n"
			 "\t\telements = {\n\t\t\t\"pnbr0\",\n\t\t\t\"pnbr0.1\"\n\t\t}\n\t}\n");
	assert_has(text, "\tchain from_default {\n"
			 "\t\tct state related meta l4proto { icmp, icmpv6 } goto icmp_error\n"
			 "\t\tct state invalid,untracked drop\n");
	assert_has(text, "\t\tct state established accept\n"
			 "\t\tct state related iifname != @bridges accept\n");
	assert_has(text, "\tchain peers_default {\n\t\t" DENIED "\t}\n");
	assert_has(text, "\tchain peers_third {\n\t\tgoto admit_third\n\t}\n");
	assert_has(text, "\tchain admit_default {\n\t\tct status confirmed accept\n"
			 "\t\tupdate @new_connections { ether saddr timeout 60s limit rate "
			 "50/second burst 2000 packets } goto count_default\n\t\tdrop\n\t}\n");
	assert_has(text, "timeout 2001s limit rate 1/second burst 2000 packets");
	assert_has(text, "\tchain admit_third {\n\t\tct status confirmed accept\n"
			 "\t\tadd @conn4 { ip saddr ct count 7 } accept\n"
			 "\t\tadd @conn6 { ip6 saddr ct count 7 } accept\n\t\t" DENIED "\t}\n");
}

static void ignore_log(void *context, int level, const char *text)
{
	(void)context, (void)level, (void)text;
}

static void test_bridge_name_beyond_limit_is_refused(void **state)
{
	const char *first = "abcdefghijklm";
	char name[IFNAMSIZ];
	struct fixture f = {0};

	(void)state;
	log_set_sink(ignore_log, NULL);
	assert_int_equal(ruleset_bridge_name(first, 0, name), 0);
	assert_string_equal(name, "abcdefghijklm");
	assert_int_equal(ruleset_bridge_name(first, 9, name), 0);
	assert_string_equal(name, "abcdefghijklm.9");
	assert_int_equal(ruleset_bridge_name(first, 10, name), -ENAMETOOLONG);

	set_network(&f, 0, "n", "abcdefghijklm", "10.0.0.0/24", NULL);
	f.networks[0].bridges = 11;
	CLEANUP_FILE FILE *out = fopen("/dev/null", "w");
	assert_int_equal(ruleset_write(out, &f.ruleset), -ENAMETOOLONG);
	log_set_sink(NULL, NULL);
}

static void test_write_failure_is_an_error(void **state)
{
	struct fixture f = {0};
	CLEANUP_FILE FILE *out = fopen("/dev/full", "w");

	(void)state;
	log_set_sink(ignore_log, NULL);
	assert_non_null(out);
	assert_int_equal(ruleset_write(out, &f.ruleset), -EIO);
	assert_int_equal(ruleset_write_removal(out), -EIO);
	log_set_sink(NULL, NULL);
}

/* Sets "key=value" of the first network; the other words have no value. */
static void apply_option(struct fixture *f, const char *option)
{
	struct network *conf = &f->conf[0];

	if (!strcmp(option, "peers=yes") || !strcmp(option, "peers=group"))
		conf->peers = !strcmp(option, "peers=yes") ? PEERS_YES : PEERS_GROUP;
	else if (!strcmp(option, "egress=list"))
		set_egress_list(conf);
	else if (!strcmp(option, "egress=none"))
		conf->egress_count = 0;
	else if (!strcmp(option, "host=none"))
		conf->host_icmp = conf->host_dns = false;
	else if (!strcmp(option, "host=all"))
		conf->host_all = true;
	else if (!strcmp(option, "host=ports"))
		conf->host_ports = host_ports, conf->host_ports_count = 2;
	else if (!strcmp(option, "nat=no"))
		conf->nat = false;
	else if (!strcmp(option, "nat=address"))
		conf->nat_address = address_of("198.51.100.9");
	else if (!strncmp(option, "max=", 4))
		conf->max_connections = (unsigned)atoi(option + 4);
	else if (!strncmp(option, "new=", 4))
		conf->new_connections = conf->new_connections_burst = (unsigned)atoi(option + 4);
	else if (!strcmp(option, "alone"))
		f->ruleset.forward_ours_alone = f->ruleset.forward_ours_alone6 = true;
	else
		abort();
}

/* Users a and b (one group) and c (another) on network one with two bridges, d on two. */
static void set_up_live(struct fixture *f)
{
	*f = (struct fixture){0};
	set_network(f, 0, "1-one", "pnbr0", "10.203.0.0/24", "fd00:203::/64");
	f->networks[0].bridges = 2;
	set_network(f, 1, "two", "pntwo", "10.204.0.0/24", "fd00:204::/64");
	f->conf[1].peers = PEERS_YES;
	f->ruleset.nat_ports = (struct nat_ports){1024, 32767};
	set_uplink(f, 0, "pnua.1", 0, "10.203.0.2", "fd00:203::2", 1000);
	set_uplink(f, 1, "pnub.1", 0, "10.203.0.3", "fd00:203::3", 1000);
	set_uplink(f, 2, "pnuc.1", 0, "10.203.0.4", "fd00:203::4", 1001);
	set_uplink(f, 3, "pnud.1", 1, "10.204.0.2", "fd00:204::2", 1000);
}

/* count uplinks on one network, as after as many logins. */
static int print_many(unsigned count)
{
	struct uplink *uplinks = calloc(count, sizeof(*uplinks));
	const struct uplink **list = calloc(count, sizeof(const struct uplink *));
	struct prefix subnet = prefix_of("10.203.0.0/16");
	struct fixture f;
	int err;

	if (!uplinks || !list)
		return 1;
	set_up_live(&f);
	for (unsigned i = 0; i < count; i++) {
		uplinks[i] = f.uplinks[0];
		snprintf(uplinks[i].port, sizeof(uplinks[i].port), "pnu%u.1", i);
		uplinks[i].address = prefix_address(&subnet, i + 2);
		uplinks[i].address6 = prefix_address(&f.networks[0].subnet6, i + 2);
		uplinks[i].mac = address_mac(&uplinks[i].address);
		list[i] = &uplinks[i];
	}
	f.ruleset.uplinks = list;
	f.ruleset.uplinks_count = count;
	err = ruleset_write(stdout, &f.ruleset);
	free(list);
	free(uplinks);
	return err != 0;
}

/* three | empty | removal | many COUNT | live OPTION... */
static int print_ruleset(int argc, char **argv)
{
	struct fixture f = {0};

	if (!strcmp(argv[1], "removal"))
		return ruleset_write_removal(stdout) != 0;
	if (!strcmp(argv[1], "many") && argc == 3)
		return print_many((unsigned)atoi(argv[2]));
	if (!strcmp(argv[1], "three"))
		set_up_three(&f);
	else if (!strcmp(argv[1], "live"))
		set_up_live(&f);
	else if (strcmp(argv[1], "empty") != 0)
		return 2;
	for (int i = 2; i < argc; i++)
		apply_option(&f, argv[i]);
	return ruleset_write(stdout, &f.ruleset) != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules_replace_our_tables_at_once),
	    cmocka_unit_test(test_same_networks_give_same_text),
	    cmocka_unit_test(test_guard_has_port_mac_and_addresses),
	    cmocka_unit_test(test_networks_have_their_own_chains),
	    cmocka_unit_test(test_bridge_name_beyond_limit_is_refused),
	    cmocka_unit_test(test_write_failure_is_an_error),
	};

	if (argc > 1)
		return print_ruleset(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
