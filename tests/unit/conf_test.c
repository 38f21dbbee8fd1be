/* The conf file's text: what is taken, what is refused, and with which words. */
#include "conf.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "log.h"

#define LOG_SIZE (64 * 1024)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char logged[LOG_SIZE];

static void sink(void *context, int level, const char *text)
{
	size_t used = strlen(logged);

	(void)context;
	assert_int_equal(level, LOG_ERR);
	assert_null(strchr(text, '\n'));
	snprintf(logged + used, sizeof(logged) - used, "%s\n", text);
}

static int parse_size(const char *text, size_t size, struct conf **conf)
{
	int error;

	logged[0] = '\0';
	log_set_sink(sink, NULL);
	*conf = (struct conf *)text; /* must be overwritten */
	error = conf_parse(text, size, "t", conf);
	log_set_sink(NULL, NULL);
	return error;
}

static struct conf *parse_good(const char *text)
{
	struct conf *conf;
	int error = parse_size(text, strlen(text), &conf);

	assert_string_equal(logged, "");
	assert_int_equal(error, 0);
	assert_non_null(conf);
	return conf;
}

/* Exactly these lines are logged, and no conf comes out. */
static void assert_refused(const char *text, const char *messages)
{
	struct conf *conf;
	int error = parse_size(text, strlen(text), &conf);

	assert_string_equal(logged, messages);
	assert_int_equal(error, -EINVAL);
	assert_null(conf);
}

#define SMALL "[network default]\n[profile all]\nmatch = *\n"

static void test_defaults(void **state)
{
	struct conf *conf = parse_good(SMALL);
	const struct network *network = &conf->networks[0];
	const struct profile *profile = &conf->profiles[0];

	(void)state;
	assert_false(conf->on_error_host);
	assert_int_equal(conf->deadline_ms, 10000);
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
	assert_int_equal(network->ports_per_bridge, 128);
	assert_true(profile->isolate);
	assert_ptr_equal(profile->network, network);
	assert_int_equal(profile->namespaces, NAMESPACE_NET | NAMESPACE_MNT | NAMESPACE_UTS);
	assert_string_equal(profile->hostname, "%h");
	assert_int_equal(profile->private_count, 3);
	assert_string_equal(profile->private_dirs[2], "/dev/shm");
	assert_int_equal(profile->private_percent, 25);
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

/* The shipped file says what the built-in defaults are. */
static void test_shipped(void **state)
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

/* A file cut off anywhere either means what the whole lines say, or is refused. */
static void test_truncated(void **state)
{
	size_t size;
	char *text = shipped_text(&size);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		/* Its own allocation, so that ASan sees a read past the end. */
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

static void test_values(void **state)
{
	struct conf *conf = parse_good(
	    "[defaults]\r\non_error = host ; comment\r\ndeadline=1500ms\n"
	    "services_exempt = none\n"
	    "[ network   lab ]\nbridge = lab.x\nsubnet = auto\nsubnet6 = fd00:1::/112\n"
	    "nat = 192.0.2.1, 2001:db8::1\npeers = group\n"
	    "host_access = tcp/22 udp/60000-61000 icmp\n"
	    "egress = deny tcp/25, ; mail\n\n# comment\n\tallow udp/53-54 10.0.0.0/8,\n"
	    "    deny fd00::/8, allow 192.0.2.7, deny\n"
	    "dns = 192.0.2.53, 2001:db8::53\nmtu = 1280\nmax_connections = 1000000\n"
	    "ports_per_bridge = 1\n"
	    "[network v4]\nbridge = lab\nsubnet = 10.0.0.0/8\nsubnet6 = none\nnat = no\n"
	    "host_access = all\negress = none\ndns = none\nmtu = 65535\npeers = yes\n"
	    "[profile a]\nmatch = root\nisolate = no\nnested = host\n"
	    "[profile b]\nmatch = @lab\nnetwork = lab\nnamespaces = uts net\nhostname = %u-%h.lab\n"
	    "linger = no\nlow_ports = yes\nnet_admin = no\n"
	    "[profile c]\nmatch = *\nnetwork = v4\nnamespaces = mnt,net\n"
	    "private = /tmp /srv/scratch\nprivate_size = 512M\n");
	const struct network *lab = conf_network(conf, "lab"), *v4 = conf_network(conf, "v4");
	const struct profile *p = conf->profiles;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_true(conf->on_error_host);
	assert_int_equal(conf->deadline_ms, 1500);
	assert_int_equal(conf->services_exempt_count, 0);
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
	assert_int_equal(lab->ports_per_bridge, 1);
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
	assert_int_equal(p[2].private_count, 2);
	assert_int_equal(p[2].private_percent, 0);
	assert_int_equal(p[2].private_bytes, 512 << 20);
	conf_free(conf);
}

/* One key of a section, its value, and all of the message after "t:LINE: [section] key = value: ".
 */
struct bad {
	const char *key, *value, *message;
};

static void assert_bad(const char *before, const char *section, unsigned line, const char *after,
		       const struct bad *bad)
{
	char text[1024], message[1024];

	snprintf(text, sizeof(text), "%s[%s]\n%s = %s\n%s", before, section, bad->key, bad->value,
		 after);
	snprintf(message, sizeof(message), "t:%u: [%s] %s = %s: %s\n", line, section, bad->key,
		 bad->value, bad->message);
	assert_refused(text, message);
}

static void test_bad_defaults(void **state)
{
	static const struct bad table[] = {
	    {"on_error", "allow", "must be deny, or host to let logins in unisolated"},
	    {"deadline", "10", "has no unit; write it as 10s or 1500ms"},
	    {"deadline", "0s", "must be a time from 1s to 60s"},
	    {"deadline", "999ms", "must be a time from 1s to 60s"},
	    {"deadline", "61s", "must be a time from 1s to 60s"},
	    {"deadline", "60001ms", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "99999999999999999999s",
	     "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "1m", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "-1s", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"services_exempt", "a/b",
	     "must be none, or names of PAM services, which are files of /etc/pam.d"},
	    {"colour", "red", "unknown key; this section has: on_error, deadline, services_exempt"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_bad(SMALL, "defaults", 5, "", &table[i]);
}

static const char *const bridge_chars =
    "a bridge's name is letters, digits, '.', '_' and '-', and begins with a letter or digit";
static const char *const is_private = "; use private addresses such as 10.203.0.0/16";
static const char *const is_private6 = "; use private addresses such as fd12:3456:789a::/64";

static void test_bad_addresses(void **state)
{
	static const struct {
		const char *key, *value, *message;
		const char *const *more;
	} table[] = {
	    {"subnet", "10.0.0.0", "must be ADDRESS/LENGTH, such as 10.203.0.0/16, or auto", NULL},
	    {"subnet", "none", "must be ADDRESS/LENGTH, such as 10.203.0.0/16, or auto", NULL},
	    {"subnet", "10.203.4.1/16",
	     "'10.203.4.1/16' has bits set after its length; write 10.203.0.0/16", NULL},
	    {"subnet", "10.0.0/16", "'10.0.0/16' is not ADDRESS/LENGTH", NULL},
	    {"subnet", "10.0.0.0/x", "'10.0.0.0/x' is not ADDRESS/LENGTH", NULL},
	    {"subnet", "10.0.0.0/33", "'10.0.0.0/33' is not ADDRESS/LENGTH", NULL},
	    {"subnet", "10.0.0.0/29", "the length must be from /8 to /28", NULL},
	    {"subnet", "10.0.0.0/7", "the length must be from /8 to /28", NULL},
	    {"subnet", "fd00::/64",
	     "'fd00::/64' is of the other family; IPv4 is subnet's, IPv6 is subnet6's", NULL},
	    {"subnet", "127.0.0.0/8", "is loopback (127.0.0.0/8), which is each user's own",
	     &is_private},
	    {"subnet", "169.254.7.0/24", "is link-local (169.254.0.0/16)", &is_private},
	    {"subnet", "169.0.0.0/8", "is link-local (169.254.0.0/16)", &is_private},
	    {"subnet", "224.0.0.0/16", "is multicast (224.0.0.0/4)", &is_private},
	    {"subnet", "240.0.0.0/16", "is reserved (240.0.0.0/4)", &is_private},
	    {"subnet", "0.0.0.0/8", "is not an address of a host (0.0.0.0/8)", &is_private},
	    {"subnet6", "fd00::/47", "the length must be from /48 to /112", NULL},
	    {"subnet6", "fd00::/113", "the length must be from /48 to /112", NULL},
	    {"subnet6", "fd00::1/64", "'fd00::1/64' has bits set after its length; write fd00::/64",
	     NULL},
	    {"subnet6", "fe80::/64", "is link-local (fe80::/10)", &is_private6},
	    {"subnet6", "ff02::/64", "is multicast (ff00::/8)", &is_private6},
	    {"subnet6", "::ffff:0:0/96", "is an IPv4 address in IPv6 form (::ffff:0:0/96)",
	     &is_private6},
	    {"subnet6", "yes",
	     "must be ADDRESS/LENGTH, such as fd12:3456:789a::/64, or auto or none", NULL},
	    {"subnet6", "10.0.0.0/16",
	     "'10.0.0.0/16' is of the other family; IPv4 is subnet's, IPv6 is subnet6's", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char message[256];
		const struct bad bad = {table[i].key, table[i].value, message};

		snprintf(message, sizeof(message), "%s%s", table[i].message,
			 table[i].more ? *table[i].more : "");
		assert_bad("[profile x]\nmatch = *\n", "network default", 4, "", &bad);
	}
}

static void test_bad_network(void **state)
{
	const char *const nat =
	    "must be yes, no, or the host's addresses to send from, one of each "
	    "family at most";
	const char *const host = "must be none, all, or a list of icmp, dns, tcp/PORT and udp/PORT";
	const struct bad table[] = {
	    {"bridge", "pn-bridge-12",
	     "the name has more than 11 characters; further bridges need "
	     "room for .NN after it"},
	    {"bridge", "pnu7",
	     "names that begin with pnu are those of users' ports; choose "
	     "another, such as pnbr1"},
	    {"bridge", "a/b", bridge_chars},
	    {"bridge", "a b", bridge_chars},
	    {"bridge", "-br", bridge_chars},
	    {"bridge", "..", bridge_chars},
	    {"bridge", "br:0", bridge_chars},
	    {"bridge", "all", "is a name with a meaning of its own; choose another, such as pnbr1"},
	    {"nat", "maybe", nat},
	    {"nat", "yes no", nat},
	    {"nat", "10.0.0.1/8", nat},
	    {"nat", "192.0.2.1 192.0.2.2",
	     "has two addresses of one family; give one of each at most"},
	    {"nat", "127.0.0.1",
	     "'127.0.0.1' is loopback (127.0.0.0/8), which is each user's own; "
	     "give an address that the host reaches over its network"},
	    {"peers", "all", "must be no, yes or group"},
	    {"host_access", "ssh", host},
	    {"host_access", "icmp none", host},
	    {"host_access", "tcp/0",
	     "'tcp/0' must have a port from 1 to 65535, or a range such as tcp/8000-8080"},
	    {"host_access", "tcp/65536",
	     "'tcp/65536' must have a port from 1 to 65535, or a range such as tcp/8000-8080"},
	    {"host_access", "tcp/1-",
	     "'tcp/1-' must have a port from 1 to 65535, or a range such as tcp/8000-8080"},
	    {"host_access", "udp/9-3",
	     "'udp/9-3' is a range that ends before it begins; write "
	     "udp/3-9"},
	    {"host_access", "sctp/1", "'sctp/1' must be tcp/PORT or udp/PORT"},
	    {"host_access", "tcp/0000000000001",
	     "'tcp/0000000000001' must have a port from 1 to "
	     "65535"},
	    {"egress", "permit 10.0.0.0/8",
	     "'permit 10.0.0.0/8' must begin with allow or deny (or "
	     "the value be any or none)"},
	    {"egress", "any, deny",
	     "'any' must begin with allow or deny (or the value be any or "
	     "none)"},
	    {"egress", "allow any,",
	     "a rule between commas is empty; write allow or deny, then "
	     "what"},
	    {"egress", "allow tcp", "'tcp' must be tcp/PORT or udp/PORT"},
	    {"egress", "deny 10.0.0.1/8",
	     "'10.0.0.1/8' has bits set after its length; write "
	     "10.0.0.0/8"},
	    {"egress", "deny example.org", "'example.org' is not ADDRESS/LENGTH"},
	    {"egress", "allow any deny any",
	     "'allow any deny any' goes on after its destination; "
	     "put a comma between rules"},
	    {"dns", "127.0.0.53",
	     "'127.0.0.53' is loopback (127.0.0.0/8), which is each user's "
	     "own; give an address that the host reaches over its network"},
	    {"dns", "::1",
	     "'::1' is loopback (::1), which is each user's own; give an address that "
	     "the host reaches over its network"},
	    {"dns", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4",
	     "must be auto, none, or at most 3 "
	     "addresses"},
	    {"dns", "one.example", "'one.example' is not an IPv4 or IPv6 address"},
	    {"mtu", "1279", "must be auto or a number from 1280 to 65535"},
	    {"mtu", "65536", "must be auto or a number from 1280 to 65535"},
	    {"max_connections", "0", "must be a number from 1 to 1000000"},
	    {"max_connections", "1000001", "must be a number from 1 to 1000000"},
	    {"max_connections", "+5", "must be a number from 1 to 1000000"},
	    {"max_connections", "18446744073709551617", "must be a number from 1 to 1000000"},
	    {"ports_per_bridge", "1001", "must be a number from 1 to 1000"},
	    {"ports_per_bridge", "1 # one",
	     "must be a number from 1 to 1000; a comment after a "
	     "value begins with ;"},
	    {"isolate", "no",
	     "unknown key; this section has: bridge, subnet, subnet6, nat, peers, "
	     "host_access, egress, dns, mtu, max_connections, ports_per_bridge"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_bad("[profile x]\nmatch = *\n", "network default", 4, "", &table[i]);
}

static void test_bad_profile(void **state)
{
	const char *const hosts =
	    "cannot be private, logins need the host's; choose directories such as "
	    "/tmp";
	const char *const normal =
	    "must be an absolute path without '.', '..', '//' or a '/' at its end";
	const char *const size =
	    "must be a share of memory from 1% to 100%, or a size with K, M or G, "
	    "such as 512M";
	const char *const template =
	    "makes no host name; use %u user, %U uid, %g group, %h host, such as %u-%h";
	const struct bad table[] = {
	    {"isolate", "maybe", "must be yes or no"},
	    {"network", "a b", "a name is a letter, then letters, digits, '_' and '-'"},
	    {"namespaces", "net pid", "pid is not supported by this version; use net mnt uts"},
	    {"namespaces", "net ipc", "ipc is not supported by this version; use net mnt uts"},
	    {"namespaces", "cgroup", "cgroup is not supported by this version; use net mnt uts"},
	    {"namespaces", "net time", "time is not supported by this version; use net mnt uts"},
	    {"namespaces", "mnt uts",
	     "must have net; isolate = no is what leaves users on the "
	     "host's network"},
	    {"namespaces", "net net", "names net twice; once is enough"},
	    {"namespaces", "net user", "must be a list of net, mnt and uts"},
	    {"hostname", "%x", template},
	    {"hostname", "lab%", template},
	    {"hostname", "-.-", template},
	    {"hostname", "a_b",
	     "a host name is letters, digits, '-' and '.', and in the template "
	     "%u, %U, %g, %h or %%"},
	    {"private_size", "0%", size},
	    {"private_size", "101%", size},
	    {"private_size", "512", size},
	    {"private_size", "0M", size},
	    {"private_size", "5T", size},
	    {"private_size", "5MB", size},
	    {"private_size", "9999999999999999999999G", size},
	    {"linger", "yes", "must be processes (until the user's last process has ended) or no"},
	    {"net_admin", "yes", "is not supported by this version; write no"},
	    {"low_ports", "1", "must be yes or no"},
	    {"nested", "host", "has an effect only where isolate = no; remove the line"},
	};
	static const char *const refused[] = {
	    "/",    "/proc",	      "/proc/sys", "/sys/fs",	       "/dev",
	    "/run", "/run/pam-netns", "/etc",	   "/run/pam-netns/x", "/run/user/0",
	    "/usr", "/var",	      "/home",	   "/var/lib",	       "/var/log"};
	static const char *const odd[] = {"tmp", "/tmp/", "//tmp", "/tmp/../etc", "/a/./b", "/.."};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_bad("[network default]\n", "profile x", 3, "match = *\n", &table[i]);
	for (size_t i = 0; i < COUNT(refused) + COUNT(odd); i++) {
		const char *dir = i < COUNT(refused) ? refused[i] : odd[i - COUNT(refused)];
		const struct bad bad = {"private", dir, logged + LOG_SIZE / 2};

		snprintf(logged + LOG_SIZE / 2, 512, "'%s' %s", dir,
			 i < COUNT(refused) ? hosts : normal);
		assert_bad("[network default]\n", "profile x", 3, "match = *\n", &bad);
	}
}

static void test_bad_private_pairs(void **state)
{
	static const struct bad table[] = {
	    {"private", "/tmp /tmp", "'/tmp' and '/tmp' lie in each other; keep one"},
	    {"private", "/tmp /tmp/x", "'/tmp/x' and '/tmp' lie in each other; keep one"},
	    {"private", "/srv/x /srv", "'/srv' and '/srv/x' lie in each other; keep one"},
	    {"private", "/tmp none",
	     "'none' must be an absolute path without '.', '..', '//' or a "
	     "'/' at its end"},
	    {"private", "/a:b",
	     "a directory is letters, digits and '/._-+@', and shorter than 256 "
	     "characters"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_bad("[network default]\n", "profile x", 3, "match = *\n", &table[i]);
	conf_free(parse_good("[network default]\n[profile x]\nmatch = *\nprivate = /tmp /tmpx\n"));
	conf_free(parse_good("[network default]\n[profile x]\nmatch = *\nprivate = none\n"));
}

/* Whole files and all that is said of them. */
static const struct {
	const char *text, *messages;
} files[] = {
    /* Structure. */
    {"", "t: has no [profile NAME] section, so nobody could log in; write one with match = *\n"},
    {"# nothing\n\n", "t: has no [profile NAME] section, so nobody could log in; write one with "
		      "match = *\n"},
    {"bridge = x\n" SMALL, "t:1: bridge = x: stands before any section; begin with [defaults], "
			   "[network NAME] or [profile NAME]\n"},
    {SMALL "[nets a]\nx = y\n", "t:4: [nets a]: unknown section; there are [defaults], [network "
				"NAME] and [profile NAME]\n"},
    {SMALL "[]\n", "t:4: []: unknown section; there are [defaults], [network NAME] and [profile "
		   "NAME]\n"},
    {SMALL "[defaults x]\n", "t:4: [defaults x]: unknown section; there are [defaults], [network "
			     "NAME] and [profile NAME]\n"},
    {SMALL "[network]\n", "t:4: [network]: a name is missing\n"},
    {SMALL "[network a b]\n", "t:4: [network a b]: a name is a letter, then letters, digits, '_' "
			      "and '-'\n"},
    {SMALL "[profile ../x]\n", "t:4: [profile ../x]: a name is a letter, then letters, digits, '_' "
			       "and '-'\n"},
    {SMALL "[profile aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
     "t:4: [profile aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]: the name has more than 31 characters\n"},
    {SMALL "[network b\n",
     "t:4: [network b]: the section's name has no end; write [NAME]\n"
     "t:4: [network b] bridge = pnbr0: is the bridge of [network default] "
     "already (line 1); give each network its own\n"
     "t:4: [network b] subnet = 10.203.0.0/16: overlaps 10.203.0.0/16 of "
     "[network default] (line 1); give each network its own, or write auto\n"},
    {SMALL "[defaults] deadline = 1s\n", "t:4: [defaults] deadline = 1s: text after a section's "
					 "name; begin a new line, or a comment with ;\n"},
    {"[network default]\nnat = yes\n[profile x]\nmatch = *\n[network default]\nnat = no\n",
     "t:5: [network default]: is there a second time (line 1 is the first); keep one\n"},
    {SMALL "match = root\n", "t:4: [profile all] match = root: is given a second time (line 3 is "
			     "the first); keep one\n"},
    {SMALL "linger\n", "t:4: [profile all] linger: is neither a section nor a key; write key = "
		       "value, and indent a line that continues a value\n"},
    {SMALL "linger: no\n", "t:4: [profile all] linger: no: is neither a section nor a key; write "
			   "key = value, and indent a line that continues a value\n"},
    {SMALL "= no\n", "t:4: [profile all] no: there is no key before the =; write key = value\n"},
    {SMALL "linger =\n", "t:4: [profile all] linger = : has no value; give one, or remove the line "
			 "for the default: processes\n"},
    {SMALL "linger = ; no\n", "t:4: [profile all] linger = : has no value; give one, or remove the "
			      "line for the default: processes\n"},
    {SMALL " linger = no\n", "t:4: [profile all] linger = no: begins with a blank, so it would "
			     "continue the value above; begin a key in the first column\n"},
    {"[network default]\n  more\n[profile x]\nmatch = *\n",
     "t:2: [network default] more: begins with a blank, so it would continue the value above; "
     "begin "
     "a key in the first column\n"},
    {SMALL "Linger = no\n",
     "t:4: [profile all] Linger = no: unknown key; this section has: match, "
     "isolate, network, namespaces, hostname, private, private_size, linger, "
     "low_ports, net_admin, nested\n"},
    {SMALL "low_ports = no", "t:4: [profile all] low_ports = no: the last line has no newline: the "
			     "file may have been cut off; end it with one\n"},
    {"\xef\xbb\xbf" SMALL, "t:1: the file begins with a byte order mark; save it without one\n"
			   "t:2: [profile all] network = default: there is no [network default]; "
			   "write that section\n"},
    {SMALL "linger = \x1b[2J\n", "t:4: byte 0x1b in column 10; the file must be plain text\n"},
    {SMALL "# \x07\n", "t:4: byte 0x07 in column 3; the file must be plain text\n"},
    {SMALL "linger = a\rb\n", "t:4: byte 0x0d in column 11; the file must be plain text\n"},
    {"[network default]\nbridge = br\xc3\xa9\n[profile x]\nmatch = *\n",
     "t:2: [network default] bridge = br\\xc3\\xa9: a bridge's name is letters, digits, '.', '_' "
     "and "
     "'-', and begins with a letter or digit\n"},
    /* What sections say of each other. */
    {"[profile x]\nmatch = *\n", "t:1: [profile x] network = default: there is no [network "
				 "default]; write that section\n"},
    {SMALL "[profile x]\nmatch = root\nnetwork = lab\n",
     "t:6: [profile x] network = lab: there is no [network lab]; write that section; or name one "
     "of: default\n"},
    {SMALL "[profile x]\nlinger = no\n", "t:4: [profile x] match: is missing; this section must "
					 "have it\n"},
    {SMALL "[profile x]\nmatch =\n", "t:5: [profile x] match = : has no value; give one, or remove "
				     "the line\n"},
    {SMALL "[network lab]\nbridge = pnbr1\nsubnet = 10.203.128.0/20\n",
     "t:6: [network lab] subnet = 10.203.128.0/20: overlaps 10.203.0.0/16 of [network default] "
     "(line 1); give each network its own, or write auto\n"},
    {"[network lab]\nsubnet = 10.0.0.0/16\nsubnet6 = fd00:1::/64\n[network default]\n"
     "bridge = x\nsubnet6 = fd00:1::/48\n[profile x]\nmatch = *\n",
     "t:6: [network default] subnet6 = fd00:1::/48: overlaps fd00:1::/64 of [network lab] (line "
     "3); "
     "give each network its own, or write auto\n"},
    {SMALL "[network lab]\nsubnet = auto\n",
     "t:4: [network lab] bridge = pnbr0: is the bridge of "
     "[network default] already (line 1); give each network "
     "its own\n"},
    {SMALL "[network lab]\nsubnet = auto\nbridge = pnbr0.7\n",
     "t:6: [network lab] bridge = pnbr0.7: could be a further bridge of pnbr0 in [network default] "
     "(line 1) or the reverse; choose a name that is not the other's with .N\n"},
    {"[network a]\nbridge = x.12\nsubnet = auto\n[network b]\nbridge = x\n[profile x]\n"
     "match = *\nnetwork = a\n",
     "t:5: [network b] bridge = x: could be a further bridge of x.12 in [network a] (line 2) or "
     "the "
     "reverse; choose a name that is not the other's with .N\n"},
    {"[network default]\nsubnet = 10.0.0.0/8\nsubnet6 = fd00::/112\n[profile x]\nmatch = *\n",
     "t:3: [network default] subnet6 = fd00::/112: has fewer addresses than subnet, and each user "
     "needs one of both; write /104 or shorter\n"},
    {"[profile x]\nmatch = *\nisolate = no\nhostname = x\nprivate = /tmp\nnet_admin = no\n",
     "t:4: [profile x] hostname = x: has no effect where isolate = no; remove the line, or write "
     "isolate = yes\n"
     "t:5: [profile x] private = /tmp: has no effect where isolate = no; remove the line, or write "
     "isolate = yes\n"
     "t:6: [profile x] net_admin = no: has no effect where isolate = no; remove the line, or write "
     "isolate = yes\n"},
    {SMALL "namespaces = net\nhostname = %u\nprivate = /tmp\nprivate_size = 1M\n",
     "t:5: [profile all] hostname = %u: needs a namespace of its own; add uts to namespaces, or "
     "remove the line\n"
     "t:6: [profile all] private = /tmp: needs a namespace of its own; add mnt to namespaces, or "
     "remove the line\n"
     "t:7: [profile all] private_size = 1M: needs a namespace of its own; add mnt to namespaces, "
     "or "
     "remove the line\n"},
    /* Several errors come in the order of their lines, whatever found them. */
    {"[profile x]\nfoo = bar\nlinger = 1\nmatch = *\nnonsense\n[network n]\nmtu = 1\n",
     "t:1: [profile x] network = default: there is no [network default]; write that section; or "
     "name "
     "one of: n\n"
     "t:2: [profile x] foo = bar: unknown key; this section has: match, isolate, network, "
     "namespaces, hostname, private, private_size, linger, low_ports, net_admin, nested\n"
     "t:3: [profile x] linger = 1: must be processes (until the user's last process has ended) or "
     "no\n"
     "t:5: [profile x] nonsense: is neither a section nor a key; write key = value, and indent a "
     "line that continues a value\n"
     "t:7: [network n] mtu = 1: must be auto or a number from 1280 to 65535\n"},
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		assert_refused(files[i].text, files[i].messages);
}

static void test_nul(void **state)
{
	static const char text[] = SMALL "linger = no\0\nlow_ports = yes\n";
	struct conf *conf;

	(void)state;
	assert_int_equal(parse_size(text, sizeof(text) - 1, &conf), -EINVAL);
	assert_null(conf);
	assert_string_equal(logged, "t:4: byte 0x00 in column 12; the file must be plain text\n");
}

/* inih cuts lines silently; here they are refused, and comments may be of any length. */
static void test_long_lines(void **state)
{
	char text[2048];
	struct conf *conf;

	(void)state;
	for (int length = 1; length < 600; length++) {
		int error;

		snprintf(text, sizeof(text), SMALL "hostname = %0*d\nlow_ports = yes\n", length, 1);
		error = parse_size(text, strlen(text), &conf);
		if (length <= 185) {
			assert_int_equal(error, 0);
			assert_int_equal(strlen(conf->profiles[0].hostname), length);
			assert_true(conf->profiles[0].low_ports);
		} else {
			assert_int_equal(error, -EINVAL);
			assert_non_null(strstr(logged, "t:4: [profile all] hostname = 000"));
			assert_non_null(strstr(logged, "the line is longer than 196 bytes"));
		}
		conf_free(conf);
	}
	snprintf(text, sizeof(text), SMALL "linger = no ; %0900d\n# %0900d\nlow_ports = yes\n", 1,
		 1);
	conf = parse_good(text);
	assert_true(conf->profiles[0].low_ports);
	conf_free(conf);
}

/* A value may be continued over lines, but not for ever. */
static void test_long_value(void **state)
{
	char *text = calloc(1, CONF_SIZE_MAX);
	struct conf *conf;

	(void)state;
	strcpy(text, "[profile x]\nmatch = *\n[network default]\negress = deny tcp/25");
	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), ",\n deny 10.0.%d.0/24", i / 2);
	strcat(text, "\n");
	conf = parse_good(text);
	assert_int_equal(conf->networks[0].egress_count, 501);
	conf_free(conf);
	for (int i = 0; i < 500; i++)
		sprintf(text + strlen(text), " , deny 10.0.%d.0/24\n", i / 2);
	assert_int_equal(parse_size(text, strlen(text), &conf), -EINVAL);
	assert_null(conf);
	assert_non_null(strstr(logged, "the value is longer than 16384 bytes; shorten it"));
	free(text);
}

/* At most so many lines are logged, and the rest is counted. */
static void test_noise(void **state)
{
	const size_t size = 10 << 20;
	char *noise = malloc(size);
	unsigned seed = 1;
	size_t lines = 0;
	struct conf *conf;

	(void)state;
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		noise[i] = (char)(seed >> 16);
	}
	assert_int_equal(parse_size(noise, size, &conf), -EFBIG);
	assert_null(conf);
	assert_string_equal(logged, "t: has 10485760 bytes; at most 262144 are read\n");
	assert_int_equal(parse_size(noise, CONF_SIZE_MAX, &conf), -EINVAL);
	assert_null(conf);
	for (const char *c = logged; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(strstr(logged, " more errors\n"));
	free(noise);
}

/* Many sections and keys: time must not grow with their square. */
static void test_many(void **state)
{
	char *text = calloc(1, CONF_SIZE_MAX);
	size_t used = (size_t)sprintf(text, SMALL);
	struct conf *conf;

	(void)state;
	for (int i = 0; used < CONF_SIZE_MAX - 64; i++)
		used += (size_t)sprintf(text + used, "[network n%d]\n", i);
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	used = (size_t)sprintf(text, SMALL);
	while (used < CONF_SIZE_MAX - 64)
		used += (size_t)sprintf(text + used, "a=\n");
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	used = (size_t)sprintf(text, SMALL "private =\n");
	while (used < CONF_SIZE_MAX - 64)
		used += (size_t)sprintf(text + used, " /a%zu\n", used);
	assert_int_equal(parse_size(text, used, &conf), -EINVAL);
	assert_null(conf);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_shipped),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_bad_defaults),
	    cmocka_unit_test(test_bad_addresses),
	    cmocka_unit_test(test_bad_network),
	    cmocka_unit_test(test_bad_profile),
	    cmocka_unit_test(test_bad_private_pairs),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_long_lines),
	    cmocka_unit_test(test_long_value),
	    cmocka_unit_test(test_noise),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
