/*
 * Packets between callers (the module, the command) and the helper, over the SOCK_SEQPACKET socket
 * that is the helper's standard input.
 *
 *	caller -> helper	one request
 *	helper -> caller	any number of log lines, then one reply, with namespace descriptors
 *	helper -> caller	before these: the helper has moved, and goes on as another process
 *
 * A packet is its kind ("request", "log", "reply", "moved") and key=value fields, each ended by a
 * NUL. Fields are in the order of message.c, and the last is "end=". -EBADMSG: a key is unknown,
 * repeated, missing or misplaced, a value is out of range, or a number is not in its shortest form.
 * Strings have no control characters. No length from the other side is trusted.
 *
 * These functions do not log: the callers know what the packet was for.
 */
#ifndef PAM_NETNS_MESSAGE_H
#define PAM_NETNS_MESSAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/namespaces.h"
#include "base/who.h"
#include "conf/conf.h"
#include "state/state.h"

#define MESSAGE_MAX	   65536 /* bytes of one packet */
#define REQUEST_PATH_MAX   1024	 /* of a home or shell, with its NUL */
#define MESSAGE_ANSWER_MAX 4096	 /* of one from the helper: all texts of a reply, and more */

/* The user that a request is about, and PAM's items. Strings are never NULL ("" is none). */
struct request {
	struct who who;
	char service[STATE_TEXT_MAX];
	char tty[STATE_TEXT_MAX];
	char rhost[STATE_TEXT_MAX];
	char network[CONF_NAME_MAX]; /* up, down: one network; "": all */
	gid_t watchers;		     /* of the profile; 0: none */
	char *home, *shell;	     /* if the profile needs them; NULL: none; request_free() */
	unsigned flags;		     /* enum request_flag */
	unsigned namespaces;	     /* close: those that the open joined; 0: net, uts and mnt */
	bool image;		     /* not sent: / of the caller is an image's */
	const char *conf;	     /* a path, NULL is ""; request_set_conf() */
};

enum request_flag {
	REQUEST_FORCE = 1 << 0, /* down: even if users are active */
	REQUEST_DEBUG = 1 << 1,
	REQUEST_DROP = 1 << 2,	  /* up: end the users' connections */
	REQUEST_SESSION = 1 << 3, /* host: for all of a session, not for its network alone */
};

enum outcome {
	OUTCOME_DONE,	  /* close, up, down, gc, kick: done */
	OUTCOME_ISOLATED, /* open: descriptors of the user's namespaces are attached */
	OUTCOME_HOST,	  /* host, close: descriptors of the host's namespaces are attached */
	OUTCOME_REFUSED,  /* cause says why */
};

/* One namespace handed over, and the inode that the joiner must end up in. */
struct handed {
	enum namespace_kind kind;
	uint64_t device, inode;
	int fd; /* owned by the reply */
};

struct reply {
	enum outcome outcome;
	char cause[512];
	char line[1024]; /* open: what the log says about the namespaces, "profile=… netns=…" */
	struct handed handed[NAMESPACE_KINDS]; /* each kind once, in the order of the kinds */
	size_t handed_count;
	bool image; /* open: / of the mount namespace is an image's */
};

struct log_line {
	int level; /* syslog(3) */
	char text[1024];
};

enum message_kind { MESSAGE_LOG, MESSAGE_REPLY, MESSAGE_MOVED };

struct message {
	enum message_kind kind;
	union {
		struct log_line log;
		struct reply reply;
		pid_t moved; /* the process that is the helper from now on */
	};
};

/* Copies the path, which request_free() frees. -EINVAL: it is too long, or has control characters. */
int request_set_conf(struct request *request, const char *path) MUST_CHECK;
void request_free(struct request *request);
#define CLEANUP_REQUEST __attribute__((cleanup(request_free)))
void reply_close(struct reply *reply); /* closes the descriptors that are still owned */

int message_send_request(int socket, const struct request *request) MUST_CHECK;
/*
 * Waits for as long as it takes. -EPIPE: the caller is gone. Owner of *out on success:
 * request_free. One thread at a time.
 */
int message_receive_request(int socket, struct request *out) MUST_CHECK;
/*
 * Never waits: a caller that a user has stopped must not hold up the helper (T10). -EAGAIN: the
 * line is lost. Control characters become '?', what is too long is cut.
 */
int message_send_log(int socket, int level, const char *text);
/* Waits 1 s at most for room in the socket, then -ETIMEDOUT. cause and line as with logs. */
int message_send_reply(int socket, const struct reply *reply) MUST_CHECK;
int message_send_moved(int socket, pid_t pid) MUST_CHECK;
/*
 * timeout in milliseconds; -ETIMEDOUT; -EPIPE when the helper ended without a reply. The caller
 * owns the descriptors of a reply (reply_close); on failure none stays open.
 */
int message_receive(int socket, int timeout, struct message *out) MUST_CHECK;

/*
 * The same without a socket, for tests and fuzzing. message_decode takes over the descriptors only
 * if it succeeds. Encoders return the size; -EINVAL for what the decoder would refuse, -EMSGSIZE.
 */
int request_decode(const char *packet, size_t size, struct request *out) MUST_CHECK;
ssize_t request_encode(const struct request *request, char packet[MESSAGE_MAX]) MUST_CHECK;
int message_decode(const char *packet, size_t size, const int *fds, size_t fds_count,
		   struct message *out) MUST_CHECK;
ssize_t reply_encode(const struct reply *reply, char packet[MESSAGE_ANSWER_MAX]) MUST_CHECK;
ssize_t log_encode(int level, const char *text, char packet[MESSAGE_ANSWER_MAX]) MUST_CHECK;

#endif
