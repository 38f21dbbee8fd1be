/* Netlink messages; see netlink_message.h. */
#include "net/netlink_message.h"

#include <string.h>

/* Reserves bytes at the end, zeroed up to the next boundary. NULL: full. */
static void *reserve(struct netlink_message *message, size_t size)
{
	size_t used = NLMSG_ALIGN(message->header.nlmsg_len);
	char *at = message->bytes + used;

	if (message->full || size > sizeof(message->bytes) ||
	    NLMSG_ALIGN(size) > sizeof(message->bytes) - used) {
		message->full = true;
		return NULL;
	}
	memset(at, 0, NLMSG_ALIGN(size));
	message->header.nlmsg_len = (uint32_t)(used + NLMSG_ALIGN(size));
	return at;
}

void netlink_append(struct netlink_message *message, const void *data, size_t size)
{
	void *at = reserve(message, size);

	if (at)
		memcpy(at, data, size);
}

void netlink_put(struct netlink_message *message, int type, size_t size, const void *value)
{
	/* SIZE_MAX must not wrap around to a small number. */
	struct nlattr *attribute =
	    reserve(message, size > sizeof(message->bytes) ? size : NLA_HDRLEN + size);

	if (!attribute)
		return;
	attribute->nla_type = (uint16_t)type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	if (size)
		memcpy((char *)attribute + NLA_HDRLEN, value, size);
}

void netlink_put_u8(struct netlink_message *message, int type, uint8_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_u16(struct netlink_message *message, int type, uint16_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_u32(struct netlink_message *message, int type, uint32_t value)
{
	netlink_put(message, type, sizeof(value), &value);
}

void netlink_put_text(struct netlink_message *message, int type, const char *value)
{
	netlink_put(message, type, strlen(value) + 1, value);
}

struct nlattr *netlink_nest(struct netlink_message *message, int type)
{
	struct nlattr *nest =
	    (struct nlattr *)(void *)(message->bytes + NLMSG_ALIGN(message->header.nlmsg_len));

	netlink_put(message, type, 0, NULL);
	return nest;
}

void netlink_nest_end(struct netlink_message *message, struct nlattr *nest)
{
	if (!message->full)
		nest->nla_len =
		    (uint16_t)(message->bytes + message->header.nlmsg_len - (char *)nest);
}

const void *netlink_payload(const struct nlmsghdr *header)
{
	return (const char *)header + NLMSG_HDRLEN;
}

size_t netlink_payload_size(const struct nlmsghdr *header)
{
	return header->nlmsg_len < NLMSG_HDRLEN ? 0 : header->nlmsg_len - NLMSG_HDRLEN;
}

static const struct nlattr *attribute_at(const char *at, const char *end)
{
	const struct nlattr *attribute = (const struct nlattr *)(const void *)at;

	if (at >= end || (size_t)(end - at) < NLA_HDRLEN || attribute->nla_len < NLA_HDRLEN ||
	    attribute->nla_len > (size_t)(end - at))
		return NULL;
	return attribute;
}

const struct nlattr *attribute_first(const void *data, size_t size)
{
	return attribute_at(data, (const char *)data + size);
}

const struct nlattr *attribute_next(const struct nlattr *attribute, const void *data, size_t size)
{
	return attribute_at((const char *)attribute + NLA_ALIGN(attribute->nla_len),
			    (const char *)data + size);
}

static int attribute_type(const struct nlattr *attribute)
{
	return attribute->nla_type & NLA_TYPE_MASK;
}

void attributes_parse(const void *data, size_t size, const struct nlattr **out, int max)
{
	memset(out, 0, sizeof(*out) * ((size_t)max + 1));
	for (const struct nlattr *a = attribute_first(data, size); a;
	     a = attribute_next(a, data, size))
		if (attribute_type(a) <= max)
			out[attribute_type(a)] = a;
}

bool netlink_parse(const struct nlmsghdr *header, size_t fixed, const struct nlattr **out, int max)
{
	size_t size = netlink_payload_size(header), skip = NLMSG_ALIGN(fixed);

	if (size < skip)
		return false;
	attributes_parse((const char *)netlink_payload(header) + skip, size - skip, out, max);
	return true;
}

const void *attribute_value(const struct nlattr *attribute)
{
	return (const char *)attribute + NLA_HDRLEN;
}

size_t attribute_size(const struct nlattr *attribute)
{
	return attribute->nla_len - (size_t)NLA_HDRLEN;
}

uint32_t attribute_u32(const struct nlattr *attribute)
{
	uint32_t value = 0;

	if (attribute_size(attribute) >= sizeof(value))
		memcpy(&value, attribute_value(attribute), sizeof(value));
	return value;
}

void attribute_copy(const struct nlattr *attribute, void *out, size_t size)
{
	size_t there = attribute_size(attribute);

	memcpy(out, attribute_value(attribute), there < size ? there : size);
}

void attribute_text(const struct nlattr *attribute, char *out, size_t size)
{
	size_t length = strnlen(attribute_value(attribute), attribute_size(attribute));

	if (length >= size)
		length = size - 1;
	memcpy(out, attribute_value(attribute), length);
	out[length] = '\0';
}
