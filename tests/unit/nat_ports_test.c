/* Ports that NAT gives to users. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules/nat_ports.h"

static void test_ports_lie_beside_the_hosts_range(void **state)
{
	static const struct {
		const char *local, *reserved;
		unsigned first, last;
		bool enough;
	} table[] = {
	    {"32768\t60999", "", 1024, 32767, true},
	    {"32768\t60999", "8080,30000-32767", 8081, 29999, true},
	    {"1024\t60999", "", 61000, 65535, true},
	    {"1024\t60999", "65000-65535", 1024, 17017, false},
	    {"10000\t65535", "", 1024, 9999, true},
	    {"2000\t65535", "", 1024, 17151, false},
	    {"1024\t65535", "40000", 1024, 10767, false},
	    {"1024\t65535", "1024-65535", 1024, 17151, false},
	    {"0\t65535", "", 1024, 17151, false},
	    {"1\t1023", "1-1023,1025", 1026, 65535, true},
	    {"40000\t40100", "20000-50000", 1024, 19999, true},
	    {"40000\t50000", "1-65535", 1024, 17151, false},
	    {"not two numbers", "nor a list", 1024, 32767, true},
	    {"", "", 1024, 32767, true},
	    {"32768\t60999", "1-", 1024, 32767, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct port_set none = {0};
		struct nat_ports ports;

		assert_int_equal(nat_ports_choose(table[i].local, table[i].reserved, &none, &ports),
				 table[i].enough);
		assert_int_equal(ports.first, table[i].first);
		assert_int_equal(ports.last, table[i].last);
	}
}

static void test_ports_of_services_are_left_out(void **state)
{
	struct port_set services = {0};
	struct nat_ports ports;

	(void)state;
	port_set_add(&services, 5060, 5060);
	port_set_add(&services, 20000, 20000);
	assert_true(nat_ports_choose("32768\t60999", "", &services, &ports));
	assert_int_equal(ports.first, 5061);
	assert_int_equal(ports.last, 19999);
	/* If services leave no range, users get the ports of services too. */
	for (unsigned port = 2000; port < 65536; port += 2000)
		port_set_add(&services, port, port);
	assert_true(nat_ports_choose("32768\t60999", "", &services, &ports));
	assert_int_equal(ports.first, 1024);
	assert_int_equal(ports.last, 32767);
}

static void test_port_set_finds_the_next_port(void **state)
{
	struct port_set set = {0};

	(void)state;
	assert_int_equal(port_set_next(&set, 0, 65535), 0);
	port_set_add(&set, 80, 82);
	port_set_add(&set, 65535, 70000);
	assert_int_equal(port_set_next(&set, 1, 65535), 80);
	assert_int_equal(port_set_next(&set, 82, 65534), 82);
	assert_int_equal(port_set_next(&set, 83, 65534), 0);
	assert_int_equal(port_set_next(&set, 83, 65535), 65535);
}

#define HEAD	      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
#define REST	      " 00000000:00000000 00:00000000 00000000     0        0 1\n"
#define LINE(a, end)  "   0: " a " 00000000:0000 " end REST
#define LINE6(a, end) "   0: " a " 00000000000000000000000000000000:0000 " end REST

/* The file of a little-endian machine. */
static void test_socket_list_gives_ports_of_services(void **state)
{
	static const char text[] = HEAD LINE("00000000:1F90", "0A") /* listens on 8080 */
	    LINE("0100007F:1538", "0A")				    /* on 127.0.0.1 alone */
	    LINE("026433C6:0BB8", "01")				    /* connected */
	    LINE("026433C6:13C4", "07")				    /* UDP, 5060 */
	    LINE6("00000000000000000000000000000000:0FA0", "0A")    /* on any */
	    LINE6("00000000000000000000000001000000:0FA1", "0A")    /* on ::1 alone */
	    LINE6("0000000000000000FFFF00000100007F:0FA2", "07")    /* on ::ffff:127.0.0.1 */
	    LINE6("B80D0120510000000000000002000000:0FA3", "07") "  torn: 000";
	static const unsigned expected[] = {4000, 4003, 5060, 8080, 0};
	char path[] = "/tmp/nat_ports_test.XXXXXX";
	struct port_set services = {0};
	int fd = mkstemp(path);
	unsigned port = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(nat_ports_services_of(path, &services), 0);
	unlink(path);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		port = port_set_next(&services, port + 1, 65535);
		assert_int_equal(port, expected[i]);
	}
	assert_int_equal(nat_ports_services_of(path, &services), 0); /* for example without IPv6 */
	assert_int_equal(nat_ports_services(&services), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ports_lie_beside_the_hosts_range),
	    cmocka_unit_test(test_ports_of_services_are_left_out),
	    cmocka_unit_test(test_port_set_finds_the_next_port),
	    cmocka_unit_test(test_socket_list_gives_ports_of_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
