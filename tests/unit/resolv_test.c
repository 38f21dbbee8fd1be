/* A user's resolv.conf and hosts. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "ns/resolv.h"
#include "scratch.h"

#define COMMENT                                                                                    \
	"# pam_netns: the host's name servers as this user's network reaches them; "               \
	"changes are followed\n"

static char logged[4096];
static unsigned lines_logged;

static void sink(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	snprintf(logged, sizeof(logged), "%s", text);
	lines_logged++;
}

static struct network network;

/* scratch is the root of a host. */
static int setup(void **state)
{
	log_set_sink(sink, NULL);
	lines_logged = 0;
	network = (struct network){.name = "default", .dns = SOURCE_AUTO};
	if (prefix_parse("10.203.0.0/16", &network.subnet) || scratch_setup(state))
		return -1;
	return mkdirat(scratch, "etc", 0755) || mkdirat(scratch, "run", 0755) ||
	       mkdirat(scratch, "var", 0755) || symlinkat("/run", scratch, "var/run");
}

static void folders_make(const char *path)
{
	char part[256];

	for (const char *c = strchr(path, '/'); c; c = strchr(c + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(c - path), path);
		if (mkdirat(scratch, part, 0755))
			assert_int_equal(errno, EEXIST);
	}
}

static void file_put(const char *path, const char *content)
{
	folders_make(path);
	unlinkat(scratch, path, 0);
	CLEANUP_FD int fd = openat(scratch, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
}

static void check(int expected, const char *text)
{
	CLEANUP_FREE char *out = NULL;

	assert_int_equal(resolv_text(scratch, &network, &out), expected);
	assert_memory_equal(out, COMMENT, strlen(COMMENT));
	assert_string_equal(out + strlen(COMMENT), text);
}

static void test_plain_file_is_copied_without_stubs(void **state)
{
	(void)state;
	file_put("etc/resolv.conf", "# comment\n"
				    "; nameserver 192.0.2.66\n"
				    " nameserver 192.0.2.67\n"
				    "nameserver192.0.2.68\n"
				    "domain example.org\n"
				    "search example.org lab.example.org \r\n"
				    "nameserver\t192.0.2.1  \n"
				    "nameserver 192.0.2.2 # said twice\n"
				    "options edns0 trust-ad rotate ndots:2\n"
				    "sortlist 10.0.0.0\n"
				    "nameserver 2001:db8::53");
	check(0, "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 2001:db8::53\n"
		 "domain example.org\nsearch example.org lab.example.org\n"
		 "options edns0 trust-ad rotate ndots:2\n");
	network.subnet6_source = SOURCE_NONE;
	check(0, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
		 "domain example.org\nsearch example.org lab.example.org\n"
		 "options edns0 trust-ad rotate ndots:2\n");
	assert_int_equal(lines_logged, 0);
}

static void test_servers_beyond_three_are_left_out(void **state)
{
	(void)state;
	file_put("etc/resolv.conf",
		 "nameserver 192.0.2.1\nnameserver 127.0.0.1\nnameserver 192.0.2.2\n"
		 "nameserver 192.0.2.3\nnameserver 192.0.2.4\n");
	check(0, "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n");
}

#define STUB                                                                                       \
	"nameserver 127.0.0.53\nnameserver ::1\nnameserver 0.0.0.0\nnameserver ::\n"               \
	"nameserver fe80::1%eth0\nnameserver fe80::1\nnameserver 169.254.169.253\n"                \
	"nameserver ::ffff:127.0.0.1\nnameserver x\nnameserver\nsearch lan\n"

static void test_servers_of_a_stub_come_from_its_files(void **state)
{
	/* From the last to the first: each file is preferred to the one before. */
	static const char *const files[] = {
	    "run/dnsmasq/resolv.conf",
	    "etc/resolvconf/run/resolv.conf",
	    "run/resolvconf/resolv.conf",
	    "run/NetworkManager/resolv.conf",
	    "run/NetworkManager/no-stub-resolv.conf",
	    "run/systemd/resolve/resolv.conf",
	};
	char content[128], expected[128];

	(void)state;
	file_put("etc/resolv.conf", STUB);
	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(content, sizeof(content), "search other\nnameserver 192.0.2.%u\n", i);
		snprintf(expected, sizeof(expected), "nameserver 192.0.2.%u\nsearch lan\n", i);
		file_put(files[i], content);
		check(0, expected);
	}
	/* A file with stubs only is passed over. */
	file_put(files[5], STUB);
	check(0, "nameserver 192.0.2.4\nsearch lan\n");
	assert_int_equal(lines_logged, 0);
}

static void test_links_stay_below_the_root(void **state)
{
	(void)state;
	file_put("run/systemd/resolve/stub-resolv.conf", STUB);
	file_put("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.9\n");
	assert_int_equal(
	    symlinkat("../run/systemd/resolve/stub-resolv.conf", scratch, "etc/resolv.conf"), 0);
	check(0, "nameserver 192.0.2.9\nsearch lan\n");
	/* An absolute link, and a link with too many '..', stay below the root. */
	file_put("run/other/resolv.conf", "nameserver 192.0.2.10\n");
	unlinkat(scratch, "etc/resolv.conf", 0);
	assert_int_equal(symlinkat("/var/run/other/resolv.conf", scratch, "etc/resolv.conf"), 0);
	check(0, "nameserver 192.0.2.10\n");
	unlinkat(scratch, "etc/resolv.conf", 0);
	assert_int_equal(symlinkat("../../../../run/other/resolv.conf", scratch, "etc/resolv.conf"),
			 0);
	check(0, "nameserver 192.0.2.10\n");
	assert_int_equal(lines_logged, 0);
}

static void test_missing_servers_are_reported(void **state)
{
	(void)state;
	check(-ENOENT, "");
	file_put("etc/resolv.conf", STUB "options edns0\n");
	check(-ENOENT, "search lan\noptions edns0\n");
	assert_int_equal(lines_logged, 0);
	resolv_warn_missing(&network);
	assert_int_equal(lines_logged, 1);
	assert_non_null(strstr(logged, "[network default]"));
	assert_non_null(strstr(logged, "listen-address=10.203.0.1"));
}

static void test_dns_of_the_conf_decides(void **state)
{
	(void)state;
	file_put("etc/resolv.conf", "nameserver 192.0.2.1\nsearch lan\n");
	network.dns = SOURCE_GIVEN;
	network.dns_count = 2;
	assert_int_equal(address_parse("198.51.100.1", &network.dns_servers[0]), 0);
	assert_int_equal(address_parse("2001:db8::1", &network.dns_servers[1]), 0);
	check(0, "nameserver 198.51.100.1\nnameserver 2001:db8::1\nsearch lan\n");
	network.dns = SOURCE_NONE;
	check(0, "");
	assert_int_equal(lines_logged, 0);
}

static void test_bad_files_are_passed_over(void **state)
{
	char *big = malloc(70000), line[3000];

	(void)state;
	file_put("run/dnsmasq/resolv.conf", "nameserver 192.0.2.1\n");
	assert_int_equal(mkfifoat(scratch, "etc/resolv.conf", 0644), 0);
	check(0, "nameserver 192.0.2.1\n");
	assert_true(lines_logged > 0);
	unlinkat(scratch, "etc/resolv.conf", 0);
	assert_int_equal(symlinkat("resolv.conf", scratch, "etc/resolv.conf"), 0);
	check(0, "nameserver 192.0.2.1\n");
	unlinkat(scratch, "etc/resolv.conf", 0);
	assert_int_equal(mkdirat(scratch, "etc/resolv.conf", 0755), 0);
	check(0, "nameserver 192.0.2.1\n");
	unlinkat(scratch, "etc/resolv.conf", AT_REMOVEDIR);
	memset(big, '\n', 70000);
	big[69999] = '\0';
	file_put("etc/resolv.conf", big);
	check(0, "nameserver 192.0.2.1\n");
	/* Lines that are too long or have control characters are left out. */
	memset(line, 'x', sizeof(line));
	memcpy(line, "search ", 7);
	line[sizeof(line) - 1] = '\0';
	big[0] = '\0';
	for (int i = 0; i < 20; i++)
		strcat(strcat(big, line), "\n");
	strcat(big, "options rotate\noptions \x1b[2J\nnameserver 192.0.2.2\n");
	file_put("etc/resolv.conf", big);
	CLEANUP_FREE char *out = NULL;

	assert_int_equal(resolv_text(scratch, &network, &out), 0);
	assert_non_null(strstr(out, "\nnameserver 192.0.2.2\n"));
	assert_non_null(strstr(out, "x\noptions rotate\n"));
	assert_null(strchr(out, '\x1b'));
	assert_int_equal(out[strlen(out) - 1], '\n');
	free(big);
}

static void test_file_beyond_limit_is_refused(void **state)
{
	char *text = malloc(65536 + 2);

	(void)state;
	memset(text, '\n', 65536 + 1);
	memcpy(text, "nameserver 192.0.2.1", 20);
	text[65536] = '\0';
	file_put("etc/resolv.conf", text);
	check(0, "nameserver 192.0.2.1\n");
	text[65536] = '\n';
	text[65537] = '\0';
	file_put("etc/resolv.conf", text);
	check(-ENOENT, "");
	free(text);
}

static void content_check(const char *name, const char *expected)
{
	char content[16384];
	struct stat st;

	assert_true(files_read(scratch, name, content, sizeof(content)) >= 0);
	assert_string_equal(content, expected);
	assert_int_equal(fstatat(scratch, name, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

static void test_update_writes_in_place(void **state)
{
	mode_t mask = umask(077);
	struct stat before, after;

	(void)state;
	assert_int_equal(resolv_update(scratch, "r", "nameserver 192.0.2.1\n"), 1);
	umask(mask);
	content_check("r", "nameserver 192.0.2.1\n");
	assert_int_equal(fstatat(scratch, "r", &before, 0), 0);
	assert_int_equal(resolv_update(scratch, "r", "nameserver 192.0.2.1\n"), 0);
	assert_true(resolv_same(scratch, "r", "nameserver 192.0.2.1\n"));
	assert_false(resolv_same(scratch, "r", "nameserver 192.0.2.2\n"));
	assert_false(resolv_same(scratch, "none", ""));
	assert_int_equal(resolv_update(scratch, "r", "nameserver 192.0.2.2\n"), 1);
	content_check("r", "nameserver 192.0.2.2\n");
	assert_int_equal(resolv_update(scratch, "r", "short\n"), 1);
	content_check("r", "short\n");
	assert_int_equal(resolv_update(scratch, "r", ""), 1);
	content_check("r", "");
	assert_int_equal(resolv_update(scratch, "r", "nameserver 192.0.2.2\nsearch lan\n"), 1);
	content_check("r", "nameserver 192.0.2.2\nsearch lan\n");
	/* The file is written in place, so a mount of it shows the new text. */
	assert_int_equal(fstatat(scratch, "r", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(fchmodat(scratch, "r", 0666, 0), 0);
	assert_false(resolv_same(scratch, "r", "nameserver 192.0.2.2\nsearch lan\n"));
	assert_int_equal(resolv_update(scratch, "r", "nameserver 192.0.2.2\nsearch lan\n"), 0);
	content_check("r", "nameserver 192.0.2.2\nsearch lan\n");
	assert_int_equal(lines_logged, 0);
}

static void test_update_refuses_planted_files(void **state)
{
	(void)state;
	file_put("precious", "precious");
	assert_int_equal(symlinkat("precious", scratch, "link"), 0);
	assert_int_equal(resolv_update(scratch, "link", "x"), -ELOOP);
	assert_int_equal(mkfifoat(scratch, "fifo", 0644), 0);
	assert_int_equal(resolv_update(scratch, "fifo", "x"), -EINVAL);
	assert_int_equal(mkdirat(scratch, "folder", 0755), 0);
	assert_int_equal(resolv_update(scratch, "folder", "x"), -EISDIR);
	file_put("theirs", "x");
	assert_int_equal(fchownat(scratch, "theirs", 1000, 1000, 0), 0);
	assert_int_equal(resolv_update(scratch, "theirs", "y"), -EPERM);
	content_check("precious", "precious");
	content_check("theirs", "x");
	assert_int_equal(lines_logged, 4);
}

/* A reader sees the old or the new text, perhaps with empty lines after it, but no mixture. */
static void test_reader_sees_old_or_new_text(void **state)
{
	static const char longer[] = "nameserver 192.0.2.1\nsearch a.example b.example\n";
	static const char shorter[] = "nameserver 192.0.2.1\n";
	char text[256];
	pid_t writer;

	(void)state;
	assert_int_equal(resolv_update(scratch, "r", longer), 1);
	writer = fork();
	if (writer == 0) {
		for (unsigned i = 0; i < 20000; i++)
			if (resolv_update(scratch, "r", i % 2 ? longer : shorter) != 1)
				_exit(1);
		_exit(0);
	}
	for (unsigned i = 0; i < 5000; i++) {
		ssize_t n = files_read(scratch, "r", text, sizeof(text));

		assert_true(n >= (ssize_t)strlen(shorter));
		assert_memory_equal(text, shorter, strlen(shorter));
		for (ssize_t at = (ssize_t)strlen(shorter); at < n; at++)
			assert_true(text[at] == '\n' || text[at] == longer[at]);
	}
	int status;

	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
}

static void hosts_check(const char *hosts, const char *hostname, const char *added)
{
	CLEANUP_FREE char *text = NULL;

	if (hosts)
		file_put("etc/hosts", hosts);
	assert_int_equal(hosts_text(scratch, hostname, &text), 0);
	assert_memory_equal(text, hosts ? hosts : "", hosts ? strlen(hosts) : 0);
	assert_string_equal(text + (hosts ? strlen(hosts) : 0), added);
}

static void test_hosts_file_gets_the_host_name(void **state)
{
	(void)state;
	hosts_check(NULL, "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.0.1 localhost\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.0.1 localhost", "lab", "\n127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.0.1 localhost\n", "lab.example.org",
		    "127.0.1.1\tlab.example.org\tlab\n::1\tlab.example.org\tlab\n");
	/* The name is in the file already. */
	hosts_check("127.0.1.1 lab\n", "lab", "");
	hosts_check("127.0.0.1 localhost\n192.0.2.1\tlab.example.org LAB", "lab", "");
	hosts_check("  127.0.1.1   x \t lab#comment\r\n", "lab", "");
	hosts_check("127.0.1.1 x lab\r\n", "lab", "");
	/* The name is not in the file. */
	hosts_check("127.0.1.1 labs\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.1.1 la\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("lab 127.0.1.1\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.1 lab\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("2001:db8:0000:0000:0000:0000:0000:0000:0001:7 lab\n", "lab",
		    "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("::ffff:127.0.1.1 lab\n", "lab", "");
	hosts_check("#127.0.1.1 lab\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.1.1 # lab\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	hosts_check("127.0.1.1\nlab\n", "lab", "127.0.1.1\tlab\n::1\tlab\n");
	assert_int_equal(lines_logged, 0);
}

static void test_hosts_file_refuses_bad_names(void **state)
{
	static const char *const names[] = {
	    "",
	    "a b",
	    "a\nb",
	    "a#b",
	    ".",
	    "a\tb",
	    "\xc3\xa4",
	    "a123456789b123456789c123456789d123456789e123456789f1234"
	    "56789g123456789"};
	char *text = (char *)names;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(hosts_text(scratch, names[i], &text), -EINVAL);
		assert_null(text);
	}
	assert_int_equal(mkfifoat(scratch, "etc/hosts", 0644), 0);
	assert_int_equal(hosts_text(scratch, "lab", &text), -EINVAL);
	unlinkat(scratch, "etc/hosts", 0);
	fd = openat(scratch, "etc/hosts", O_WRONLY | O_CREAT, 0644);
	assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
	close(fd);
	assert_int_equal(hosts_text(scratch, "lab", &text), -EFBIG);
	assert_null(text);
}

#define RESOLV_TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RESOLV_TEST(test_plain_file_is_copied_without_stubs),
	    RESOLV_TEST(test_servers_beyond_three_are_left_out),
	    RESOLV_TEST(test_servers_of_a_stub_come_from_its_files),
	    RESOLV_TEST(test_links_stay_below_the_root),
	    RESOLV_TEST(test_missing_servers_are_reported),
	    RESOLV_TEST(test_dns_of_the_conf_decides),
	    RESOLV_TEST(test_bad_files_are_passed_over),
	    RESOLV_TEST(test_file_beyond_limit_is_refused),
	    RESOLV_TEST(test_update_writes_in_place),
	    RESOLV_TEST(test_update_refuses_planted_files),
	    RESOLV_TEST(test_reader_sees_old_or_new_text),
	    RESOLV_TEST(test_hosts_file_gets_the_host_name),
	    RESOLV_TEST(test_hosts_file_refuses_bad_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
