/* Packets on a socket: descriptors, deadlines, and a closed, full or hostile other side. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#include "call/message.h"
#include "fds.h"

static int pair[2]; /* 0: the caller's end, 1: the helper's */

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sends any bytes and any number of descriptors, as no sender of ours does. */
static void send_raw(int socket, const void *bytes, size_t size, size_t fds)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (fds) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (size_t i = 0; i < fds; i++)
			memcpy(CMSG_DATA(header) + i * sizeof(int), &pair[1], sizeof(int));
	}
	assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), size);
}

static struct reply make_reply(int fd)
{
	struct reply reply = {.outcome = OUTCOME_ISOLATED, .handed_count = 2};

	reply.handed[0] = (struct handed){KIND_NET, 1, 2, fd};
	reply.handed[1] = (struct handed){KIND_MNT, 1, 3, fd};
	return reply;
}

static void request_arrives(void **state)
{
	struct request sent = {.who = {.uid = 5, .gid = 6}};
	struct request got;

	(void)state;
	strcpy(sent.who.user, "alice");
	assert_int_equal(message_send_request(pair[0], &sent), 0);
	assert_int_equal(message_receive_request(pair[1], &got), 0);
	assert_string_equal(got.who.user, "alice");
	assert_int_equal(got.who.uid, 5);
	request_free(&got);
}

static void request_with_descriptors_is_refused(void **state)
{
	unsigned before = fds_open();
	struct request got;

	(void)state;
	send_raw(pair[0], "request", 8, 1);
	assert_int_equal(message_receive_request(pair[1], &got), -EBADMSG);
	assert_int_equal(fds_open(), before);
}

static void descriptors_arrive_closed_on_exec(void **state)
{
	CLEANUP_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct reply reply = make_reply(null);
	unsigned before = fds_open();
	struct stat sent, here;
	struct message got;

	(void)state;
	assert_int_equal(message_send_reply(pair[1], &reply), 0);
	assert_int_equal(message_receive(pair[0], 1000, &got), 0);
	assert_int_equal(got.kind, MESSAGE_REPLY);
	assert_int_equal(got.reply.handed_count, 2);
	assert_int_equal(got.reply.handed[1].inode, 3);
	assert_int_equal(fstat(null, &sent), 0);
	for (size_t i = 0; i < 2; i++) {
		int fd = got.reply.handed[i].fd;

		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fstat(fd, &here), 0);
		assert_int_equal(here.st_rdev, sent.st_rdev);
	}
	assert_int_equal(fds_open(), before + 2);
	reply_close(&got.reply);
	assert_int_equal(got.reply.handed[0].fd, -1);
	reply_close(&got.reply);
	assert_int_equal(fds_open(), before);
}

static void reply_without_its_descriptor_is_not_sent(void **state)
{
	struct reply reply = make_reply(-1);

	(void)state;
	assert_int_equal(message_send_reply(pair[1], &reply), -EBADF);
}

static void surplus_descriptors_are_closed(void **state)
{
	static const char log[] = "log\0level=6\0text=x\0end=";
	unsigned before = fds_open();
	struct message got;

	(void)state;
	for (size_t fds = 1; fds <= 16; fds++) {
		send_raw(pair[1], log, sizeof(log), fds);
		assert_int_equal(message_receive(pair[0], 1000, &got), -EBADMSG);
		assert_int_equal(fds_open(), before);
	}
	send_raw(pair[1], log, sizeof(log), 0);
	assert_int_equal(message_receive(pair[0], 1000, &got), 0);
	assert_string_equal(got.log.text, "x");
}

static void cut_packet_is_refused(void **state)
{
	char *large = calloc(1, MESSAGE_MAX + 1);
	struct message got;

	(void)state;
	send_raw(pair[1], large, MESSAGE_MAX + 1, 3);
	assert_int_equal(message_receive(pair[0], 1000, &got), -EBADMSG);
	free(large);
}

static void closed_socket_is_an_error_of_the_caller(void **state)
{
	struct request request = {.who = {.uid = 1}};
	struct message got;

	(void)state;
	message_send_log(pair[1], LOG_INFO, "last words");
	close(steal_fd(&pair[1]));
	assert_int_equal(message_receive(pair[0], 1000, &got), 0);
	assert_int_equal(message_receive(pair[0], 1000, &got), -EPIPE);
	/* No SIGPIPE: the test would end here. */
	assert_int_equal(message_send_request(pair[0], &request), -EPIPE);
}

/* The kernel may return ECONNRESET before the sent packets (in 1 of 10 calls). */
static void end_without_reading_loses_nothing(void **state)
{
	struct request request = {.who = {.uid = 1}};
	struct message got;

	(void)state;
	assert_int_equal(message_send_request(pair[0], &request), 0);
	assert_int_equal(message_send_moved(pair[1], 7), 0);
	close(steal_fd(&pair[1]));
	assert_int_equal(message_receive(pair[0], 1000, &got), 0);
	assert_int_equal(got.moved, 7);
	assert_int_equal(message_receive(pair[0], 1000, &got), -EPIPE);
}

static void closed_socket_is_an_error_of_the_helper(void **state)
{
	struct request got;

	(void)state;
	close(steal_fd(&pair[0]));
	assert_int_equal(message_receive_request(pair[1], &got), -EPIPE);
}

static void silence_times_out(void **state)
{
	int64_t start = now_ms();
	struct message got;

	(void)state;
	assert_int_equal(message_receive(pair[0], 50, &got), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 50, 15000);
	assert_int_equal(message_receive(pair[0], 0, &got), -ETIMEDOUT);
	assert_int_equal(message_receive(pair[0], -5, &got), -ETIMEDOUT);
}

/* A caller that its user has stopped does not read: log lines are lost, the reply fails (T10). */
static void full_socket_does_not_block_the_helper(void **state)
{
	struct reply reply = {.outcome = OUTCOME_DONE};
	struct message got;
	int64_t start;
	int error = 0;

	(void)state;
	for (int i = 0; i < 100000 && !error; i++)
		error = message_send_log(pair[1], LOG_INFO, "x");
	assert_int_equal(error, -EAGAIN);
	start = now_ms();
	assert_int_equal(message_send_reply(pair[1], &reply), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 1000, 15000);
	while (message_receive(pair[0], 0, &got) == 0)
		;
	assert_int_equal(message_send_reply(pair[1], &reply), 0);
}

static void move_arrives(void **state)
{
	struct message got;

	(void)state;
	assert_int_equal(message_send_moved(pair[1], INT_MAX), 0);
	assert_int_equal(message_receive(pair[0], 1000, &got), 0);
	assert_int_equal(got.kind, MESSAGE_MOVED);
	assert_int_equal(got.moved, INT_MAX);
}

#define SOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SOCKET_TEST(request_arrives),
	    SOCKET_TEST(request_with_descriptors_is_refused),
	    SOCKET_TEST(descriptors_arrive_closed_on_exec),
	    SOCKET_TEST(reply_without_its_descriptor_is_not_sent),
	    SOCKET_TEST(surplus_descriptors_are_closed),
	    SOCKET_TEST(cut_packet_is_refused),
	    SOCKET_TEST(closed_socket_is_an_error_of_the_caller),
	    SOCKET_TEST(end_without_reading_loses_nothing),
	    SOCKET_TEST(closed_socket_is_an_error_of_the_helper),
	    SOCKET_TEST(silence_times_out),
	    SOCKET_TEST(full_socket_does_not_block_the_helper),
	    SOCKET_TEST(move_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
