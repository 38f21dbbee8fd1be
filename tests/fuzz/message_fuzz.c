/*
 * Packets of both directions. An accepted packet must encode to the same bytes, so the decoder accepts only
 * packets that our senders write.
 */
#include <stdlib.h>
#include <string.h>

#include "call/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char packet[MESSAGE_MAX];

static void check_same(ssize_t encoded, const uint8_t *data, size_t size)
{
	if (encoded < 0 || (size_t)encoded != size || memcmp(packet, data, size) != 0)
		abort();
}

static void try_request(const uint8_t *data, size_t size)
{
	struct request request;

	if (request_decode((const char *)data, size, &request))
		return;
	check_same(request_encode(&request, packet), data, size);
	request_free(&request);
}

static void try_message(const uint8_t *data, size_t size, size_t fds_count)
{
	/* Not used as descriptors, since decoding only copies the numbers. */
	static const int fds[NAMESPACE_KINDS + 1] = {1000000, 1000001, 1000002, 1000003};
	struct message message;

	if (message_decode((const char *)data, size, fds, fds_count, &message))
		return;
	if (message.kind == MESSAGE_LOG) {
		check_same(log_encode(message.log.level, message.log.text, packet), data, size);
	} else if (message.kind == MESSAGE_REPLY) {
		if (message.reply.handed_count != fds_count)
			abort();
		check_same(reply_encode(&message.reply, packet), data, size);
	} else if (message.moved <= 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > MESSAGE_MAX)
		return 0;
	try_request(data, size);
	for (size_t fds_count = 0; fds_count <= NAMESPACE_KINDS + 1; fds_count++)
		try_message(data, size, fds_count);
	return 0;
}
