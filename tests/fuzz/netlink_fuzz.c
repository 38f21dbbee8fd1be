/*
 * Netlink answers to a batch, to a query and to the search for connections. "\xff\xff" separates packets
 * of the input. The socket is one of a pair, whose other end closes after the last packet.
 */
#include <sys/socket.h>

#include "net/conntrack.h"
#include "fuzz.h"
#include "net/netlink.h"

static void log_ignore(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static int visit(void *context, struct nlmsghdr *answer)
{
	const struct nlattr *attributes[8];
	unsigned *visited = context;

	if (!netlink_parse(answer, 4, attributes, 7))
		return 0;
	for (int i = 0; i < 8; i++)
		if (attributes[i] && attribute_size(attributes[i]) > answer->nlmsg_len)
			abort();
	return ++*visited > 10000 ? -EIO : 0;
}

static void packets_send(int socket, const uint8_t *data, size_t size)
{
	while (size) {
		const uint8_t *end = memmem(data, size, "\xff\xff", 2);
		size_t length = end ? (size_t)(end - data) : size;

		if (length && send(socket, data, length, MSG_DONTWAIT) < 0)
			break;
		data += length + (end ? 2 : 0);
		size -= length + (end ? 2 : 0);
	}
	shutdown(socket, SHUT_WR);
}

static void try_batch(struct netlink *netlink)
{
	struct netlink_batch batch;

	netlink_batch_init(&batch);
	for (int i = 0; i < 3; i++)
		netlink_add(&batch, netlink_request(16, NLM_F_CREATE, "head", 4), "try", ENOENT);
	(void)!netlink_run(netlink, &batch);
}

static void try_query(struct netlink *netlink)
{
	unsigned visited = 0;

	(void)!netlink_query(netlink, netlink_request(18, NLM_F_DUMP, "head", 4), "try", visit,
			     &visited);
}

static void try_connections(struct netlink *netlink)
{
	struct prefix all = {.address.family = AF_INET};

	(void)!conntrack_drop(netlink, &all, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];
	struct netlink netlink = {.sequence = 1};

	if (!size)
		return 0;
	log_set_sink(log_ignore, NULL); /* the kernel's messages are not checked */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	netlink.fd = pair[0];
	packets_send(pair[1], data + 1, size - 1);
	if (data[0] & 1)
		try_batch(&netlink);
	else if (data[0] & 2)
		try_connections(&netlink);
	else
		try_query(&netlink);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
