/* Addresses and prefixes of both families, as bytes in network order. See address.h. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define IPV6_OFFSET_MAX (UINT32_C(1) << 31)

size_t address_size(const struct address *a)
{
	switch (a->family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 16;
	default:
		return 0;
	}
}

/* inet_pton(3) accepts no scope, no short form and no leading zero, as intended. */
int address_parse(const char *text, struct address *out)
{
	*out = (struct address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(out->family, text, out->bytes) == 1)
		return 0;
	*out = (struct address){0};
	return -EINVAL;
}

static bool length_parse(const char *text, unsigned max, unsigned *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned length = 0;

	if (digits < 1 || digits > 3 || text[digits] || (digits > 1 && *text == '0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		length = length * 10 + (unsigned)(text[i] - '0');
	*out = length;
	return length <= max;
}

/* Are the first bits of two addresses of one family the same? */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole))
		return false;
	return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

static bool host_bits_zero(const struct prefix *p)
{
	for (unsigned bit = p->length; bit < address_size(&p->address) * 8; bit++)
		if (p->address.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

int prefix_parse(const char *text, struct prefix *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	struct prefix p;

	*out = (struct prefix){0};
	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (address_parse(address, &p.address))
		return -EINVAL;
	if (!length_parse(slash + 1, (unsigned)address_size(&p.address) * 8, &p.length))
		return -EINVAL;
	if (!host_bits_zero(&p))
		return -EINVAL;
	*out = p;
	return 0;
}

const char *address_format(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	if (!address_size(a) || !inet_ntop(a->family, a->bytes, text, ADDRESS_TEXT_MAX))
		snprintf(text, ADDRESS_TEXT_MAX, "none");
	return text;
}

const char *prefix_format(const struct prefix *p, char text[ADDRESS_TEXT_MAX])
{
	size_t used;

	address_format(&p->address, text);
	if (!address_size(&p->address))
		return text;
	used = strlen(text);
	snprintf(text + used, ADDRESS_TEXT_MAX - used, "/%u", p->length);
	return text;
}

const char *mac_format(const struct mac *m, char text[MAC_TEXT_MAX])
{
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", m->bytes[0], m->bytes[1],
		 m->bytes[2], m->bytes[3], m->bytes[4], m->bytes[5]);
	return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, address_size(a));
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = {[15] = 1};
	static const uint8_t mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

	if (a->family == AF_INET)
		return a->bytes[0] == 127;
	return a->family == AF_INET6 &&
	       (!memcmp(a->bytes, one, sizeof(one)) || !memcmp(a->bytes, mapped, sizeof(mapped)));
}

bool prefix_contains(const struct prefix *p, const struct address *a)
{
	return address_size(a) && p->address.family == a->family &&
	       bits_equal(p->address.bytes, a->bytes, p->length);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	unsigned shorter = a->length < b->length ? a->length : b->length;

	return address_size(&a->address) && a->address.family == b->address.family &&
	       bits_equal(a->address.bytes, b->address.bytes, shorter);
}

static unsigned prefix_host_bits(const struct prefix *p)
{
	unsigned bits = (unsigned)address_size(&p->address) * 8;

	return bits > p->length ? bits - p->length : 0;
}

struct address prefix_address(const struct prefix *p, uint32_t offset)
{
	unsigned host_bits = prefix_host_bits(p);
	size_t size = address_size(&p->address);
	struct address a = p->address;

	if (size == 0 || (host_bits < 32 && offset >> host_bits))
		return (struct address){0};
	/* Host bits are zero, so nothing carries. */
	for (size_t i = 0; i < 4; i++)
		a.bytes[size - 1 - i] |= (uint8_t)(offset >> (8 * i));
	return a;
}

uint32_t prefix_offset(const struct prefix *p, const struct address *a)
{
	size_t size = address_size(a);
	uint32_t offset = 0;

	for (size_t i = size < 4 ? size : size - 4; i < size; i++)
		offset = offset << 8 | (uint32_t)(a->bytes[i] ^ p->address.bytes[i]);
	return offset;
}

struct address prefix_gateway(const struct prefix *p)
{
	return prefix_address(p, 1);
}

uint32_t prefix_last_offset(const struct prefix *p)
{
	unsigned host_bits = prefix_host_bits(p);

	if (p->address.family == AF_INET6)
		return host_bits < 32 ? (UINT32_C(1) << host_bits) - 1 : IPV6_OFFSET_MAX;
	if (host_bits < 2)
		return 0;
	return (uint32_t)((UINT64_C(1) << host_bits) - 2);
}

/* The finalizer of MurmurHash3: every bit of the uid moves every bit of the result. */
static uint32_t uid_mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

uint32_t prefix_preferred_offset(const struct prefix *p, uid_t uid)
{
	uint32_t last = prefix_last_offset(p);

	if (last < 2)
		return 0;
	if (uid >= 2 && uid <= last)
		return uid;
	return 2 + uid_mix(uid) % (last - 1);
}

struct mac address_mac(const struct address *ipv4)
{
	struct mac mac = {{0x02, 0x6e}};

	memcpy(mac.bytes + 2, ipv4->bytes, 4);
	return mac;
}

int prefix_random_unique_local(struct prefix *out)
{
	*out = (struct prefix){.address = {.family = AF_INET6, .bytes = {0xfd}}, .length = 64};
	return getrandom(out->address.bytes + 1, 7, 0) == 7 ? 0 : -errno;
}

bool prefix_is_unique_local(const struct prefix *p)
{
	return p->address.family == AF_INET6 && p->address.bytes[0] == 0xfd && p->length == 64;
}
