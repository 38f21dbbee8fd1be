/*
 * What callers (the module, the command) and the helper say to each other, over the SOCK_SEQPACKET
 * socket that is the helper's standard input.
 *
 *	caller -> helper	one request
 *	helper -> caller	any number of log lines, then one reply, with namespace descriptors
 *
 * A packet is its kind ("request", "log", "reply") and key=value fields, each closed by a NUL; the last
 * field is "end=". An unknown or repeated key, a missing one, a value out of range: -EBADMSG.
 * Strings have no control characters. Nothing here trusts the other side's lengths.
 */
#ifndef PAM_NETNS_MESSAGE_H
#define PAM_NETNS_MESSAGE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"
#include "conf.h"
#include "state.h"

#define MESSAGE_MAX	   65536 /* bytes of one packet */
#define MESSAGE_GROUPS_MAX 1024	 /* further groups of a user are not told: match by the first ones */
#define MESSAGE_FDS	   3	 /* net, uts, mnt */

/* Whom a request is about, and who asks. Strings are never NULL ("" is none). */
struct request {
	char conf[PATH_MAX];
	char user[STATE_TEXT_MAX];
	char account[STATE_TEXT_MAX];
	char group[STATE_TEXT_MAX]; /* the primary group's name, or its number */
	uid_t uid;
	gid_t gid;
	char service[STATE_TEXT_MAX];
	char tty[STATE_TEXT_MAX];
	char rhost[STATE_TEXT_MAX];
	char network[CONF_NAME_MAX]; /* up, down: one network; "": all */
	unsigned flags;		     /* enum request_flag */
	const char *groups[MESSAGE_GROUPS_MAX];
	size_t groups_count;
	char *groups_text; /* owns what groups points into; see request_free() */
};

enum request_flag {
	REQUEST_FORCE = 1 << 0, /* down: with users in */
	REQUEST_DEBUG = 1 << 1,
};

enum outcome {
	OUTCOME_DONE,	  /* close, up, down, gc, kick: done */
	OUTCOME_ISOLATED, /* open: descriptors of the user's namespaces are attached */
	OUTCOME_HOST,	  /* host, close: descriptors of the host's namespaces are attached */
	OUTCOME_REFUSED,  /* cause says why */
};

/* One namespace handed over: its type (CLONE_NEWNET, …) and the inode the joiner must end up in. */
struct handed {
	int type;
	uint64_t device, inode;
	int fd; /* owned by the reply */
};

struct reply {
	enum outcome outcome;
	char cause[512];
	char line[1024]; /* open: what the log says about the namespaces, "profile=… netns=…" */
	struct handed handed[MESSAGE_FDS];
	size_t handed_count;
};

struct log_line {
	int level; /* syslog(3) */
	char text[1024];
};

enum message_kind { MESSAGE_LOG, MESSAGE_REPLY };

struct message {
	enum message_kind kind;
	union {
		struct log_line log;
		struct reply reply;
	};
};

/* Copies a name into a field; false if it is too long or has control characters. */
bool request_set(char *field, size_t size, const char *value);
void request_free(struct request *request);
void reply_close(struct reply *reply); /* closes the descriptors that are still owned */

int message_send_request(int socket, const struct request *request) MUST_CHECK;
int message_receive_request(int socket, struct request *out) MUST_CHECK;
int message_send_log(int socket, int level, const char *text) MUST_CHECK;
int message_send_reply(int socket, const struct reply *reply) MUST_CHECK;
/* timeout in milliseconds; -ETIMEDOUT; -EPIPE when the helper ended without a reply. */
int message_receive(int socket, int timeout, struct message *out) MUST_CHECK;

/* The same without a socket, for tests and fuzzing. */
int request_decode(const char *packet, size_t size, struct request *out) MUST_CHECK;
ssize_t request_encode(const struct request *request, char packet[MESSAGE_MAX]) MUST_CHECK;
int message_decode(const char *packet, size_t size, const int *fds, size_t fds_count,
		   struct message *out) MUST_CHECK;
ssize_t reply_encode(const struct reply *reply, char packet[MESSAGE_MAX]) MUST_CHECK;

#endif
