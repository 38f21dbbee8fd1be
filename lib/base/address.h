/*
 * Addresses: prefixes of both families, a user's place in a network, link-layer addresses.
 *
 * A user's place in a network is one number, the host offset: network + offset is the IPv4 address,
 * prefix6 + offset the IPv6 address, and the MAC follows from the IPv4 address. Offset 1 is the
 * gateway. Nothing here touches the kernel; all functions are pure.
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

/* "10.203.0.0/16" or "fd00::/64"; host bits set, a missing length or trailing text is -EINVAL. */
int prefix_parse(const char *text, struct prefix *out) MUST_CHECK;
/* A bare address of either family. */
int address_parse(const char *text, struct address *out) MUST_CHECK;

/* They return text; an address of family 0 is "none". */
const char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);
const char *prefix_format(const struct prefix *p, char text[ADDRESS_TEXT_MAX]);
const char *mac_format(const struct mac *m, char text[MAC_TEXT_MAX]);

size_t address_size(const struct address *a); /* 4 or 16, 0 for none */
bool address_equal(const struct address *a, const struct address *b);
bool address_is_loopback(const struct address *a);
bool prefix_contains(const struct prefix *p, const struct address *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);

/* The address at a host offset; family 0 where the offset does not fit the prefix's host bits. */
struct address prefix_address(const struct prefix *p, uint32_t offset);
/*
 * Offsets from 2 to this one belong to users (1 is the gateway, the last IPv4 one is broadcast);
 * less than 2: the prefix has no room for any. At most 2^31 for IPv6.
 */
uint32_t prefix_last_offset(const struct prefix *p);
/*
 * The offset that a uid asks for first: the uid itself where it fits, a fixed mix of it otherwise;
 * 0 where the prefix has no room for users.
 */
uint32_t prefix_preferred_offset(const struct prefix *p, uid_t uid);

/* 02:6e + the four bytes of the IPv4 address: locally administered, unique in a network. */
struct mac address_mac(const struct address *ipv4);

/*
 * A unique local /64 (RFC 4193). 56 bits are random, global id and subnet id: with 16 bits for the
 * network alone, one pair of networks in 65,536 would share a prefix.
 */
int prefix_random_unique_local(struct prefix *out) MUST_CHECK;
bool prefix_is_unique_local(const struct prefix *p);

#endif
