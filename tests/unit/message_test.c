/* Packets between caller and helper: written packets are read back, others are refused. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#include "base/characters.h"
#include "call/message.h"

static char packet[MESSAGE_MAX];

static struct request make_request(void)
{
	struct request request = {
	    .who = {.uid = 4294967294U, .gid = 100}, .flags = REQUEST_DEBUG, .watchers = 4};

	assert_int_equal(request_set_conf(&request, "/etc/security/x.conf"), 0);
	assert_true(text_set(request.who.user, sizeof(request.who.user),
			     "al\xc3\xaf"
			     "ce"));
	assert_true(text_set(request.who.account, sizeof(request.who.account), "alice"));
	assert_true(text_set(request.who.group, sizeof(request.who.group), "users"));
	assert_true(text_set(request.service, sizeof(request.service), "sshd"));
	assert_true(text_set(request.tty, sizeof(request.tty), "/dev/pts/0"));
	assert_true(text_set(request.rhost, sizeof(request.rhost), "a=b"));
	request.home = strdup("/home/alice");
	request.shell = strdup("/bin/sh");
	assert_int_equal(who_add_group(&request.who, "users"), 0);
	assert_int_equal(who_add_group(&request.who, "Domain Users"), 0);
	assert_int_equal(who_add_group(&request.who, ""), 0);
	return request;
}

static void request_is_read_back(void **state)
{
	struct request sent = make_request();
	struct request got;
	ssize_t size = request_encode(&sent, packet);

	(void)state;
	assert_true(size > 0);
	assert_int_equal(request_decode(packet, (size_t)size, &got), 0);
	assert_string_equal(got.conf, sent.conf);
	assert_string_equal(got.who.user, sent.who.user);
	assert_string_equal(got.who.account, sent.who.account);
	assert_string_equal(got.who.group, sent.who.group);
	assert_string_equal(got.service, sent.service);
	assert_string_equal(got.tty, sent.tty);
	assert_string_equal(got.rhost, sent.rhost);
	assert_string_equal(got.network, "");
	assert_int_equal(got.who.uid, sent.who.uid);
	assert_int_equal(got.who.gid, sent.who.gid);
	assert_int_equal(got.flags, sent.flags);
	assert_int_equal(got.watchers, 4);
	assert_string_equal(got.home, "/home/alice");
	assert_int_equal(got.who.groups_count, 3);
	assert_int_equal(got.who.groups_size, sent.who.groups_size);
	assert_memory_equal(got.who.groups, sent.who.groups, sent.who.groups_size);
	request_free(&got);
	assert_null(got.who.groups);
	request_free(&sent);
}

/* The largest request of identity_resolve: 1,024 groups and full texts. */
static void largest_request_fits(void **state)
{
	struct request sent = {.who = {.uid = 1}};
	struct request got;
	char name[WHO_GROUPS_SIZE / WHO_GROUPS_MAX], path[PATH_MAX + 1] = "";
	ssize_t size;

	(void)state;
	memset(path, 'c', PATH_MAX);
	assert_int_equal(request_set_conf(&sent, path), -EINVAL);
	path[PATH_MAX - 1] = '\0';
	assert_int_equal(request_set_conf(&sent, path), 0);
	memset(sent.who.user, 'u', sizeof(sent.who.user) - 1);
	memset(sent.who.account, 'a', sizeof(sent.who.account) - 1);
	memset(sent.who.group, 'g', sizeof(sent.who.group) - 1);
	memset(sent.service, 's', sizeof(sent.service) - 1);
	memset(sent.tty, 't', sizeof(sent.tty) - 1);
	memset(sent.rhost, 'r', sizeof(sent.rhost) - 1);
	memset(sent.network, 'n', sizeof(sent.network) - 1);
	memset(name, 'm', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	sent.home = calloc(1, REQUEST_PATH_MAX);
	memset(sent.home, 'h', REQUEST_PATH_MAX - 1);
	sent.shell = strdup(sent.home);
	for (size_t i = 0; i < WHO_GROUPS_MAX; i++)
		assert_int_equal(who_add_group(&sent.who, name), 0);
	size = request_encode(&sent, packet);
	assert_true(size > 0);
	assert_int_equal(request_decode(packet, (size_t)size, &got), 0);
	assert_int_equal(got.who.groups_count, WHO_GROUPS_MAX);
	request_free(&got);

	/* A request with one group too many is neither sent nor accepted. */
	memcpy(packet + size - 5, "member=x\0end=", 14);
	assert_int_equal(request_decode(packet, (size_t)size + 9, &got), -EBADMSG);
	sent.who.groups_count++;
	assert_int_equal(request_encode(&sent, packet), -EINVAL);
	request_free(&sent);
}

/* Modules of before the field do not send it, and a request without namespaces looks the same. */
static void namespaces_of_a_request_are_optional(void **state)
{
	struct request request = make_request(), got;
	ssize_t size = request_encode(&request, packet);

	(void)state;
	assert_null(memmem(packet, (size_t)size, "namespaces", 10));
	assert_int_equal(request_decode(packet, (size_t)size, &got), 0);
	assert_int_equal(got.namespaces, 0);
	request_free(&got);
	request.namespaces = NAMESPACES_ALL;
	size = request_encode(&request, packet);
	assert_int_equal(request_decode(packet, (size_t)size, &got), 0);
	assert_int_equal(got.namespaces, NAMESPACES_ALL);
	assert_int_equal(got.who.groups_count, 3);
	request_free(&got);
	request.namespaces++;
	assert_int_equal(request_encode(&request, packet), -EINVAL);
	request_free(&request);
}

static void assert_unfit(struct request *request, int error)
{
	assert_int_equal(request_encode(request, packet), error);
	request_free(request);
	*request = make_request();
}

static void unfit_requests_are_not_sent(void **state)
{
	struct request request = make_request();

	(void)state;
	request.who.user[0] = '\n';
	assert_unfit(&request, -EINVAL);
	assert_int_equal(request_set_conf(&request, "/etc/\x1b"), -EINVAL);
	memset(request.tty, 't', sizeof(request.tty));
	assert_unfit(&request, -EINVAL);
	request.who.groups[1] = '\x7f';
	assert_unfit(&request, -EINVAL);
	request.who.uid = (uid_t)-1;
	assert_unfit(&request, -EINVAL);
	request.who.gid = (gid_t)-1;
	assert_unfit(&request, -EINVAL);
	request.home[3] = '\n';
	assert_unfit(&request, -EINVAL);
	request.shell[3] = '\n';
	assert_unfit(&request, -EINVAL);
	request.flags = 1U << 9;
	assert_unfit(&request, -EINVAL);
	request_free(&request);
	request.who = (struct who){
	    .groups_count = 1, .groups_size = MESSAGE_MAX, .groups = calloc(MESSAGE_MAX, 1)};
	memset(request.who.groups, 'x', MESSAGE_MAX - 1);
	assert_unfit(&request, -EMSGSIZE);
	request_free(&request);
}

#define TEXTS "request\0conf=c\0user=u\0account=a\0group=g\0service=s\0tty=t\0rhost=r\0network=n\0"
#define PACKET(s)                                                                                  \
	{                                                                                          \
		s, sizeof(s)                                                                       \
	}

static const struct {
	const char *bytes;
	size_t size;
} bad_requests[] = {
    {"", 0},
    PACKET(""),
    {"request", 7},
    PACKET("request"),
    PACKET("request\0end="),
    PACKET("reply\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0"),
    {TEXTS "uid=1\0gid=2\0flags=0\0end=", sizeof(TEXTS "uid=1\0gid=2\0flags=0\0end=") - 1},
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0end=\0"),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0end=x"),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0end"),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0end=\0member=x\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0watchers=0\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0watchers=4294967295\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0watchers=4\0watchers=4\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=16\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=4294967296\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0namespaces=0\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0namespaces=4096\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0member=x\0namespaces=1\0end="),
    PACKET(TEXTS "uid=1\0uid=1\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "gid=2\0uid=1\0flags=0\0end="),
    PACKET(TEXTS "uid=1\0flags=0\0end="),
    PACKET(TEXTS "uid=4294967295\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=1\0gid=4294967295\0flags=0\0end="),
    PACKET(TEXTS "uid=18446744073709551617\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=01\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=-1\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=+1\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid= 1\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=1 \0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=0x1\0gid=2\0flags=0\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0member=a\nb\0end="),
    PACKET(TEXTS "uid=1\0gid=2\0flags=0\0other=1\0end="),
    PACKET("request\0conf=c\x1b\0user=u\0account=a\0group=g\0service=s\0tty=t\0rhost=r\0"
	   "network=n\0uid=0\0gid=0\0flags=0\0end="),
    PACKET("request\0conf=c\0user=u\x1b[2J\0account=a\0group=g\0service=s\0tty=t\0rhost=r\0"
	   "network=n\0uid=1\0gid=2\0flags=0\0end="),
    PACKET("request\0conf=c\0user=u\0account=a\0group=g\0service=s\0tty=t\0rhost=r\0"
	   "network=01234567890123456789012345678901\0uid=1\0gid=2\0flags=0\0end="),
};

/* Login programs that were started before an update send it. */
static void request_without_watchers_is_read(void **state)
{
	static const char older[] = TEXTS "uid=1\0gid=2\0flags=0\0end=";
	struct request got;

	(void)state;
	assert_int_equal(request_decode(older, sizeof(older), &got), 0);
	assert_int_equal(got.watchers, 0);
	assert_null(got.home);
	request_free(&got);
}

static void bad_requests_are_refused(void **state)
{
	struct request got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
		/* The copy has exactly that size, so that ASan finds a read beyond it. */
		char *copy = malloc(bad_requests[i].size + !bad_requests[i].size);

		memcpy(copy, bad_requests[i].bytes, bad_requests[i].size);
		if (request_decode(copy, bad_requests[i].size, &got) != -EBADMSG)
			fail_msg("bad request %zu was taken", i);
		assert_null(got.who.groups);
		free(copy);
	}
}

static struct reply make_reply(void)
{
	struct reply reply = {.outcome = OUTCOME_ISOLATED, .handed_count = 3};

	strcpy(reply.line, "profile=default netns=u1");
	for (size_t i = 0; i < 3; i++)
		reply.handed[i] = (struct handed){(enum namespace_kind)i, 4, UINT64_MAX - i, -1};
	return reply;
}

static void reply_is_read_back(void **state)
{
	static const int fds[] = {70, 71, 72};
	struct reply sent = make_reply();
	struct message got;
	ssize_t size = reply_encode(&sent, packet);

	(void)state;
	assert_true(size > 0);
	assert_int_equal(message_decode(packet, (size_t)size, fds, 3, &got), 0);
	assert_int_equal(got.kind, MESSAGE_REPLY);
	assert_int_equal(got.reply.outcome, OUTCOME_ISOLATED);
	assert_string_equal(got.reply.line, sent.line);
	assert_string_equal(got.reply.cause, "");
	assert_int_equal(got.reply.handed_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(got.reply.handed[i].kind, sent.handed[i].kind);
		assert_int_equal(got.reply.handed[i].device, 4);
		assert_true(got.reply.handed[i].inode == UINT64_MAX - i);
		assert_int_equal(got.reply.handed[i].fd, fds[i]);
	}

	/* With fewer or more descriptors than announced, none is accepted. */
	assert_int_equal(message_decode(packet, (size_t)size, fds, 2, &got), -EBADMSG);
	assert_int_equal(got.reply.handed_count, 0);
	assert_int_equal(message_decode(packet, (size_t)size, NULL, 0, &got), -EBADMSG);
}

static void outcome_must_match_its_descriptors(void **state)
{
	struct reply reply = make_reply();

	(void)state;
	reply.outcome = OUTCOME_DONE;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);
	reply.outcome = OUTCOME_REFUSED;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);
	reply.outcome = OUTCOME_HOST;
	assert_true(reply_encode(&reply, packet) > 0);
	reply.handed_count = 0;
	assert_true(reply_encode(&reply, packet) > 0);
	reply.outcome = OUTCOME_ISOLATED;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);
	reply.outcome = (enum outcome)7;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);

	reply = make_reply();
	reply.handed[2].kind = NAMESPACE_KINDS;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);
	reply.handed[2].kind = KIND_UTS;
	assert_int_equal(reply_encode(&reply, packet), -EINVAL);
}

#define REPLY(outcome) "reply\0outcome=" outcome "\0cause=\0line=\0"
#define HANDED(type)   "type=" type "\0device=1\0inode=2\0"
#define WITH_FDS(n, s)                                                                             \
	{                                                                                          \
		s, sizeof(s), n                                                                    \
	}

static const struct {
	const char *bytes;
	size_t size;
	size_t fds;
} bad_messages[] = {
    {"", 0, 0},
    WITH_FDS(0, "log"),
    WITH_FDS(0, "log\0level=8\0text=x\0end="),
    WITH_FDS(0, "log\0level=3\0text=a\nb\0end="),
    WITH_FDS(1, "log\0level=3\0text=x\0end="),
    WITH_FDS(0, "log\0level=3\0text=x\0end=\0end="),
    WITH_FDS(0, "moved\0pid=0\0end="),
    WITH_FDS(0, "moved\0pid=2147483648\0end="),
    WITH_FDS(1, "moved\0pid=2\0end="),
    WITH_FDS(0, "request\0end="),
    WITH_FDS(0, REPLY("maybe") "end="),
    WITH_FDS(0, REPLY("isolated") "end="),
    WITH_FDS(1, REPLY("refused") HANDED("net") "end="),
    WITH_FDS(2, REPLY("isolated") HANDED("net") HANDED("net") "end="),
    WITH_FDS(2, REPLY("isolated") HANDED("mnt") HANDED("net") "end="),
    WITH_FDS(4, REPLY("isolated") HANDED("net") HANDED("uts") HANDED("mnt") HANDED("mnt") "end="),
    WITH_FDS(1, REPLY("isolated") HANDED("user") "end="),
    WITH_FDS(1, REPLY("isolated") "type=net\0inode=2\0device=1\0end="),
    WITH_FDS(0, "reply\0outcome=done\0line=\0cause=\0end="),
};

static void bad_messages_are_refused(void **state)
{
	static const int fds[] = {70, 71, 72, 73};
	struct message got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_messages) / sizeof(bad_messages[0]); i++) {
		char *copy = malloc(bad_messages[i].size + !bad_messages[i].size);

		memcpy(copy, bad_messages[i].bytes, bad_messages[i].size);
		if (message_decode(copy, bad_messages[i].size, fds, bad_messages[i].fds, &got) !=
		    -EBADMSG)
			fail_msg("bad message %zu was taken", i);
		free(copy);
	}
}

static void cut_packets_are_refused(void **state)
{
	struct request request = make_request();
	ssize_t size = request_encode(&request, packet);
	struct request got;

	(void)state;
	for (size_t cut = 0; cut < (size_t)size; cut++)
		assert_int_equal(request_decode(packet, cut, &got), -EBADMSG);
	request_free(&request);
}

static void log_lines_are_cut_to_fit(void **state)
{
	char text[4096];
	struct message got;
	ssize_t size;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '\n';
	text[1] = '\x1b';
	size = log_encode(LOG_DEBUG, text, packet);
	assert_true(size > 0);
	assert_int_equal(message_decode(packet, (size_t)size, NULL, 0, &got), 0);
	assert_int_equal(got.kind, MESSAGE_LOG);
	assert_int_equal(got.log.level, LOG_DEBUG);
	assert_memory_equal(got.log.text, "??xx", 4);
	assert_int_equal(strlen(got.log.text), sizeof(got.log.text) - 1);
	assert_int_equal(log_encode(8, "x", packet), -EINVAL);
	assert_int_equal(log_encode(-1, "x", packet), -EINVAL);
}

static void fields_have_their_values(void **state)
{
	char field[4] = "old";

	(void)state;
	assert_true(text_set(field, sizeof(field), "abc"));
	assert_string_equal(field, "abc");
	assert_false(text_set(field, sizeof(field), "abcd"));
	assert_string_equal(field, "");
	assert_true(text_set(field, sizeof(field), "\xc3\xa9"));
	assert_false(text_set(field, sizeof(field), "a\t"));
	assert_string_equal(field, "");
	assert_true(text_set(field, sizeof(field), NULL));
	assert_string_equal(field, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_is_read_back),
	    cmocka_unit_test(namespaces_of_a_request_are_optional),
	    cmocka_unit_test(largest_request_fits),
	    cmocka_unit_test(unfit_requests_are_not_sent),
	    cmocka_unit_test(request_without_watchers_is_read),
	    cmocka_unit_test(bad_requests_are_refused),
	    cmocka_unit_test(reply_is_read_back),
	    cmocka_unit_test(outcome_must_match_its_descriptors),
	    cmocka_unit_test(bad_messages_are_refused),
	    cmocka_unit_test(cut_packets_are_refused),
	    cmocka_unit_test(log_lines_are_cut_to_fit),
	    cmocka_unit_test(fields_have_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
