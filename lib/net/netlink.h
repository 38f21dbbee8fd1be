/*
 * A small netlink transport under verbs such as "add an address": requests are collected in a batch
 * and sent with one system call, and each failure is reported.
 *
 * A login should make two system calls for this, not forty, and libnl-route 3.7 knows neither
 * locked bridge ports nor group_fwd_mask. A socket belongs to the network namespace in which its
 * thread opened it, so the socket decides the namespace of a verb. Not for use by two threads.
 */
#ifndef PAM_NETNS_NETLINK_H
#define PAM_NETNS_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "net/netlink_message.h"

/* A batch is on the stack, and less than a page: our longest one has 9 requests with 476 bytes. */
#define NETLINK_BATCH_MAX   16 /* requests in one batch */
#define NETLINK_BATCH_BYTES 2048

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
	bool broken; /* a request did not fit while it was filled */
	/* May be set: gets messages that are no request's result, such as
	 * the echo of NLM_F_ECHO. */
	void (*other)(void *context, struct nlmsghdr *message);
	void *context;
	struct netlink_request {
		const char *what;   /* for messages: "add the address to eth0" */
		int tolerated;	    /* an errno that counts as success, 0: none */
		int result;	    /* 0 or -errno, after netlink_run() */
		bool was_tolerated; /* the kernel answered with the tolerated error */
	} requests[NETLINK_BATCH_MAX];
};

/* protocol: NETLINK_ROUTE or NETLINK_NETFILTER. Needs no privilege; most verbs need
 * CAP_NET_ADMIN. */
int netlink_open(struct netlink *netlink, int protocol) MUST_CHECK;
void netlink_close(struct netlink *netlink);
/* Are the kernel's own words about errors wanted, which only debug lines show? Default: yes. */
void netlink_explain(bool wanted);

void netlink_batch_init(struct netlink_batch *batch);

/*
 * Starts a request of a type; header is the family's fixed header. The caller owns the request
 * until it is added or sent. There is one at a time: the next one takes its place. If
 * something does not fit, the batch breaks and netlink_run() reports it, so callers need not
 * check each attribute.
 */
struct netlink_message *netlink_request(int type, int flags, const void *header,
					size_t header_size);
/* what must live until netlink_run(). */
void netlink_add(struct netlink_batch *batch, const struct netlink_message *message,
		 const char *what, int tolerated);

/*
 * Sends the batch and reads the result of each request. The first request that failed with an error
 * other than its tolerated one is logged, and is the result; the kernel works through all of them
 * in any case. The batch is empty afterwards, and requests[].result can be read.
 */
int netlink_run(struct netlink *netlink, struct netlink_batch *batch) MUST_CHECK;

/*
 * Sends one request and passes every message of the answer to visit, dump or not. visit must not
 * use netlink itself.
 */
int netlink_query(struct netlink *netlink, struct netlink_message *message, const char *what,
		  int (*visit)(void *context, struct nlmsghdr *answer), void *context) MUST_CHECK;

#endif
