/*
 * Netlink messages (a header, a family's fixed header, attributes), built and read.
 *
 * A login needs some thirty kinds of request and reads five kinds of answer. We do not use a
 * library (libnl): it brings name service code into a static root program, and needs a C library
 * that starts more slowly than all of a login's netlink takes; see HACKING.
 */
#ifndef PAM_NETNS_NETLINK_MESSAGE_H
#define PAM_NETNS_NETLINK_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_MESSAGE_MAX 1024 /* bytes of one request; our longest has 200 */

struct netlink_message {
	union {
		struct nlmsghdr header;
		char bytes[NETLINK_MESSAGE_MAX];
	};
	bool full; /* something did not fit: the message must not be sent */
};

/* Building. full is set if something does not fit. */
void netlink_append(struct netlink_message *message, const void *data, size_t size);
void netlink_put(struct netlink_message *message, int type, size_t size, const void *value);
void netlink_put_u8(struct netlink_message *message, int type, uint8_t value);
void netlink_put_u16(struct netlink_message *message, int type, uint16_t value);
void netlink_put_u32(struct netlink_message *message, int type, uint32_t value);
void netlink_put_text(struct netlink_message *message, int type, const char *value);
/* Attributes between these two calls are inside an attribute of that type. */
struct nlattr *netlink_nest(struct netlink_message *message, int type);
void netlink_nest_end(struct netlink_message *message, struct nlattr *nest);

/* Reading. The kernel's answers may be cut off: what crosses their end counts as missing. */
const void *netlink_payload(const struct nlmsghdr *header);
size_t netlink_payload_size(const struct nlmsghdr *header);

/*
 * Finds the attributes after a family's fixed header, by type. out has max + 1 places; NULL:
 * missing. False: even the fixed header is incomplete.
 */
bool netlink_parse(const struct nlmsghdr *header, size_t fixed, const struct nlattr **out, int max);
void attributes_parse(const void *data, size_t size, const struct nlattr **out, int max);
/* The first attribute in data, or the next one after another. NULL: there is none. */
const struct nlattr *attribute_first(const void *data, size_t size);
const struct nlattr *attribute_next(const struct nlattr *attribute, const void *data, size_t size);

const void *attribute_value(const struct nlattr *attribute);
size_t attribute_size(const struct nlattr *attribute);
/* 0 if there are fewer than 4 bytes. */
uint32_t attribute_u32(const struct nlattr *attribute);
/* Copies the bytes, at most size. */
void attribute_copy(const struct nlattr *attribute, void *out, size_t size);
/* Ends with a NUL, whatever the attribute contains. */
void attribute_text(const struct nlattr *attribute, char *out, size_t size);

#endif
