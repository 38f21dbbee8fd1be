/*
 * The host's resolv.conf, the files of its resolvers, and its hosts file, by the first byte. A user gets no
 * loopback name server, and a host name that resolves.
 */
#include <errno.h>
#include <netinet/in.h>

#include "base/address.h"
#include "fuzz.h"
#include "ns/resolv.h"

static struct network network;

/* No line of the result names a server that is the user's own loopback. */
static void resolv_check(char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		struct address address;

		if (strncmp(line, "nameserver ", 11) != 0)
			continue;
		if (address_parse(line + 11, &address) < 0)
			abort();
		if (address.family == AF_INET && address.bytes[0] == 127)
			abort();
		if (address.family == AF_INET6 &&
		    IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)address.bytes))
			abort();
	}
}

static void try_resolv(int root)
{
	CLEANUP_FREE char *text = NULL;
	int result = resolv_text(root, &network, &text);

	if (strlen(text) < 10)
		abort(); /* it begins with a comment */
	if (result == 0)
		resolv_check(text);
}

static void try_hosts(int root)
{
	char *text = NULL;

	if (hosts_text(root, "a.lab-7", &text) == 0 && !strcasestr(text, "a.lab-7"))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {"etc/resolv.conf", "run/systemd/resolve/resolv.conf",
					    "etc/hosts"};
	unsigned kind = size ? data[0] % 3 : 0;

	if (!size)
		return 0;
	folder_add("etc");
	folder_add("run");
	folder_add("run/systemd");
	folder_add("run/systemd/resolve");
	network = (struct network){.name = "n", .dns = SOURCE_AUTO};
	if (prefix_parse("10.9.0.0/16", &network.subnet) < 0)
		abort();
	file_put("etc/resolv.conf", "nameserver 127.0.0.53\n", 22);
	file_put("run/systemd/resolve/resolv.conf", "", 0);
	file_put(files[kind], data + 1, size - 1);
	if (kind == 2)
		try_hosts(folder_open());
	else
		try_resolv(folder_open());
	return 0;
}
