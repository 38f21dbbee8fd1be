/* A small netlink transport; see netlink.h. */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"

#define RECEIVE_SIZE 65536

int netlink_open(struct netlink *netlink, int protocol)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int one = 1;

	netlink->sequence = 0;
	netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (netlink->fd < 0)
		return log_errno(errno, "open a netlink socket");
	/* Connected to the kernel (port 0): nobody else's messages are received. */
	if (connect(netlink->fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		int error = errno;

		netlink_close(netlink);
		return log_errno(error, "connect a netlink socket");
	}
	/* Acknowledgements without the request's copy, errors with the kernel's own words. */
	(void)setsockopt(netlink->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)setsockopt(netlink->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->fd >= 0)
		close(netlink->fd);
	netlink->fd = -1;
}

void netlink_batch_init(struct netlink_batch *batch)
{
	memset(batch, 0, sizeof(*batch));
}

void netlink_batch_free(struct netlink_batch *batch)
{
	free(batch->data);
	batch->data = NULL;
}

struct nl_msg *netlink_request(int type, int flags, const void *header, size_t header_size)
{
	struct nl_msg *message = nlmsg_alloc_size(4096);

	if (!message)
		return NULL;
	if (!nlmsg_put(message, 0, 0, type, 0, NLM_F_REQUEST | flags) ||
	    nlmsg_append(message, (void *)(uintptr_t)header, header_size, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static bool batch_reserve(struct netlink_batch *batch, size_t more)
{
	size_t size = batch->size ? batch->size : 4096;
	char *data;

	while (size < batch->used + more)
		size *= 2;
	if (size == batch->size)
		return true;
	data = realloc(batch->data, size);
	if (!data)
		return false;
	batch->data = data;
	batch->size = size;
	return true;
}

void netlink_add(struct netlink_batch *batch, struct nl_msg *message, const char *what,
		 int tolerated)
{
	size_t length = message ? NLMSG_ALIGN(nlmsg_hdr(message)->nlmsg_len) : 0;

	if (!message || batch->count == NETLINK_BATCH_MAX || !batch_reserve(batch, length)) {
		batch->broken = true;
	} else {
		memcpy(batch->data + batch->used, nlmsg_hdr(message), length);
		batch->used += length;
		batch->requests[batch->count++] =
		    (struct netlink_request){.what = what, .tolerated = tolerated, .result = -EIO};
	}
	nlmsg_free(message);
}

/* Numbers the requests. A request without NLM_F_ACK (a netfilter batch's end) is answered never. */
static unsigned batch_number(struct netlink_batch *batch, uint32_t first)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)batch->data;
	unsigned expected = 0;
	int left = (int)batch->used;

	for (unsigned i = 0; i < batch->count; i++) {
		header->nlmsg_seq = first + i;
		if (header->nlmsg_flags & NLM_F_ACK)
			expected++;
		else
			batch->requests[i].result = 0;
		header = nlmsg_next(header, &left);
	}
	return expected;
}

/* The kernel's own explanation of an error (NETLINK_EXT_ACK), or NULL. */
static const char *error_text(struct nlmsghdr *answer, const struct nlmsgerr *error)
{
	int left = (int)answer->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*error));
	struct nlattr *attribute =
	    (struct nlattr *)(void *)((char *)NLMSG_DATA(answer) + sizeof(*error));

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED)) {
		int copied = (int)NLMSG_ALIGN(error->msg.nlmsg_len) - (int)sizeof(error->msg);

		left -= copied;
		attribute = (struct nlattr *)(void *)((char *)attribute + copied);
	}
	for (; nla_ok(attribute, left); attribute = nla_next(attribute, &left))
		if (nla_type(attribute) == NLMSGERR_ATTR_MSG && nla_len(attribute) > 0 &&
		    ((char *)nla_data(attribute))[nla_len(attribute) - 1] == '\0')
			return nla_data(attribute);
	return NULL;
}

static ssize_t receive(struct netlink *netlink, char *buffer)
{
	ssize_t length;

	do
		length = recv(netlink->fd, buffer, RECEIVE_SIZE, 0);
	while (length < 0 && errno == EINTR);
	return length < 0 ? -errno : length;
}

static int send_all(struct netlink *netlink, const void *data, size_t size)
{
	ssize_t sent;

	do
		sent = send(netlink->fd, data, size, 0);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent == size ? 0 : -EIO;
	return -errno;
}

/* Takes one answer to a batch; returns the number of requests that it settles (0 or 1). */
static unsigned batch_answer(struct netlink_batch *batch, uint32_t first, struct nlmsghdr *answer)
{
	uint32_t i = answer->nlmsg_seq - first;
	const struct nlmsgerr *error = NLMSG_DATA(answer);
	struct netlink_request *request;
	const char *text;

	if (answer->nlmsg_type != NLMSG_ERROR || i >= batch->count)
		return 0;
	request = &batch->requests[i];
	request->result = error->error;
	request->was_tolerated = request->result < 0 && request->result == -request->tolerated;
	if (request->was_tolerated)
		request->result = 0;
	text = error_text(answer, error);
	if (request->result < 0)
		log_debug("netlink: %s: %s%s%s", request->what, strerror(-request->result),
			  text ? ": " : "", text ? text : "");
	return 1;
}

static int batch_receive(struct netlink *netlink, struct netlink_batch *batch, uint32_t first,
			 unsigned expected)
{
	CLEANUP_FREE char *buffer = malloc(RECEIVE_SIZE);

	if (!buffer)
		return -ENOMEM;
	while (expected) {
		ssize_t length = receive(netlink, buffer);
		struct nlmsghdr *answer = (struct nlmsghdr *)(void *)buffer;
		int left = (int)length;

		if (length < 0)
			return (int)length;
		for (; nlmsg_ok(answer, left); answer = nlmsg_next(answer, &left)) {
			unsigned settled = batch_answer(batch, first, answer);

			expected -= settled < expected ? settled : expected;
		}
	}
	return 0;
}

int netlink_run(struct netlink *netlink, struct netlink_batch *batch)
{
	uint32_t first = netlink->sequence + 1;
	int result;

	if (batch->broken)
		return log_errno(ENOMEM, "build a netlink request");
	if (!batch->count)
		return 0;
	netlink->sequence += batch->count;
	unsigned expected = batch_number(batch, first);

	result = send_all(netlink, batch->data, batch->used);
	if (result == 0)
		result = batch_receive(netlink, batch, first, expected);
	if (result < 0)
		result = log_errno(-result, "talk netlink");
	for (unsigned i = 0; i < batch->count && result == 0; i++)
		if (batch->requests[i].result < 0)
			result =
			    log_errno(-batch->requests[i].result, "%s", batch->requests[i].what);
	batch->used = 0;
	batch->count = 0;
	return result;
}

/* One packet of the answer; 1 when it was the last one. */
static int query_packet(struct nlmsghdr *answer, int left, uint32_t sequence,
			int (*visit)(void *, struct nlmsghdr *), void *context)
{
	for (; nlmsg_ok(answer, left); answer = nlmsg_next(answer, &left)) {
		int result = 0;

		if (answer->nlmsg_seq != sequence)
			continue;
		if (answer->nlmsg_type == NLMSG_ERROR) {
			result = ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
			return result < 0 ? result : 1;
		}
		if (answer->nlmsg_type == NLMSG_DONE)
			return 1;
		if (visit)
			result = visit(context, answer);
		if (result < 0)
			return result;
		if (!(answer->nlmsg_flags & NLM_F_MULTI))
			return 1;
	}
	return 0;
}

int netlink_query(struct netlink *netlink, struct nl_msg *message, const char *what,
		  int (*visit)(void *context, struct nlmsghdr *answer), void *context)
{
	CLEANUP_FREE char *buffer = malloc(RECEIVE_SIZE);
	uint32_t sequence = ++netlink->sequence;
	int result;

	if (!buffer || !message) {
		nlmsg_free(message);
		return log_errno(ENOMEM, "%s", what);
	}
	nlmsg_hdr(message)->nlmsg_seq = sequence;
	result = send_all(netlink, nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len);
	nlmsg_free(message);
	while (result == 0) {
		ssize_t length = receive(netlink, buffer);

		if (length < 0)
			result = (int)length;
		else
			result = query_packet((struct nlmsghdr *)(void *)buffer, (int)length,
					      sequence, visit, context);
	}
	/* Absence is an answer, which the caller judges; the rest is told here. */
	if (result < 0 && result != -ENOENT && result != -ENODEV)
		log_errno(-result, "%s", what);
	return result < 0 ? result : 0;
}
