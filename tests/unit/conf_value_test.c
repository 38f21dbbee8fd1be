/* Bad values in the conf file, and the exact message of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "conf_parse.h"

/* A key, its value, and the message after "t:LINE: [section] key = value: ". */
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

static void test_bad_values_of_defaults_are_refused(void **state)
{
	static const struct bad table[] = {
	    {"on_error", "allow", "must be deny or host"},
	    {"log", "none", "must be all, sessions or logins"},
	    {"deadline", "10", "has no unit; write it as 10s or 1500ms"},
	    {"deadline", "0s", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "999ms", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "61s", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "60001ms", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "99999999999999999999s",
	     "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "1m", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"deadline", "-1s", "must be a time from 1s to 60s, such as 10s or 1500ms"},
	    {"services_exempt", "a/b",
	     "must be none, or names of PAM services, which are files of /etc/pam.d"},
	    {"colour", "red",
	     "unknown key; this section has: on_error, deadline, log, services_exempt"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_bad(SMALL, "defaults", 5, "", &table[i]);
}

#define BRIDGE_CHARS                                                                               \
	"a bridge's name has letters, digits, '.', '_' and '-', and begins with a letter or digit"
static const char *const is_private = "; use private addresses such as 10.203.0.0/16";
static const char *const is_private6 = "; use private addresses such as fd12:3456:789a::/64";

static void test_bad_addresses_are_refused(void **state)
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
	    {"subnet", "10.0.0.0/x", "'10.0.0.0/x' must have a length from /8 to /28", NULL},
	    {"subnet", "10.0.0.0/33", "'10.0.0.0/33' must have a length from /8 to /28", NULL},
	    {"subnet", "10.0.0.0/29", "'10.0.0.0/29' must have a length from /8 to /28", NULL},
	    {"subnet", "10.0.0.0/7", "'10.0.0.0/7' must have a length from /8 to /28", NULL},
	    {"subnet", "fd00::/64",
	     "'fd00::/64' is of the other family; subnet takes IPv4, subnet6 takes IPv6", NULL},
	    {"subnet", "127.0.0.0/8", "is loopback (127.0.0.0/8), which is each user's own",
	     &is_private},
	    {"subnet", "169.254.7.0/24", "is link-local (169.254.0.0/16)", &is_private},
	    {"subnet", "169.0.0.0/8", "is link-local (169.254.0.0/16)", &is_private},
	    {"subnet", "224.0.0.0/16", "is multicast (224.0.0.0/4)", &is_private},
	    {"subnet", "240.0.0.0/16", "is reserved (240.0.0.0/4)", &is_private},
	    {"subnet", "0.0.0.0/8", "is not an address of a host (0.0.0.0/8)", &is_private},
	    {"subnet6", "fd00::/47", "'fd00::/47' must have a length from /48 to /112", NULL},
	    {"subnet6", "fd00::/113", "'fd00::/113' must have a length from /48 to /112", NULL},
	    {"subnet6", "fd00::1/64", "'fd00::1/64' has bits set after its length; write fd00::/64",
	     NULL},
	    {"subnet6", "fe80::/64", "is link-local (fe80::/10)", &is_private6},
	    {"subnet6", "ff02::/64", "is multicast (ff00::/8)", &is_private6},
	    {"subnet6", "::ffff:0:0/96", "is an IPv4 address in IPv6 form (::ffff:0:0/96)",
	     &is_private6},
	    {"subnet6", "yes",
	     "must be ADDRESS/LENGTH, such as fd12:3456:789a::/64, or auto or none", NULL},
	    {"subnet6", "10.0.0.0/16",
	     "'10.0.0.0/16' is of the other family; subnet takes IPv4, subnet6 takes IPv6", NULL},
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

#define NAT_FORMS                                                                                  \
	"must be yes, no, or the host's addresses to send from, one of each family at most"
#define NEW_FORMS                                                                                  \
	"must be none, or NUMBER/second burst NUMBER, such as 50/second burst 2000 (at most "      \
	"100000 and 1000000)"
#define HOST_FORMS "must be none, all, or a list of icmp, dns, tcp/PORT and udp/PORT"

static const struct bad bad_networks[] = {
    {"bridge", "pn-bridge-12",
     "the name has more than 11 characters; further bridges need "
     "room for .NN after it"},
    {"bridge", "pnu7",
     "names that begin with pnu are those of users' ports; choose "
     "another, such as pnbr1"},
    {"bridge", "a/b", BRIDGE_CHARS},
    {"bridge", "a b", BRIDGE_CHARS},
    {"bridge", "-br", BRIDGE_CHARS},
    {"bridge", "..", BRIDGE_CHARS},
    {"bridge", "br:0", BRIDGE_CHARS},
    {"bridge", "all", "is a name that the kernel or the host uses; choose another, such as pnbr1"},
    {"nat", "maybe", NAT_FORMS},
    {"nat", "yes no", NAT_FORMS},
    {"nat", "10.0.0.1/8", NAT_FORMS},
    {"nat", ",", NAT_FORMS},
    {"nat", "192.0.2.1 192.0.2.2", "has two addresses of one family; give one of each at most"},
    {"nat", "127.0.0.1",
     "'127.0.0.1' is loopback (127.0.0.0/8), which is each user's own; "
     "give an address that the host reaches over its network"},
    {"peers", "all", "must be no, yes or group"},
    {"host_access", "ssh", HOST_FORMS},
    {"host_access", "icmp none", HOST_FORMS},
    {"host_access", ", ,", HOST_FORMS},
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
    {"egress", "deny 10.0.0.0/33", "'10.0.0.0/33' must have a length from /0 to /32"},
    {"egress", "deny fd00::/129", "'fd00::/129' must have a length from /0 to /128"},
    {"egress", "allow any deny any",
     "'allow any deny any' has more words after its destination; put a comma between rules"},
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
    {"new_connections", "50", NEW_FORMS},
    {"new_connections", "50/second", NEW_FORMS},
    {"new_connections", "50/minute burst 20", NEW_FORMS},
    {"new_connections", "0/second burst 20", NEW_FORMS},
    {"new_connections", "100001/second burst 20", NEW_FORMS},
    {"new_connections", "50/second burst 0", NEW_FORMS},
    {"new_connections", "50/second burst 1000001", NEW_FORMS},
    {"new_connections", "/second burst 20", NEW_FORMS},
    {"new_connections", "50/seconds burst 20", NEW_FORMS},
    {"ports_per_bridge", "1001", "must be a number from 1 to 1000"},
    {"ports_per_bridge", "1 # one",
     "must be a number from 1 to 1000; a comment after a "
     "value begins with ;"},
    {"isolate", "no",
     "unknown key; this section has: bridge, subnet, subnet6, nat, peers, "
     "host_access, egress, dns, mtu, max_connections, new_connections, "
     "ports_per_bridge, locked"},
    {"locked", "yes", "must be auto or required"},
};

static void test_bad_values_of_networks_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_networks); i++)
		assert_bad("[profile x]\nmatch = *\n", "network default", 4, "", &bad_networks[i]);
}

#define MEMORY "must be memory=SIZE with K, M, G or T, at least 16M, such as memory=4G"
#define CPU    "must be cpu=SHARE in percent of one CPU, such as cpu=50% or cpu=200%"

/* Each row of the table is refused in a profile. */
static void assert_bad_profiles(const struct bad *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_bad("[network default]\n", "profile x", 3, "match = *\n", &table[i]);
}

static void test_bad_values_of_isolation_are_refused(void **state)
{
	const char *const template =
	    "makes no host name; use %u user, %U uid, %g group, %h host, such as %u-%h";
	const struct bad table[] = {
	    {"isolate", "maybe", "must be yes or no"},
	    {"network", "a b", "a name begins with a letter, and has letters, digits, '_' and '-'"},
	    {"namespaces", "net cgroup",
	     "cgroup needs mnt, because /sys/fs/cgroup would show the host's groups; add mnt, or "
	     "remove cgroup"},
	    {"namespaces", "net time",
	     "time needs mnt, so that sudo's tickets in /run/sudo can be private; add mnt, or "
	     "remove time"},
	    {"namespaces", "net mnt time",
	     "time needs private tickets of sudo, because a ticket names a process by a start time "
	     "that comes again in a time namespace; add /run/sudo to private, or remove time"},
	    {"namespaces", "mnt uts",
	     "must have net; to leave users on the host's network, write isolate = no"},
	    {"namespaces", "net uts ipc",
	     "ipc needs mnt, because the host's message queues would stay in /dev/mqueue; add mnt, "
	     "or remove ipc"},
	    {"namespaces", "net pid",
	     "pid needs mnt, for a /proc that shows the user's processes; add mnt, or remove pid"},
	    {"namespaces", "net net", "names net twice; once is enough"},
	    {"namespaces", "net user",
	     "unknown namespace 'user'; known: net uts ipc time cgroup pid mnt"},
	    {"hostname", "%x", template},
	    {"hostname", "lab%", template},
	    {"hostname", "-.-", template},
	    {"hostname", "a_b", "a template has letters, digits, '-', '.', %u, %U, %g, %h and %%"},
	    {"linger", "yes", "must be processes or no"},
	    {"net_admin", "ip", "must be yes or no"},
	    {"low_ports", "1", "must be yes or no"},
	    {"nested", "host", "has an effect only if isolate = no; remove the line"},
	};

	(void)state;
	assert_bad_profiles(table, COUNT(table));
}

static void test_bad_sizes_and_limits_are_refused(void **state)
{
	const char *const size =
	    "must be auto, a share of memory from 1% to 100%, or a size with K, M or G, "
	    "such as 512M";
	const struct bad table[] = {
	    {"private_size", "0%", size},
	    {"private_size", "101%", size},
	    {"private_size", "512", size},
	    {"private_size", "0M", size},
	    {"private_size", "5T", size},
	    {"private_size", "5MB", size},
	    {"private_size", "9999999999999999999999G", size},
	    {"limits", "memory",
	     "'memory' is no limit; write none, or some of memory=4G, cpu=200%, "
	     "tasks=512 and io=50"},
	    {"limits", "swap=1G",
	     "'swap=1G' is no limit; write none, or some of memory=4G, "
	     "cpu=200%, tasks=512 and io=50"},
	    {"limits", "none tasks=9",
	     "'none' is no limit; write none, or some of memory=4G, "
	     "cpu=200%, tasks=512 and io=50"},
	    {"limits", ",", "names no limit; write none"},
	    {"limits", "tasks=9 tasks=9", "gives tasks twice; keep one"},
	    {"limits", "memory=4096", "'memory=4096' " MEMORY},
	    {"limits", "memory=15M", "'memory=15M' " MEMORY},
	    {"limits", "memory=0G", "'memory=0G' " MEMORY},
	    {"limits", "memory=99999999999T", "'memory=99999999999T' " MEMORY},
	    /* 2^64 + 2^40 bytes, and more than the kernel counts */
	    {"limits", "memory=16777217T", "'memory=16777217T' " MEMORY},
	    {"limits", "memory=8388608T", "'memory=8388608T' " MEMORY},
	    {"limits", "memory=1GB", "'memory=1GB' " MEMORY},
	    {"limits", "memory=", "'memory=' " MEMORY},
	    {"limits", "cpu=200", "'cpu=200' " CPU},
	    {"limits", "cpu=0%", "'cpu=0%' " CPU},
	    {"limits", "tasks=7",
	     "'tasks=7' must be tasks=NUMBER from 8 to 4194304, such as tasks=512"},
	    {"limits", "tasks=9k",
	     "'tasks=9k' must be tasks=NUMBER from 8 to 4194304, such as tasks=512"},
	    {"limits", "io=0",
	     "'io=0' must be io=WEIGHT from 1 to 10000 (100 if not given), such as io=50"},
	    {"private_exec", "inherit", "must be auto, yes or no"},
	};

	(void)state;
	assert_bad_profiles(table, COUNT(table));
}

static void test_bad_hidden_processes_and_paths_are_refused(void **state)
{
	const char *const processes =
	    "must be all, own, or own and the group that sees all processes, such as own adm";
	const struct bad table[] = {
	    {"processes", "mine", processes},
	    {"processes", "all adm", processes},
	    {"processes", "own adm staff", processes},
	    {"processes", "own /adm", "the word after own must be the name of a group"},
	    {"hide", "/",
	     "'/' cannot be hidden, because logins need it; name what is secret in it"},
	    {"hide", "/proc/1/net",
	     "'/proc/1/net' cannot be hidden, because logins need it; name what is secret in it"},
	    {"hide", "/run/user/*",
	     "'/run/user' cannot be hidden, because logins need it; name what is secret in it"},
	    {"hide", "srv",
	     "'srv' must be an absolute path without '.', '..', '//' or a '/' at its end"},
	    {"hide", "/srv/*/x", "a path has letters, digits and '/._-+@'"},
	    {"hide", "?",
	     "'' must be an absolute path without '.', '..', '//' or a '/' at its end"},
	    {"hide", "/srv/* ?/srv/x", "'?/srv/x' and '/srv/*' overlap; keep one"},
	    {"read_only", "/var",
	     "'/var' cannot be read-only, because logins write to it; name what users must not "
	     "change in it"},
	    {"read_only", "/proc/sys",
	     "'/proc/sys' cannot be read-only, because logins write to it; name what users must "
	     "not "
	     "change in it"},
	    {"read_only", "/srv/*", "a path has letters, digits and '/._-+@'"},
	    {"read_only", "/srv /srv/x", "'/srv/x' and '/srv' overlap; keep one"},
	    {"read_only", "/tmp/x",
	     "'/tmp/x' overlaps with /tmp, a private directory, in which users have only their own "
	     "files; keep one"},
	    {"root", "srv/images",
	     "must be / for the host's, or the absolute path of a directory, without '.', '..', "
	     "'//' or a '/' at its end, such as /srv/images/lab or image:/srv/images/lab"},
	    {"root", "image:srv",
	     "must be / for the host's, or the absolute path of a directory, without '.', '..', "
	     "'//' or a '/' at its end, such as /srv/images/lab or image:/srv/images/lab"},
	    {"hide", "/tmp/x",
	     "'/tmp/x' overlaps with /tmp, a private directory, in which users have only their own "
	     "files; keep one"},
	};

	(void)state;
	assert_bad_profiles(table, COUNT(table));
}

static void test_bad_binds_are_refused(void **state)
{
	const char *const bind_form = "'srv:/mnt' must be SOURCE, SOURCE:TARGET or "
				      "SOURCE:TARGET:ro, of absolute paths, with %u "
				      "for the user, %U for the uid and %g for the group";
	const struct bad table[] = {
	    {"bind", "srv:/mnt", bind_form},
	    {"bind", "/srv:/mnt/%x",
	     "'/srv:/mnt/%x' must be SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro, of absolute paths, "
	     "with %u for the user, %U for the uid and %g for the group"},
	    {"bind", "/srv:/mnt:rw", "a path has letters, digits and '/._-+@'"},
	    {"bind", "/srv:/run/user",
	     "nothing can be mounted on '/run/user', because logins need the host's; name a path "
	     "in "
	     "it"},
	    {"bind", "/srv:/mnt /opt:/mnt:ro",
	     "'/opt:/mnt:ro' and '/srv:/mnt' have the same target; keep one"},
	    {"bind", "/srv:/tmp/x",
	     "'/tmp/x' overlaps with /tmp, a private directory, in which users have only their own "
	     "files; keep one"},
	};

	(void)state;
	assert_bad_profiles(table, COUNT(table));
}

static void test_bad_private_directories_are_refused(void **state)
{
	const char *const hosts =
	    "cannot be private, because logins need the host's; choose directories such as /tmp";
	const char *const normal =
	    "must be an absolute path without '.', '..', '//' or a '/' at its end";
	static const char *const refused[] = {
	    "/",    "/proc",	      "/proc/sys", "/sys/fs",	       "/dev",
	    "/run", "/run/pam-netns", "/etc",	   "/run/pam-netns/x", "/run/user/0",
	    "/usr", "/var",	      "/home",	   "/var/lib",	       "/var/log"};
	static const char *const odd[] = {"tmp", "/tmp/", "//tmp", "/tmp/../etc", "/a/./b", "/.."};

	(void)state;
	for (size_t i = 0; i < COUNT(refused) + COUNT(odd); i++) {
		const char *dir = i < COUNT(refused) ? refused[i] : odd[i - COUNT(refused)];
		const struct bad bad = {"private", dir, logged + LOG_SIZE / 2};

		snprintf(logged + LOG_SIZE / 2, 512, "'%s' %s", dir,
			 i < COUNT(refused) ? hosts : normal);
		assert_bad("[network default]\n", "profile x", 3, "match = *\n", &bad);
	}
}

static void test_private_directories_in_each_other_are_refused(void **state)
{
	static const struct bad table[] = {
	    {"private", "/tmp /tmp", "'/tmp' and '/tmp' overlap; keep one"},
	    {"private", "/tmp /tmp/x", "'/tmp/x' and '/tmp' overlap; keep one"},
	    {"private", "/srv/x /srv", "'/srv' and '/srv/x' overlap; keep one"},
	    {"private", "/tmp none",
	     "'none' must be an absolute path without '.', '..', '//' or a "
	     "'/' at its end"},
	    {"private", "/a:b",
	     "a directory's path has letters, digits and '/._-+@', and less than 256 characters"},
	};

	(void)state;
	assert_bad_profiles(table, COUNT(table));
	conf_free(parse_good("[network default]\n[profile x]\nmatch = *\nprivate = /tmp /tmpx\n"));
	conf_free(parse_good("[network default]\n[profile x]\nmatch = *\nprivate = none\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad_values_of_defaults_are_refused),
	    cmocka_unit_test(test_bad_addresses_are_refused),
	    cmocka_unit_test(test_bad_values_of_networks_are_refused),
	    cmocka_unit_test(test_bad_values_of_isolation_are_refused),
	    cmocka_unit_test(test_bad_sizes_and_limits_are_refused),
	    cmocka_unit_test(test_bad_hidden_processes_and_paths_are_refused),
	    cmocka_unit_test(test_bad_binds_are_refused),
	    cmocka_unit_test(test_bad_private_directories_are_refused),
	    cmocka_unit_test(test_private_directories_in_each_other_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
