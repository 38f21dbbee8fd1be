/* Packets on the socket between caller and helper; see message.h. */
#include "call/message.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "call/packet.h"

#define REPLY_WAIT   1000 /* milliseconds */
#define MOVED_SIZE   64
#define CONTROL_SIZE CMSG_SPACE(NAMESPACE_KINDS * sizeof(int))
/* The kernel also fills the space that CMSG_SPACE rounds up, so one more descriptor
 * than requested may come. */
#define RECEIVED_FDS ((CONTROL_SIZE - CMSG_LEN(0)) / sizeof(int))

union control {
	struct cmsghdr align;
	char bytes[CONTROL_SIZE];
};

/* Waits until the socket is ready for events or the time `until` has come: -ETIMEDOUT. */
static int wait_ready(int socket, short events, int64_t until)
{
	struct pollfd ready = {.fd = socket, .events = events};

	for (;;) {
		int64_t left = until - clock_ms();
		int count = poll(&ready, 1, left > 0 ? (int)left : 0);

		if (count > 0)
			return 0;
		if (count == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int send_packet(int socket, const struct msghdr *packet, int flags)
{
	while (sendmsg(socket, packet, flags | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int send_bytes(int socket, char *bytes, size_t size, int flags)
{
	struct iovec part = {.iov_base = bytes, .iov_len = size};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	return send_packet(socket, &packet, flags);
}

int message_send_request(int socket, const struct request *request)
{
	CLEANUP_FREE char *bytes = malloc(MESSAGE_MAX);
	ssize_t size;

	if (!bytes)
		return -ENOMEM;
	size = request_encode(request, bytes);
	return size < 0 ? (int)size : send_bytes(socket, bytes, (size_t)size, 0);
}

int message_send_log(int socket, int level, const char *text)
{
	char bytes[MESSAGE_ANSWER_MAX];
	ssize_t size = log_encode(level, text, bytes);

	return size < 0 ? (int)size : send_bytes(socket, bytes, (size_t)size, MSG_DONTWAIT);
}

int message_send_moved(int socket, pid_t pid)
{
	char bytes[MOVED_SIZE];
	struct packet_writer writer;
	ssize_t size;

	packet_begin(&writer, bytes, sizeof(bytes), "moved");
	packet_put_number(&writer, "pid", (unsigned)pid);
	size = packet_end(&writer);
	return size < 0 ? (int)size : send_bytes(socket, bytes, (size_t)size, MSG_DONTWAIT);
}

static int attach_fds(struct msghdr *packet, union control *control, const struct reply *reply)
{
	size_t count = reply->handed_count;
	struct cmsghdr *header;

	if (count == 0)
		return 0;
	memset(control, 0, sizeof(*control));
	packet->msg_control = control->bytes;
	packet->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(packet);
	if (!header)
		return -EINVAL;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++) {
		if (reply->handed[i].fd < 0)
			return -EBADF;
		memcpy(CMSG_DATA(header) + i * sizeof(int), &reply->handed[i].fd, sizeof(int));
	}
	return 0;
}

int message_send_reply(int socket, const struct reply *reply)
{
	char bytes[MESSAGE_ANSWER_MAX];
	struct iovec part = {.iov_base = bytes};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	int64_t until = 0;
	union control control;
	ssize_t size = reply_encode(reply, bytes);
	int error;

	if (size < 0)
		return (int)size;
	part.iov_len = (size_t)size;
	error = attach_fds(&packet, &control, reply);
	while (!error) {
		error = send_packet(socket, &packet, MSG_DONTWAIT);
		if (error != -EAGAIN)
			break;
		until = until ?: clock_ms() + REPLY_WAIT;
		error = wait_ready(socket, POLLOUT, until);
	}
	return error;
}

/* Collects every descriptor of the packet, whatever else is wrong with it, so
 * that all are closed. */
static size_t take_fds(struct msghdr *packet, int fds[RECEIVED_FDS])
{
	size_t count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(packet); header;
	     header = CMSG_NXTHDR(packet, header)) {
		size_t held = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < held && count < RECEIVED_FDS; i++)
			memcpy(&fds[count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
	}
	return count;
}

/* -EBADMSG: the packet is cut off, or has more descriptors than fit. -EPIPE:
 * the other side is gone. */
static ssize_t receive_packet(int socket, char *bytes, size_t max, struct msghdr *packet, int flags)
{
	struct iovec part = {.iov_base = bytes, .iov_len = max};
	ssize_t size;

	packet->msg_iov = &part;
	packet->msg_iovlen = 1;
	/*
	 * If the other end closes with packets unread, this one gets ECONNRESET: once, and before
	 * the packets that the other end sent.
	 */
	do
		size = recvmsg(socket, packet, flags | MSG_CMSG_CLOEXEC);
	while (size < 0 && (errno == EINTR || errno == ECONNRESET));
	packet->msg_iov = NULL;
	if (size < 0) {
		packet->msg_controllen = 0;
		return -errno;
	}
	if (packet->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	return size == 0 ? -EPIPE : size;
}

int message_receive_request(int socket, struct request *out)
{
	/* The helper's first allocation: what it does not use of it is given out next (memory.c). */
	CLEANUP_FREE char *bytes = malloc(MESSAGE_MAX);
	/* Without room for descriptors the kernel closes those that come, and sets MSG_CTRUNC. */
	struct msghdr packet = {.msg_iov = NULL};
	ssize_t size;
	char *used;

	if (!bytes)
		return -ENOMEM;
	size = receive_packet(socket, bytes, MESSAGE_MAX, &packet, 0);
	if (size < 0)
		return (int)size;
	used = realloc(bytes, (size_t)size);
	if (used)
		bytes = used;
	return request_decode(bytes, (size_t)size, out);
}

int message_receive(int socket, int timeout, struct message *out)
{
	char bytes[MESSAGE_ANSWER_MAX];
	int64_t until = clock_ms() + timeout;
	int fds[RECEIVED_FDS];
	union control control;
	struct msghdr packet = {.msg_control = control.bytes, .msg_controllen = CONTROL_SIZE};
	size_t fds_count;
	ssize_t size;
	int error;

	error = wait_ready(socket, POLLIN, until);
	if (error)
		return error;
	size = receive_packet(socket, bytes, sizeof(bytes), &packet, MSG_DONTWAIT);
	fds_count = take_fds(&packet, fds);
	error = size < 0 ? (int)size : message_decode(bytes, (size_t)size, fds, fds_count, out);
	if (error)
		for (size_t i = 0; i < fds_count; i++)
			close(fds[i]);
	return error;
}
