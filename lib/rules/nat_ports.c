/* NAT's ports for users; see nat_ports.h. */
#include "rules/nat_ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_FIRST 1024 /* lower ports are trusted */
#define PORT_LAST  65535
#define PORTS_MIN  4096 /* with fewer, users get some of the host's */

#define TCP_LISTENS 0x0aU /* TCP_LISTEN and TCP_CLOSE of the kernel's tcp_states.h */
#define UDP_IS_OPEN 0x07U

void port_set_clear(struct port_set *set)
{
	memset(set, 0, sizeof(*set));
}

void port_set_add(struct port_set *set, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last && port <= PORT_LAST; port++)
		set->bits[port / 8] |= (uint8_t)(1U << port % 8);
}

unsigned port_set_next(const struct port_set *set, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last && port <= PORT_LAST; port++)
		if (set->bits[port / 8] >> port % 8 & 1)
			return port;
	return 0;
}

/* The kernel prints an address as the words that are in memory. */
static bool is_loopback(const char *hex)
{
	static const struct {
		uint8_t bytes[16];
		unsigned compared;
	} forms[] = {{{[15] = 1}, 16}, {{[10] = 0xff, 0xff, 127}, 13}};
	uint8_t address[16] = {0};
	size_t words = strspn(hex, "0123456789ABCDEF") / 8;

	for (size_t i = 0; i < words && i < 4; i++) {
		char word[9] = "";
		uint32_t value;

		memcpy(word, hex + 8 * i, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(address + 4 * i, &value, 4);
	}
	if (words == 1)
		return address[0] == 127;
	for (size_t i = 0; i < 2; i++)
		if (memcmp(address, forms[i].bytes, forms[i].compared) == 0)
			return true;
	return false;
}

int nat_ports_services_of(const char *path, struct port_set *services)
{
	CLEANUP_FILE FILE *file = fopen(path, "re");
	CLEANUP_FREE char *line = NULL;
	char address[33];
	unsigned port, state;
	size_t room = 0;
	int result = file || errno == ENOENT ? 0 : -errno;

	while (file && getline(&line, &room, file) > 0)
		if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %x", address, &port,
			   &state) == 3 &&
		    (state == TCP_LISTENS || state == UDP_IS_OPEN) && !is_loopback(address))
			port_set_add(services, port, port);
	if (file && ferror(file))
		result = -EIO;
	return result;
}

int nat_ports_services(struct port_set *services)
{
	static const char *const paths[] = {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp",
					    "/proc/net/udp6"};
	int result = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && result == 0; i++)
		result = nat_ports_services_of(paths[i], services);
	return result;
}

/* A list in the form of the kernel: "FIRST-LAST" or "PORT", with commas. */
static void list_add(struct port_set *set, const char *list)
{
	for (;;) {
		char *end;
		unsigned first = (unsigned)strtoul(list, &end, 10), last = first;

		if (end == list)
			return;
		if (*end == '-')
			last = (unsigned)strtoul(end + 1, &end, 10);
		port_set_add(set, first, last);
		if (*end != ',')
			return;
		list = end + 1;
	}
}

/* The largest range without a port of the set; false if it is too small. */
static bool range_largest(const struct port_set *taken, struct nat_ports *out)
{
	unsigned most = 0;

	*out = (struct nat_ports){0};
	for (unsigned first = PORT_FIRST, next; first <= PORT_LAST; first = next + 1) {
		next = port_set_next(taken, first, PORT_LAST) ?: PORT_LAST + 1;
		if (next - first > most) {
			most = next - first;
			*out = (struct nat_ports){(uint16_t)first, (uint16_t)(next - 1)};
		}
	}
	return most >= PORTS_MIN;
}

bool nat_ports_choose(const char *local, const char *reserved, const struct port_set *services,
		      struct nat_ports *out)
{
	unsigned first = 32768, last = 60999;
	struct port_set own, all;

	port_set_clear(&own);
	list_add(&own, reserved);
	(void)!sscanf(local, "%u %u", &first, &last);
	all = own;
	port_set_add(&all, first, last);
	for (size_t i = 0; i < sizeof(all.bits); i++)
		all.bits[i] |= services->bits[i];
	if (range_largest(&all, out))
		return true;
	all = own;
	port_set_add(&all, first, last);
	if (range_largest(&all, out))
		return true;
	(void)range_largest(&own, out);
	if (!out->last)
		*out = (struct nat_ports){PORT_FIRST, PORT_LAST};
	out->last = (uint16_t)(out->first + (out->last - out->first) / 4);
	return false;
}
