/*
 * The test program is its own helper: call_helper_path is /proc/self/exe, and main() calls fake_helper() if
 * the program has the helper's name. The verb selects its misbehaviour.
 */
#ifndef PAM_NETNS_FAKE_HELPER_H
#define PAM_NETNS_FAKE_HELPER_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "call/call.h"
#include "call/internal.h"
#include "../../helper/pam-netns-helper/move.c"
#include "base/log.h"

/* The lines of the sink, and the last line of level LOG_ERR or LOG_WARNING. */
static unsigned log_lines;
static int log_last_level;
static char log_last[1024];

static inline void count_log(void *context, int level, const char *text)
{
	(void)context;
	log_lines++;
	log_last_level = level;
	snprintf(log_last, sizeof(log_last), "%s", text);
}

/* The caller's own child, which ends in the middle of a call, when the helper has logged. */
static pid_t own_child;
static int own_child_lives = -1; /* until this is closed */

static inline void own_child_end(void *context, int level, const char *text)
{
	siginfo_t ended;

	count_log(context, level, text);
	if (own_child_lives < 0)
		return;
	close(own_child_lives);
	own_child_lives = -1;
	(void)waitid(P_PID, (id_t)own_child, &ended, WEXITED | WNOWAIT);
}

static inline bool own_child_start(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		return false;
	own_child = fork();
	if (own_child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	own_child_lives = ends[1];
	log_set_sink(own_child_end, NULL);
	return own_child > 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0;
}

static inline int fake_setup(void **state)
{
	(void)state;
	call_helper_path = "/proc/self/exe";
	log_lines = 0;
	log_last[0] = '\0';
	log_set_sink(count_log, NULL);
	return 0;
}

static inline struct reply fake_reply(void)
{
	struct reply reply = {.outcome = OUTCOME_ISOLATED, .handed_count = 1};
	struct stat status;
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		_exit(9);
	reply.handed[0] = (struct handed){KIND_NET, status.st_dev, status.st_ino, fd};
	return reply;
}

static inline void send_four_fds(void)
{
	static char bytes[] =
	    "reply\0outcome=isolated\0cause=\0line=\0type=net\0device=1\0inode=2\0"
	    "type=uts\0device=1\0inode=2\0type=mnt\0device=1\0inode=2\0end=";
	char control[CMSG_SPACE(4 * sizeof(int))] = {0};
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr packet = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
	static const int fds[4] = {0, 0, 1, 2};

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	if (sendmsg(0, &packet, MSG_NOSIGNAL) < 0)
		_exit(8);
}

static inline void fake_send(struct reply *reply)
{
	if (message_send_reply(0, reply))
		_exit(7);
}

static inline void sleep_long(void)
{
	for (int i = 0; i < 30; i++)
		sleep(1);
}

static inline void fake_before_request(const char *verb)
{
	if (strcmp(verb, "silent") == 0)
		_exit(3);
	if (strcmp(verb, "crash") == 0)
		raise(SIGKILL);
	if (strcmp(verb, "moves-elsewhere") == 0) {
		(void)!message_send_moved(0, getppid());
		sleep_long();
	}
	if (strncmp(verb, "moves", 5) == 0)
		helper_move();
	if (strcmp(verb, "moves-again") == 0)
		(void)!message_send_moved(0, getpid());
	if (strcmp(verb, "hang") == 0 || strcmp(verb, "moves-hang") == 0)
		sleep_long();
	if (strcmp(verb, "stop") == 0)
		raise(SIGSTOP);
	if (strcmp(verb, "close") == 0) {
		close(0);
		sleep_long();
	}
}

static inline void fake_log(const char *verb)
{
	message_send_log(0, LOG_INFO, "started");
	if (strcmp(verb, "flood") == 0)
		for (int i = 0; i < 20000; i++)
			message_send_log(0, LOG_INFO, "flood");
	/* The caller kills it. */
	while (strcmp(verb, "endless") == 0)
		message_send_log(0, LOG_INFO, "flood");
	if (strcmp(verb, "garbage") == 0 && write(0, "garbage", 7) != 7)
		_exit(6);
	if (strcmp(verb, "empty") == 0 && send(0, "", 0, 0) != 0)
		_exit(6);
	if (strcmp(verb, "surplus") == 0)
		send_four_fds();
	if (strcmp(verb, "slow") == 0)
		usleep(200000);
}

/* Defined by each test; fills in the reply's line for the verb "report". */
static void fake_report(struct reply *reply);

static inline int fake_helper(const char *verb)
{
	struct request request;
	struct reply reply = fake_reply();

	fake_before_request(verb);
	if (message_receive_request(0, &request))
		return 5;
	fake_log(verb);
	snprintf(reply.line, sizeof(reply.line), "user=%s groups=%zu", request.who.user,
		 request.who.groups_count);
	if (strcmp(verb, "report") == 0)
		fake_report(&reply);
	request_free(&request);
	fake_send(&reply);
	if (strcmp(verb, "twice") == 0) {
		strcpy(reply.line, "second");
		(void)!message_send_reply(0, &reply);
	}
	if (strcmp(verb, "linger") == 0)
		sleep_long();
	return 0;
}

static inline bool is_fake_helper(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[0], "pam-netns-helper") != 0)
		return false;
	if (argc == 3)
		helper_move();
	return true;
}

#endif
