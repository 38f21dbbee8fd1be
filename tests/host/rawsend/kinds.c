/* Forged packets: a function for each kind. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "rawsend.h"

static uint16_t put_udp(struct bytes *b, const struct options *o, char **words)
{
	(void)o;
	return udp_put(b, words[0], words[1], 9, atoi(words[2]), mark, strlen(mark));
}

/* Puts an ICMP message: *icmp and the mark. */
static uint16_t icmp_put(struct bytes *b, const char *from, const char *to, struct bytes *icmp)
{
	uint8_t source[16], destination[16];
	size_t size = pair_parse(from, to, source, destination);

	put(icmp, mark, sizeof(mark));
	return ip_put(b, source, destination, size, size == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, icmp,
		      2);
}

/* words: SOURCE DESTINATION TYPE PROTOCOL FROM PORT TO PORT */
static uint16_t put_error(struct bytes *b, const struct options *o, char **words)
{
	uint8_t from[16], to[16], type = atoi(words[2]);
	bool tcp = strcmp(words[3], "tcp") == 0;
	size_t size = pair_parse(words[4], words[6], from, to);
	struct bytes icmp = {0}, inner = {0}, transport = {0};

	(void)o;
	put16(&transport, atoi(words[5]));
	put16(&transport, atoi(words[7]));
	put16(&transport, tcp ? 0 : 8);
	put16(&transport, 0);
	if (tcp) /* sequence numbers, offset, flags */
		put(&transport, (uint8_t[12]){[4] = 0x50, [5] = 0x10}, 12);
	ip_put(&inner, from, to, size, tcp ? IPPROTO_TCP : IPPROTO_UDP, &transport, tcp ? 16 : 6);
	put(&icmp, &type, 1);
	put(&icmp, (uint8_t[7]){0}, 7);
	put(&icmp, inner.data, inner.size);
	return icmp_put(b, words[0], words[1], &icmp);
}

static uint16_t put_message(struct bytes *b, const struct options *o, char **words)
{
	uint8_t type = atoi(words[2]), body[23] = {0};
	struct bytes icmp = {0};

	(void)o;
	put(&icmp, &type, 1);
	put(&icmp, body, sizeof(body));
	return icmp_put(b, words[0], words[1], &icmp);
}

/* words: SOURCE DESTINATION PROTOCOL */
static uint16_t put_bare(struct bytes *b, const struct options *o, char **words)
{
	uint8_t source[16], destination[16];
	size_t size = pair_parse(words[0], words[1], source, destination);
	struct bytes payload = {0};

	(void)o;
	put(&payload, (uint8_t[8]){0}, 8); /* GRE: version 0 */
	put(&payload, mark, sizeof(mark));
	return ip_put(b, source, destination, size, atoi(words[2]), &payload, 2);
}

/* words: SOURCE ROUTER PORT DESTINATION. The checksum stays zero, as it covers the last destination. */
static uint16_t put_loose(struct bytes *b, const struct options *o, char **words)
{
	uint8_t option[8] = {131, 7, 4}, destination[16];
	struct bytes plain = {0};
	uint16_t value;

	(void)o;
	if (address_parse(words[3], destination) != 4)
		errx(2, "%s is no IPv4 address", words[3]);
	udp_put(&plain, words[0], words[1], 9, atoi(words[2]), mark, sizeof(mark));
	plain.data[0] += sizeof(option) / 4;
	plain.data[3] += sizeof(option);
	memset(plain.data + 10, 0, 2);
	memset(plain.data + 26, 0, 2);
	memcpy(option + 3, destination, 4);
	put(b, plain.data, 20);
	put(b, option, sizeof(option));
	value = htons(checksum(0, b->data, b->size));
	memcpy(b->data + 10, &value, 2);
	put(b, plain.data + 20, plain.size - 20);
	return 0x0800;
}

static uint16_t put_arp(struct bytes *b, const struct options *o, char **words)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0}, unknown[6], padding[18];
	const uint8_t operation = strcmp(words[0], "request") == 0 ? 1 : 2;
	uint8_t sender[16], target[16];

	if (address_parse(words[1], sender) != 4 || address_parse(words[2], target) != 4)
		errx(2, "ARP has IPv4 addresses only");
	put(b, head, sizeof(head));
	put(b, &operation, 1);
	put(b, o->source, 6);
	put(b, sender, 4);
	put(b, operation == 1 ? unknown : o->destination, 6);
	put(b, target, 4);
	put(b, mark, strlen(mark));
	put(b, padding, sizeof(padding));
	return 0x0806;
}

/* ICMPv6 to all nodes; the mark is an option of an unknown type. */
static uint16_t nd_put(struct bytes *b, const char *from, struct bytes *icmp)
{
	uint8_t source[16], all[16], option[48] = {253, sizeof(option) / 8};

	inet_pton(AF_INET6, "ff02::1", all);
	if (address_parse(from, source) != 16)
		errx(2, "neighbour discovery has IPv6 addresses only");
	memcpy(option + 2, mark, strlen(mark) < 46 ? strlen(mark) : 46);
	put(icmp, option, sizeof(option));
	return ip_put(b, source, all, 16, IPPROTO_ICMPV6, icmp, 2);
}

static uint16_t put_na(struct bytes *b, const struct options *o, char **words)
{
	static const uint8_t head[] = {136, 0, 0, 0, 0xa0, 0, 0, 0}; /* router, override */
	struct bytes icmp = {0};
	uint8_t target[16];

	address_parse(words[1], target);
	put(&icmp, head, sizeof(head));
	put(&icmp, target, 16);
	put(&icmp, "\2\1", 2);
	put(&icmp, o->source, 6);
	return nd_put(b, words[0], &icmp);
}

static uint16_t put_ra(struct bytes *b, const struct options *o, char **words)
{
	/* Hop limit 64, router for half an hour; a prefix to make an address of, valid an hour. */
	static const uint8_t head[] = {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0},
			     prefix[] = {3,  4, 64, 0xc0, 0, 0,	   14, 16,   0,	   0,	 14,
					 16, 0, 0,  0,	  0, 0x20, 1,  0x0d, 0xb8, 0x0b, 0xad,
					 0,  0, 0,  0,	  0, 0,	   0,  0,    0,	   0};
	struct bytes icmp = {0};

	put(&icmp, head, sizeof(head));
	put(&icmp, prefix, sizeof(prefix));
	put(&icmp, "\1\1", 2);
	put(&icmp, o->source, 6);
	return nd_put(b, words[0], &icmp);
}

static uint16_t put_dhcp(struct bytes *b, const struct options *o, char **words)
{
	static const uint8_t options[] = {99, 130, 83, 99, 53, 1, 2, 255};
	uint8_t boot[236] = {2, 1, 6};
	struct bytes offer = {0};

	(void)o;
	strcpy((char *)boot + 108, mark); /* the boot file's name */
	put(&offer, boot, sizeof(boot));
	put(&offer, options, sizeof(options));
	return udp_put(b, words[0], "255.255.255.255", 67, 68, offer.data, offer.size);
}

static uint16_t put_plain(struct bytes *b, const struct options *o, char **words)
{
	(void)o, (void)words;
	put(b, mark, sizeof(mark));
	return 0x88b5; /* for experiments */
}

static const struct kind kinds[] = {
    {"udp", 3, put_udp},     {"arp", 3, put_arp},      {"na", 2, put_na},
    {"ra", 1, put_ra},	     {"dhcp", 1, put_dhcp},    {"plain", 0, put_plain},
    {"error", 8, put_error}, {"icmp", 3, put_message}, {"bare", 3, put_bare},
    {"loose", 4, put_loose}, {"socket", 3, NULL},
};

const struct kind *kind_find(const char *name, int words)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0 && kinds[i].words == words)
			return &kinds[i];
	return NULL;
}
