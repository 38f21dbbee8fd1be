/*
 * A small netlink transport under verbs such as "add an address": requests are collected in a
 * batch and sent with one system call; each failure is told on its own.
 *
 * A login wants two system calls, not forty, and libnl-route 3.7 knows neither locked bridge ports
 * nor group_fwd_mask. A socket belongs to the network namespace that its thread was in when it was
 * opened, and stays there: the socket says which namespace a verb is for. Not for two threads.
 */
#ifndef PAM_NETNS_NETLINK_H
#define PAM_NETNS_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "net/netlink_message.h"

#define NETLINK_BATCH_MAX   32 /* requests in one batch */
#define NETLINK_BATCH_BYTES 8192

struct netlink {
	int fd;
	int protocol;
	uint32_t sequence;
	bool explains; /* errors come with the kernel's own words */
};

struct netlink_batch {
	char data[NETLINK_BATCH_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t used;
	unsigned count;
	bool broken; /* something did not fit while it was filled */
	/* May be set: gets what arrives and is no request's result,
	 * such as what NLM_F_ECHO asks for. */
	void (*other)(void *context, struct nlmsghdr *message);
	void *context;
	struct netlink_request {
		const char *what;   /* for messages: "add the address to eth0" */
		int tolerated;	    /* an errno that counts as success, 0: none */
		int result;	    /* 0 or -errno, after netlink_run() */
		bool was_tolerated; /* the kernel did answer with the tolerated error */
	} requests[NETLINK_BATCH_MAX];
};

/* protocol: NETLINK_ROUTE or NETLINK_NETFILTER.
 * Needs no privilege; most verbs need CAP_NET_ADMIN. */
int netlink_open(struct netlink *netlink, int protocol) MUST_CHECK;
void netlink_close(struct netlink *netlink);

void netlink_batch_init(struct netlink_batch *batch);

/*
 * Starts a request of a type; header is the family's fixed header. It is the caller's until it is
 * added or sent, and the next one takes its place: there is one at a time. What does not fit breaks
 * the batch and netlink_run() says so, so callers need not check attributes one by one.
 */
struct netlink_message *netlink_request(int type, int flags, const void *header,
					size_t header_size);
/* what is borrowed until netlink_run(). */
void netlink_add(struct netlink_batch *batch, const struct netlink_message *message,
		 const char *what, int tolerated);

/*
 * Sends the batch and reads what became of each request. The first request that failed with
 * another error than the tolerated one is logged and is the result; the kernel works through all of
 * them either way. The batch is empty afterwards (requests[].result can be read).
 */
int netlink_run(struct netlink *netlink, struct netlink_batch *batch) MUST_CHECK;

/*
 * Sends one request and hands every message of the answer to visit, dump or not.
 * visit must not talk netlink itself.
 */
int netlink_query(struct netlink *netlink, struct netlink_message *message, const char *what,
		  int (*visit)(void *context, struct nlmsghdr *answer), void *context) MUST_CHECK;

#endif
