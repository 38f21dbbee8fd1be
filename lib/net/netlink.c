/* A small netlink transport; see netlink.h. */
#include "net/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/large.h"
#include "base/log.h"
#include "net/rtnl.h"

#define ERRNO_END 4096 /* the kernel's errors are -4095 to -1 */

/* One answer; the kernel bounds its size. Static, because zeroed pages that are
 * never used cost nothing. */
static char receive_buffer[65536] LARGE_BUFFER __attribute__((aligned(NLMSG_ALIGNTO)));

static bool explain = true;

void netlink_explain(bool wanted)
{
	explain = wanted;
}

int netlink_open(struct netlink *netlink, int protocol)
{
	*netlink = (struct netlink){.protocol = protocol};
	netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	return netlink->fd < 0 ? log_errno(errno, "open a netlink socket") : 0;
}

/* The first batch of a socket asks for errors with the kernel's own words. */
static void errors_explain(struct netlink *netlink)
{
	int one = 1;

	if (netlink->explains || !explain)
		return;
	netlink->explains = true;
	(void)setsockopt(netlink->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->fd >= 0)
		close(netlink->fd);
	netlink->fd = -1;
}

void netlink_batch_init(struct netlink_batch *batch)
{
	batch->used = 0;
	batch->count = 0;
	batch->broken = false;
	batch->other = NULL;
}

struct netlink_message *netlink_request(int type, int flags, const void *header, size_t header_size)
{
	static struct netlink_message message;

	message.full = false;
	message.header = (struct nlmsghdr){
	    .nlmsg_len = NLMSG_HDRLEN,
	    .nlmsg_type = (uint16_t)type,
	    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	};
	netlink_append(&message, header, header_size);
	return &message;
}

void netlink_add(struct netlink_batch *batch, const struct netlink_message *message,
		 const char *what, int tolerated)
{
	size_t length = NLMSG_ALIGN(message->header.nlmsg_len);

	if (message->full || batch->count == NETLINK_BATCH_MAX ||
	    length > sizeof(batch->data) - batch->used) {
		batch->broken = true;
		return;
	}
	memcpy(batch->data + batch->used, message->bytes, length);
	batch->used += length;
	batch->requests[batch->count++] =
	    (struct netlink_request){.what = what, .tolerated = tolerated, .result = -EIO};
}

/*
 * Numbers the requests. Of those that ask for an acknowledgement, only the last one keeps doing so:
 * the kernel works through a batch in order, while it is sent, and reports every failure anyway.
 * Returns that request's place, or -1 if there is none (a netfilter batch of nothing).
 */
static int batch_number(struct netlink_batch *batch, uint32_t first)
{
	struct nlmsghdr *last = NULL;
	size_t at = 0;
	int place = -1;

	for (unsigned i = 0; i < batch->count; i++) {
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)(batch->data + at);

		at += NLMSG_ALIGN(header->nlmsg_len);
		header->nlmsg_seq = first + i;
		batch->requests[i].result = 0;
		if (!(header->nlmsg_flags & NLM_F_ACK))
			continue;
		if (last)
			last->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
		last = header;
		place = (int)i;
	}
	if (last)
		batch->requests[place].result = -EIO; /* until it is acknowledged */
	return place;
}

/* The kernel's own explanation of an error (NETLINK_EXT_ACK), or NULL. */
static const char *error_text(const struct nlmsghdr *answer, const struct nlmsgerr *error)
{
	const struct nlattr *attributes[NLMSGERR_ATTR_MSG + 1], *text;
	size_t skip = sizeof(*error);

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	if (!netlink_parse(answer, skip, attributes, NLMSGERR_ATTR_MSG))
		return NULL;
	text = attributes[NLMSGERR_ATTR_MSG];
	if (!text || !memchr(attribute_value(text), '\0', attribute_size(text)))
		return NULL;
	return attribute_value(text);
}

/* Reads one packet of the kernel (port 0). Packets of other processes are dropped. */
static ssize_t receive(const struct netlink *netlink, int flags)
{
	struct sockaddr_nl from = {0};
	socklen_t size = sizeof(from);
	ssize_t length;

	do
		length = recvfrom(netlink->fd, receive_buffer, sizeof(receive_buffer), flags,
				  (struct sockaddr *)&from, &size);
	while (length < 0 ? errno == EINTR : from.nl_pid != 0);
	/* The kernel sends no empty packets. Waiting for the next packet after
	 * one would never end. */
	if (length == 0)
		return -EIO;
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

/* A number outside of the range of errno could not even be negated. */
static int error_number(const struct nlmsgerr *error)
{
	return error->error <= 0 && error->error > -ERRNO_END ? error->error : -EIO;
}

/* Takes one answer to a batch. Returns the place of its request, or -1. */
static int batch_answer(struct netlink_batch *batch, uint32_t first, struct nlmsghdr *answer)
{
	uint32_t i = answer->nlmsg_seq - first;
	const struct nlmsgerr *error = NLMSG_DATA(answer);
	struct netlink_request *request;
	const char *text;

	if (i >= batch->count)
		return -1;
	if (answer->nlmsg_type != NLMSG_ERROR) {
		if (batch->other)
			batch->other(batch->context, answer);
		return -1;
	}
	request = &batch->requests[i];
	request->result = error_number(error);
	request->was_tolerated = request->result < 0 && request->result == -request->tolerated;
	if (request->was_tolerated)
		request->result = 0;
	text = error_text(answer, error);
	if (request->result < 0)
		log_debug("netlink: %s: %s%s%s", request->what, strerror(-request->result),
			  text ? ": " : "", text ? text : "");
	return (int)i;
}

/*
 * Reads up to the answer to the last request that asks for one. The kernel answers in the order of
 * the requests, so no answer follows it: netlink_rcv_skb() acknowledges each request before it
 * reads the next, and nfnetlink_rcv_batch() queues the notifications of a commit before the
 * requests' results. All answers are there when the batch is sent, so no wait is needed: a refused
 * transaction has one answer, to its beginning.
 */
static int batch_receive(struct netlink *netlink, struct netlink_batch *batch, uint32_t first,
			 int last)
{
	for (;;) {
		ssize_t length = receive(netlink, MSG_DONTWAIT);
		struct nlmsghdr *answer = (struct nlmsghdr *)(void *)receive_buffer;

		if (length < 0)
			return length == -EAGAIN ? 0 : (int)length;
		for (; NLMSG_OK(answer, length); answer = NLMSG_NEXT(answer, length))
			if (batch_answer(batch, first, answer) == last && last >= 0)
				return 0;
	}
}

int netlink_run(struct netlink *netlink, struct netlink_batch *batch)
{
	uint32_t first = netlink->sequence + 1;
	int64_t start = clock_ms();
	int result;

	if (batch->broken)
		return log_errno(EMSGSIZE, "build a netlink request");
	if (!batch->count)
		return 0;
	netlink->sequence += batch->count;
	int last = batch_number(batch, first);

	errors_explain(netlink);
	result = send_all(netlink, batch->data, batch->used);
	result = result ?: batch_receive(netlink, batch, first, last);
	if (netlink->protocol == NETLINK_ROUTE)
		rtnl_tell(start);
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

/* One packet of the answer; 1 for the last one. */
static int query_packet(struct nlmsghdr *answer, ssize_t left, uint32_t sequence,
			int (*visit)(void *, struct nlmsghdr *), void *context)
{
	for (; NLMSG_OK(answer, left); answer = NLMSG_NEXT(answer, left)) {
		int result = 0;

		if (answer->nlmsg_seq != sequence)
			continue;
		if (answer->nlmsg_type == NLMSG_ERROR) {
			result = error_number(NLMSG_DATA(answer));
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

int netlink_query(struct netlink *netlink, struct netlink_message *message, const char *what,
		  int (*visit)(void *context, struct nlmsghdr *answer), void *context)
{
	uint32_t sequence = ++netlink->sequence;
	int result;

	if (message->full)
		return log_errno(EMSGSIZE, "%s", what);
	message->header.nlmsg_seq = sequence;
	result = send_all(netlink, message->bytes, message->header.nlmsg_len);
	while (result == 0) {
		ssize_t length = receive(netlink, 0);

		if (length < 0)
			result = (int)length;
		else
			result = query_packet((struct nlmsghdr *)(void *)receive_buffer, length,
					      sequence, visit, context);
	}
	/* The caller judges absence; other errors are logged here. */
	if (result < 0 && result != -ENOENT && result != -ENODEV)
		log_errno(-result, "%s", what);
	return result < 0 ? result : 0;
}
