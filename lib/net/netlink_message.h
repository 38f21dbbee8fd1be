/*
 * Netlink messages: a header, a family's fixed header, attributes; built and read.
 *
 * A login needs some thirty kinds of request and reads five kinds of answer. Our own, because a
 * library for it (libnl) brings name service code into a static root program, and needs a C library
 * whose start takes longer than all of a login's netlink; see HACKING.
 */
#ifndef PAM_NETNS_NETLINK_MESSAGE_H
#define PAM_NETNS_NETLINK_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_MESSAGE_MAX 1024 /* bytes of one request; the longest of ours has 200 */

struct netlink_message {
	union {
		struct nlmsghdr header;
		char bytes[NETLINK_MESSAGE_MAX];
	};
	bool full; /* something did not fit: it must not be sent */
};

/* Building. What does not fit sets full. */
void netlink_append(struct netlink_message *message, const void *data, size_t size);
void netlink_put(struct netlink_message *message, int type, size_t size, const void *value);
void netlink_put_u8(struct netlink_message *message, int type, uint8_t value);
void netlink_put_u16(struct netlink_message *message, int type, uint16_t value);
void netlink_put_u32(struct netlink_message *message, int type, uint32_t value);
void netlink_put_text(struct netlink_message *message, int type, const char *value);
/* Attributes put between these two are inside an attribute of that type. */
struct nlattr *netlink_nest(struct netlink_message *message, int type);
void netlink_nest_end(struct netlink_message *message, struct nlattr *nest);

/* Reading. The kernel's answers are not trusted to be whole:
 * what runs over the end is not there. */
const void *netlink_payload(const struct nlmsghdr *header);
size_t netlink_payload_size(const struct nlmsghdr *header);

/*
 * The attributes after a family's fixed header, by type; out has max + 1 places, NULL: not there.
 * False if not even the fixed header is whole.
 */
bool netlink_parse(const struct nlmsghdr *header, size_t fixed, const struct nlattr **out, int max);
void attributes_parse(const void *data, size_t size, const struct nlattr **out, int max);
/* The first attribute in data, or the one after another; NULL: no further one. */
const struct nlattr *attribute_first(const void *data, size_t size);
const struct nlattr *attribute_next(const struct nlattr *attribute, const void *data, size_t size);

const void *attribute_value(const struct nlattr *attribute);
size_t attribute_size(const struct nlattr *attribute);
/* 0 where there are fewer than 4 bytes. */
uint32_t attribute_u32(const struct nlattr *attribute);
/* As many bytes as there are, at most size. */
void attribute_copy(const struct nlattr *attribute, void *out, size_t size);
/* Ends with a NUL whatever the attribute holds. */
void attribute_text(const struct nlattr *attribute, char *out, size_t size);

#endif
