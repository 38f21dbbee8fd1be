/* Values of valid conf files. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "conf_parse.h"

static void test_missing_keys_have_defaults(void **state)
{
	struct conf *conf = parse_good(SMALL);
	const struct network *network = &conf->networks[0];
	const struct profile *profile = &conf->profiles[0];

	(void)state;
	assert_false(conf->on_error_host);
	assert_int_equal(conf->deadline_ms, 10000);
	assert_int_equal(conf->log, CONF_LOG_ALL);
	assert_int_equal(conf->services_exempt_count, 7);
	assert_true(conf_service_exempt(conf, "gdm-password"));
	assert_true(conf_service_exempt(conf, "proftpd"));
	assert_true(conf_service_exempt(conf, "LightDM"));
	assert_false(conf_service_exempt(conf, "sshd"));
	assert_string_equal(network->name, "default");
	assert_string_equal(network->bridge, "pnbr0");
	assert_int_equal(network->subnet_source, SOURCE_GIVEN);
	assert_int_equal(network->subnet.length, 16);
	assert_int_equal(network->subnet6_source, SOURCE_AUTO);
	assert_true(network->nat);
	assert_int_equal(network->nat_address.family, 0);
	assert_int_equal(network->peers, PEERS_NO);
	assert_false(network->host_all);
	assert_true(network->host_icmp && network->host_dns);
	assert_int_equal(network->host_ports_count, 0);
	assert_int_equal(network->egress_count, 1);
	assert_true(network->egress[0].allow);
	assert_int_equal(network->egress[0].port.protocol, 0);
	assert_int_equal(network->egress[0].destination.address.family, 0);
	assert_int_equal(network->dns, SOURCE_AUTO);
	assert_int_equal(network->mtu, 0);
	assert_int_equal(network->max_connections, 4096);
	assert_int_equal(network->new_connections, 50);
	assert_int_equal(network->new_connections_burst, 2000);
	assert_int_equal(conf_network_entries(network), 16192);
	assert_int_equal(network->ports_per_bridge, 128);
	assert_false(network->lock_required);
	assert_true(profile->isolate);
	assert_ptr_equal(profile->network, network);
	assert_int_equal(profile->namespaces, NAMESPACE_NET | NAMESPACE_MNT | NAMESPACE_UTS);
	assert_string_equal(profile->hostname, "%h");
	assert_int_equal(profile->private_count, 3);
	assert_string_equal(profile->private_dirs[2], "/dev/shm");
	assert_int_equal(profile->private_percent, 0);
	assert_int_equal(profile->private_bytes, 0);
	assert_int_equal(profile->private_exec, EXEC_AUTO);
	assert_int_equal(profile->processes, PROCESSES_ALL);
	assert_null(profile->watchers);
	assert_int_equal(profile->hide.count, 0);
	assert_int_equal(profile->linger, LINGER_PROCESSES);
	assert_false(profile->net_admin);
	assert_false(profile->low_ports);
	conf_free(conf);
	conf_free(NULL);
}

static char *shipped_text(size_t *size)
{
	FILE *file = fopen("conf/pam_netns.conf", "re");
	char *text = calloc(1, CONF_SIZE_MAX);

	assert_non_null(file);
	*size = fread(text, 1, CONF_SIZE_MAX, file);
	fclose(file);
	assert_true(*size > 1000);
	return text;
}

static void test_shipped_file_has_the_defaults(void **state)
{
	size_t size;
	char *text = shipped_text(&size);
	struct conf *conf = parse_good(text), *bare = parse_good(SMALL);
	struct network network = conf->networks[0];
	struct profile profile = conf->profiles[1];

	(void)state;
	assert_int_equal(conf->networks_count, 1);
	assert_int_equal(conf->profiles_count, 2);
	assert_false(conf->profiles[0].isolate);
	assert_null(conf->profiles[0].network);
	assert_int_equal(conf->profiles[0].nested, NESTED_STAY);
	network.egress = bare->networks[0].egress;
	network.host_ports = bare->networks[0].host_ports;
	assert_memory_equal(&network, &bare->networks[0], sizeof(network));
	assert_string_equal(profile.name, "default");
	strcpy(profile.name, "all");
	memset(profile.name + 4, 0, sizeof(profile.name) - 4);
	profile.match = bare->profiles[0].match;
	profile.private_dirs = bare->profiles[0].private_dirs;
	profile.network = bare->profiles[0].network;
	assert_memory_equal(&profile, &bare->profiles[0], sizeof(profile));
	assert_int_equal(conf->deadline_ms, bare->deadline_ms);
	assert_int_equal(conf->services_exempt_count, bare->services_exempt_count);
	for (size_t i = 0; i < conf->services_exempt_count; i++)
		assert_string_equal(conf->services_exempt[i], bare->services_exempt[i]);
	conf_free(conf);
	conf_free(bare);
	free(text);
}

/* A truncated file has the values of its complete lines, or is refused. */
static void test_truncated_file_is_valid_or_refused(void **state)
{
	size_t size;
	char *text = shipped_text(&size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		/* The text has its own allocation, so that ASan finds a read beyond its end. */
		char *part = malloc(cut ? cut : 1);
		struct conf *conf;
		int error;

		memcpy(part, text, cut);
		error = parse_size(part, cut, &conf);
		if (cut && text[cut - 1] != '\n')
			assert_int_equal(error, -EINVAL);
		assert_true(error ? !conf && *logged : conf && !*logged);
		conf_free(conf);
		free(part);
	}
	free(text);
}

/* Each key has another value than its default. */
static const char other_values[] =
    "[defaults]\r\non_error = host ; comment\r\ndeadline=1500ms\nlog = logins\n"
    "services_exempt = none\n"
    "[ network   lab ]\nbridge = lab.x\nsubnet = auto\nsubnet6 = fd00:1::/112\n"
    "nat = 192.0.2.1, 2001:db8::1\npeers = group\n"
    "host_access = tcp/22 udp/60000-61000 icmp\n"
    "egress = deny tcp/25, ; mail\n\n# comment\n\tallow udp/53-54 10.0.0.0/8,\n"
    "    deny fd00::/8, allow 192.0.2.7, deny\n"
    "dns = 192.0.2.53, 2001:db8::53\nmtu = 1280\nmax_connections = 1000000\n"
    "new_connections = 7/second burst 9\nports_per_bridge = 1\nlocked = required\n"
    "[network v4]\nbridge = lab\nsubnet = 10.0.0.0/8\nsubnet6 = none\nnat = no\n"
    "host_access = all\negress = none\ndns = none\nmtu = 65535\npeers = yes\nnew_connections = "
    "none\n"
    "[profile a]\nmatch = root\nisolate = no\nnested = host\n"
    "[profile b]\nmatch = @lab\nnetwork = lab\nnamespaces = uts net\nhostname = %u-%h.lab\n"
    "linger = no\nlow_ports = yes\nnet_admin = yes\n"
    "[profile c]\nmatch = *\nnetwork = v4\nnamespaces = mnt,net\n"
    "private = /tmp /srv/scratch\nprivate_size = 512M\nprivate_exec = yes\nprocesses = own "
    "adm\nhide = /home/*, ?/run/x\n"
    "read_only = /usr\nbind = ?/srv/%u/%U:/mnt/%g:ro /opt\nroot = image:/srv/images/lab\n";

static void test_values_of_networks_are_parsed(void **state)
{
	struct conf *conf = parse_good(other_values);
	const struct network *lab = conf_network(conf, "lab");
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(lab->subnet_source, SOURCE_AUTO);
	assert_int_equal(lab->subnet6_source, SOURCE_GIVEN);
	assert_string_equal(prefix_format(&lab->subnet6, text), "fd00:1::/112");
	assert_true(lab->nat);
	assert_string_equal(address_format(&lab->nat_address, text), "192.0.2.1");
	assert_string_equal(address_format(&lab->nat_address6, text), "2001:db8::1");
	assert_int_equal(lab->peers, PEERS_GROUP);
	assert_true(lab->host_icmp);
	assert_false(lab->host_dns);
	assert_int_equal(lab->host_ports_count, 2);
	assert_int_equal(lab->host_ports[0].protocol, IPPROTO_TCP);
	assert_int_equal(lab->host_ports[0].last, 22);
	assert_int_equal(lab->host_ports[1].protocol, IPPROTO_UDP);
	assert_int_equal(lab->host_ports[1].first, 60000);
	assert_int_equal(lab->host_ports[1].last, 61000);
	assert_int_equal(lab->egress_count, 5);
	assert_false(lab->egress[0].allow);
	assert_int_equal(lab->egress[0].port.first, 25);
	assert_int_equal(lab->egress[1].port.last, 54);
	assert_string_equal(prefix_format(&lab->egress[1].destination, text), "10.0.0.0/8");
	assert_string_equal(prefix_format(&lab->egress[2].destination, text), "fd00::/8");
	assert_string_equal(prefix_format(&lab->egress[3].destination, text), "192.0.2.7/32");
	assert_int_equal(lab->egress[4].destination.address.family, 0);
	assert_int_equal(lab->dns, SOURCE_GIVEN);
	assert_int_equal(lab->dns_count, 2);
	assert_string_equal(address_format(&lab->dns_servers[1], text), "2001:db8::53");
	assert_int_equal(lab->mtu, 1280);
	assert_int_equal(lab->max_connections, 1000000);
	assert_int_equal(lab->new_connections, 7);
	assert_int_equal(lab->new_connections_burst, 9);
	assert_int_equal(conf_network_entries(lab), 2 * 1000000 + 9 + 7 * 120);
	assert_int_equal(lab->ports_per_bridge, 1);
	assert_true(lab->lock_required);
	conf_free(conf);
}

static void test_values_of_profiles_are_parsed(void **state)
{
	struct conf *conf = parse_good(other_values);
	const struct network *lab = conf_network(conf, "lab"), *v4 = conf_network(conf, "v4");
	const struct profile *p = conf->profiles;
	struct who who = {.uid = 7, .user = "alice", .group = "lab"};
	char path[CONF_PATH_MAX];
	struct bind bind;

	(void)state;
	assert_true(conf->on_error_host);
	assert_int_equal(conf->deadline_ms, 1500);
	assert_int_equal(conf->log, CONF_LOG_LOGINS);
	assert_int_equal(conf->services_exempt_count, 0);
	assert_int_equal(v4->subnet6_source, SOURCE_NONE);
	assert_false(v4->nat);
	assert_true(v4->host_all);
	assert_int_equal(v4->egress_count, 0);
	assert_int_equal(v4->dns, SOURCE_NONE);
	assert_int_equal(p[0].nested, NESTED_HOST);
	assert_int_equal(p[0].private_count, 0);
	assert_ptr_equal(p[1].network, lab);
	assert_int_equal(p[1].namespaces, NAMESPACE_NET | NAMESPACE_UTS);
	assert_int_equal(p[1].private_count, 0);
	assert_int_equal(p[1].linger, LINGER_NO);
	assert_true(p[1].low_ports);
	assert_true(p[1].net_admin);
	assert_int_equal(p[2].private_count, 2);
	assert_int_equal(p[2].private_percent, 0);
	assert_int_equal(p[2].private_bytes, 512 << 20);
	assert_int_equal(p[2].private_exec, EXEC_YES);
	assert_int_equal(p[2].processes, PROCESSES_OWN);
	assert_string_equal(p[2].watchers, "adm");
	assert_int_equal(p[2].hide.count, 2);
	assert_false(conf_path_word(p[2].hide.words[0], path));
	assert_string_equal(path, "/home");
	assert_true(conf_path_word(p[2].hide.words[1], path));
	assert_string_equal(path, "/run/x");
	assert_int_equal(p[2].read_only.count, 1);
	assert_string_equal(p[2].root, "/srv/images/lab");
	assert_true(p[2].root_changes);
	assert_null(p[0].root);
	assert_int_equal(p[2].bind.count, 2);
	assert_int_equal(conf_bind(p[2].bind.words[0], &who, &bind), 0);
	assert_string_equal(bind.source, "/srv/alice/7");
	assert_string_equal(bind.target, "/mnt/lab");
	assert_true(bind.optional && bind.read_only);
	assert_int_equal(conf_bind(p[2].bind.words[1], &who, &bind), 0);
	assert_string_equal(bind.source, "/opt");
	assert_string_equal(bind.target, "/opt");
	assert_false(bind.optional || bind.read_only);
	strcpy(who.group, "..");
	assert_int_equal(conf_bind(p[2].bind.words[0], &who, &bind), -EINVAL);
	strcpy(who.group, "DOM/lab");
	assert_int_equal(conf_bind(p[2].bind.words[0], &who, &bind), -EINVAL);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing_keys_have_defaults),
	    cmocka_unit_test(test_shipped_file_has_the_defaults),
	    cmocka_unit_test(test_truncated_file_is_valid_or_refused),
	    cmocka_unit_test(test_values_of_networks_are_parsed),
	    cmocka_unit_test(test_values_of_profiles_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
