/*
 * Addresses: prefixes of both families, a user's place in a network, link-layer addresses.
 *
 * A user's place in a network is one number, the host offset. The IPv4 address is network + offset,
 * the IPv6 address is prefix6 + offset, and the MAC follows from the IPv4 address. Offset 1 is the
 * gateway. All functions are pure; none touches the kernel.
 */
#ifndef PAM_NETNS_ADDRESS_H
#define PAM_NETNS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

#define ADDRESS_TEXT_MAX 64 /* "address/len" of either family, with its NUL */
#define MAC_TEXT_MAX	 18

struct address {
	int family;	   /* AF_INET, AF_INET6, or 0: none */
	uint8_t bytes[16]; /* network order; the first 4 for AF_INET */
};

struct prefix {
	struct address address; /* host bits zero */
	unsigned length;
};

struct mac {
	uint8_t bytes[6];
};

/* "10.203.0.0/16" or "fd00::/64". -EINVAL: host bits are set, the length is missing,
 * or more text follows. */
int prefix_parse(const char *text, struct prefix *out) MUST_CHECK;
/* A bare address of either family. */
int address_parse(const char *text, struct address *out) MUST_CHECK;

/* Return text. An address of family 0 becomes "none". */
const char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);
const char *prefix_format(const struct prefix *p, char text[ADDRESS_TEXT_MAX]);
const char *mac_format(const struct mac *m, char text[MAC_TEXT_MAX]);

size_t address_size(const struct address *a); /* 4 or 16, 0 for none */
bool address_equal(const struct address *a, const struct address *b);
bool address_is_loopback(const struct address *a);
bool prefix_contains(const struct prefix *p, const struct address *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);

/* The address at a host offset; family 0 if the offset does not fit into the prefix's host bits. */
struct address prefix_address(const struct prefix *p, uint32_t offset);
/* The host offset of an address in the prefix: the other way. At most 32 bits are looked at. */
uint32_t prefix_offset(const struct prefix *p, const struct address *a);
/* The address at offset 1, our networks' gateway; family 0 if the prefix has none. */
struct address prefix_gateway(const struct prefix *p);
/*
 * Users have the offsets from 2 to this one (1 is the gateway, and the last IPv4 address is
 * broadcast). Less than 2: the prefix has no room for users. At most 2^31 for IPv6.
 */
uint32_t prefix_last_offset(const struct prefix *p);
/*
 * The offset that a uid tries first: the uid itself if it fits, else a fixed mix of it. 0: the
 * prefix has no room for users.
 */
uint32_t prefix_preferred_offset(const struct prefix *p, uid_t uid);

/* 02:6e + the four bytes of the IPv4 address: locally administered, unique in a network. */
struct mac address_mac(const struct address *ipv4);

/*
 * A unique local /64 (RFC 4193) with 56 random bits: global id and subnet id. If only the 16 bits
 * of the subnet id depended on the network, one pair of networks in 65,536 would share a prefix.
 */
int prefix_random_unique_local(struct prefix *out) MUST_CHECK;
bool prefix_is_unique_local(const struct prefix *p);

#endif
