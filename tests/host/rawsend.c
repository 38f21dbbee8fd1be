/*
 * Sends forged Ethernet frames, each with "pam_netns:MARK;" in it, which host-witness looks for.
 *
 *   host-rawsend [OPTION...] MARK KIND [ARGUMENT...]
 *	udp SOURCE DESTINATION PORT	IPv4 or IPv6
 *	error SOURCE DESTINATION TYPE tcp|udp FROM PORT TO PORT
 *					an ICMP error of that type about a packet from FROM to TO
 *	icmp SOURCE DESTINATION TYPE	an ICMP message of that type
 *	bare SOURCE DESTINATION PROTOCOL	a protocol that has no ports: 47 (GRE), 50 (ESP)
 *	loose SOURCE ROUTER PORT DESTINATION	UDP over IPv4, with a loose source route
 *	arp request|reply SENDER TARGET	the sender claims to have the frame's source MAC
 *	na SOURCE ADDRESS		neighbour advertisement: ADDRESS is at the frame's source
 *	ra SOURCE			router advertisement: default route, prefix
 *	dhcp SOURCE			DHCP offer to all
 *	plain				the mark alone; -e says what it claims to be
 *	socket SOURCE DESTINATION PORT	no frame: an ordinary UDP socket, bound with FREEBIND
 *
 * -i INTERFACE (eth0), -s MAC (the interface's own; "random": another for each frame), -d MAC (the
 * bridge's), -t TPID:ID a VLAN tag (may be repeated), -e TYPE the ethertype, -l LLC/SNAP, -n COUNT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAGS_MAX 4

struct options {
	const char *interface;
	uint8_t source[6], destination[6];
	bool random_source, snap;
	uint16_t tags[TAGS_MAX][2];
	int tags_count;
	int type; /* -1: what the payload is */
	int count;
};

struct bytes {
	uint8_t data[1600];
	size_t size;
};

static char mark[48];

static void put(struct bytes *b, const void *data, size_t size)
{
	if (b->size + size > sizeof(b->data))
		errx(1, "the frame is too long");
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void put16(struct bytes *b, unsigned value)
{
	const uint8_t data[] = {value >> 8, value};

	put(b, data, 2);
}

static void mac_parse(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		errx(2, "no MAC: %s", text);
}

/* The size of the address: 4 or 16. */
static size_t address_parse(const char *text, uint8_t address[16])
{
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, address) == 1)
		return 16;
	errx(2, "no address: %s", text);
}

static uint16_t checksum(uint32_t sum, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* An IP header before what is in *payload, whose checksum belongs at offset. Returns the type. */
static uint16_t ip_wrap(struct bytes *b, const uint8_t *source, const uint8_t *destination,
			size_t size, int protocol, struct bytes *payload, size_t offset)
{
	uint8_t pseudo[36] = {0}, head4[20] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64};
	uint32_t sum = protocol + payload->size;
	uint16_t value;

	memcpy(pseudo, source, size);
	memcpy(pseudo + size, destination, size);
	sum += (uint16_t)~checksum(0, pseudo, 2 * size);
	if (protocol == IPPROTO_ICMP) /* which has no pseudo header */
		sum = 0;
	value = htons(checksum(sum, payload->data, payload->size));
	memcpy(payload->data + offset, &value, 2);
	if (size == 16) {
		const uint8_t head6[] = {0x60,		0,	  0,  0, payload->size >> 8,
					 payload->size, protocol, 255};

		put(b, head6, sizeof(head6));
		put(b, pseudo, 32);
	} else {
		head4[2] = (20 + payload->size) >> 8;
		head4[3] = 20 + payload->size;
		head4[9] = protocol;
		memcpy(head4 + 12, pseudo, 8);
		value = htons(checksum(0, head4, 20));
		memcpy(head4 + 10, &value, 2);
		put(b, head4, 20);
	}
	put(b, payload->data, payload->size);
	return size == 4 ? 0x0800 : 0x86dd;
}

static uint16_t make_udp(struct bytes *b, const char *from, const char *to, unsigned from_port,
			 unsigned to_port, const void *data, size_t length)
{
	uint8_t source[16], destination[16];
	size_t size = address_parse(from, source);
	struct bytes udp = {0};

	if (address_parse(to, destination) != size)
		errx(2, "%s and %s are of two families", from, to);
	put16(&udp, from_port);
	put16(&udp, to_port);
	put16(&udp, 8 + length);
	put16(&udp, 0);
	put(&udp, data, length);
	return ip_wrap(b, source, destination, size, IPPROTO_UDP, &udp, 6);
}

/* An ICMP message to that address: what is in *icmp, and the mark. */
static uint16_t make_icmp(struct bytes *b, const char *from, const char *to, struct bytes *icmp)
{
	uint8_t source[16], destination[16];
	size_t size = address_parse(from, source);

	if (address_parse(to, destination) != size)
		errx(2, "%s and %s are of two families", from, to);
	put(icmp, mark, sizeof(mark));
	return ip_wrap(b, source, destination, size, size == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		       icmp, 2);
}

/* words: SOURCE DESTINATION TYPE PROTOCOL FROM PORT TO PORT */
static uint16_t make_error(struct bytes *b, char **words)
{
	uint8_t from[16], to[16], type = atoi(words[2]);
	bool tcp = strcmp(words[3], "tcp") == 0;
	size_t size = address_parse(words[4], from);
	struct bytes icmp = {0}, inner = {0}, transport = {0};

	if (address_parse(words[6], to) != size)
		errx(2, "%s and %s are of two families", words[4], words[6]);
	put16(&transport, atoi(words[5]));
	put16(&transport, atoi(words[7]));
	put16(&transport, tcp ? 0 : 8);
	put16(&transport, 0);
	if (tcp) /* sequence numbers, offset, flags */
		put(&transport, (uint8_t[12]){[4] = 0x50, [5] = 0x10}, 12);
	ip_wrap(&inner, from, to, size, tcp ? IPPROTO_TCP : IPPROTO_UDP, &transport, tcp ? 16 : 6);
	put(&icmp, &type, 1);
	put(&icmp, (uint8_t[7]){0}, 7);
	put(&icmp, inner.data, inner.size);
	return make_icmp(b, words[0], words[1], &icmp);
}

static uint16_t make_message(struct bytes *b, char **words)
{
	uint8_t type = atoi(words[2]), body[23] = {0};
	struct bytes icmp = {0};

	put(&icmp, &type, 1);
	put(&icmp, body, sizeof(body));
	return make_icmp(b, words[0], words[1], &icmp);
}

/* words: SOURCE DESTINATION PROTOCOL */
static uint16_t make_bare(struct bytes *b, char **words)
{
	uint8_t source[16], destination[16];
	size_t size = address_parse(words[0], source);
	struct bytes payload = {0};

	if (address_parse(words[1], destination) != size)
		errx(2, "%s and %s are of two families", words[0], words[1]);
	put(&payload, (uint8_t[8]){0}, 8); /* GRE: version 0 */
	put(&payload, mark, sizeof(mark));
	return ip_wrap(b, source, destination, size, atoi(words[2]), &payload, 2);
}

/* words: SOURCE ROUTER PORT DESTINATION. Without a checksum, which is about the destination. */
static uint16_t make_loose(struct bytes *b, char **words)
{
	uint8_t option[8] = {131, 7, 4}, destination[16];
	struct bytes plain = {0};
	uint16_t value;

	if (address_parse(words[3], destination) != 4)
		errx(2, "%s is no IPv4 address", words[3]);
	make_udp(&plain, words[0], words[1], 9, atoi(words[2]), mark, sizeof(mark));
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

static uint16_t make_arp(struct bytes *b, const struct options *o, char **words)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0}, nobody[6], padding[18];
	const uint8_t operation = strcmp(words[0], "request") == 0 ? 1 : 2;
	uint8_t sender[16], target[16];

	if (address_parse(words[1], sender) != 4 || address_parse(words[2], target) != 4)
		errx(2, "ARP is IPv4's");
	put(b, head, sizeof(head));
	put(b, &operation, 1);
	put(b, o->source, 6);
	put(b, sender, 4);
	put(b, operation == 1 ? nobody : o->destination, 6);
	put(b, target, 4);
	put(b, mark, strlen(mark));
	put(b, padding, sizeof(padding));
	return 0x0806;
}

/* ICMPv6 to all nodes; the mark is an option of an unknown type. */
static uint16_t make_nd(struct bytes *b, const char *from, struct bytes *icmp)
{
	uint8_t source[16], all[16], option[48] = {253, sizeof(option) / 8};

	inet_pton(AF_INET6, "ff02::1", all);
	if (address_parse(from, source) != 16)
		errx(2, "neighbour discovery is IPv6's");
	memcpy(option + 2, mark, strlen(mark) < 46 ? strlen(mark) : 46);
	put(icmp, option, sizeof(option));
	return ip_wrap(b, source, all, 16, IPPROTO_ICMPV6, icmp, 2);
}

static uint16_t make_na(struct bytes *b, const struct options *o, char **words)
{
	static const uint8_t head[] = {136, 0, 0, 0, 0xa0, 0, 0, 0}; /* router, override */
	struct bytes icmp = {0};
	uint8_t target[16];

	address_parse(words[1], target);
	put(&icmp, head, sizeof(head));
	put(&icmp, target, 16);
	put(&icmp, "\2\1", 2);
	put(&icmp, o->source, 6);
	return make_nd(b, words[0], &icmp);
}

static uint16_t make_ra(struct bytes *b, const struct options *o, char **words)
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
	return make_nd(b, words[0], &icmp);
}

static uint16_t make_dhcp(struct bytes *b, char **words)
{
	static const uint8_t options[] = {99, 130, 83, 99, 53, 1, 2, 255};
	uint8_t boot[236] = {2, 1, 6};
	struct bytes offer = {0};

	strcpy((char *)boot + 108, mark); /* the boot file's name */
	put(&offer, boot, sizeof(boot));
	put(&offer, options, sizeof(options));
	return make_udp(b, words[0], "255.255.255.255", 67, 68, offer.data, offer.size);
}

static void socket_send(char **words)
{
	struct sockaddr_in6 a[2] = {0};
	struct sockaddr_in *a4[] = {(struct sockaddr_in *)&a[0], (struct sockaddr_in *)&a[1]};
	bool ipv6 = strchr(words[0], ':');
	int on = 1, fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < 2; i++) {
		uint16_t port = htons(i ? atoi(words[2]) : 0);

		if (ipv6) {
			a[i].sin6_family = AF_INET6;
			a[i].sin6_port = port;
			inet_pton(AF_INET6, words[i], &a[i].sin6_addr);
		} else {
			a4[i]->sin_family = AF_INET;
			a4[i]->sin_port = port;
			inet_pton(AF_INET, words[i], &a4[i]->sin_addr);
		}
	}
	if (setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_FREEBIND : IP_FREEBIND,
		       &on, sizeof(on)) < 0)
		err(1, "FREEBIND");
	if (bind(fd, (struct sockaddr *)&a[0], sizeof(a[0])) < 0)
		err(1, "bind to %s", words[0]);
	if (sendto(fd, mark, strlen(mark), 0, (struct sockaddr *)&a[1], sizeof(a[1])) < 0)
		err(1, "send to %s", words[1]);
}

static const struct {
	const char *name;
	int words;
} kinds[] = {{"udp", 3},    {"arp", 3},	  {"na", 2},   {"ra", 1},   {"dhcp", 1}, {"plain", 0},
	     {"socket", 3}, {"error", 8}, {"icmp", 3}, {"bare", 3}, {"loose", 4}};

static uint16_t payload_make(struct bytes *b, const struct options *o, char **words)
{
	switch (*words[0]) {
	case 'u':
		return make_udp(b, words[1], words[2], 9, atoi(words[3]), mark, strlen(mark));
	case 'a':
		return make_arp(b, o, words + 1);
	case 'n':
		return make_na(b, o, words + 1);
	case 'r':
		return make_ra(b, o, words + 1);
	case 'd':
		return make_dhcp(b, words + 1);
	case 'e':
		return make_error(b, words + 1);
	case 'i':
		return make_message(b, words + 1);
	case 'b':
		return make_bare(b, words + 1);
	case 'l':
		return make_loose(b, words + 1);
	}
	put(b, mark, sizeof(mark));
	return 0x88b5; /* for experiments */
}

static void frame_make(struct bytes *frame, const struct options *o, char **words)
{
	static const uint8_t llc[] = {0xaa, 0xaa, 3, 0, 0, 0};
	struct bytes payload = {0};
	uint16_t type = payload_make(&payload, o, words);

	frame->size = 0;
	put(frame, o->destination, 6);
	put(frame, o->source, 6);
	for (int i = 0; i < o->tags_count; i++) {
		put16(frame, o->tags[i][0]);
		put16(frame, o->tags[i][1]);
	}
	if (o->snap) {
		put16(frame, sizeof(llc) + 2 + payload.size);
		put(frame, llc, sizeof(llc));
	}
	put16(frame, o->type < 0 ? type : o->type);
	put(frame, payload.data, payload.size);
}

static void frames_send(struct options *o, char **words)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct bytes frame;

	to.sll_ifindex = if_nametoindex(o->interface);
	if (fd < 0 || !to.sll_ifindex)
		err(1, "%s", o->interface);
	for (int i = 0; i < o->count; i++) {
		if (o->random_source) {
			if (getrandom(o->source, 6, 0) != 6)
				err(1, "getrandom");
			o->source[0] = (o->source[0] & 0xfc) | 2;
		}
		frame_make(&frame, o, words);
		if (sendto(fd, frame.data, frame.size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			err(1, "send a frame");
	}
}

static void own_mac(struct options *o)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strncpy(request.ifr_name, o->interface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		err(1, "%s", o->interface);
	memcpy(o->source, request.ifr_hwaddr.sa_data, 6);
	close(fd);
}

static void option_read(struct options *o, int c)
{
	switch (c) {
	case 's':
		o->random_source = strcmp(optarg, "random") == 0;
		if (!o->random_source)
			mac_parse(optarg, o->source);
		break;
	case 'd':
		mac_parse(optarg, o->destination);
		break;
	case 't':
		if (o->tags_count == TAGS_MAX ||
		    sscanf(optarg, "%hx:%hu", &o->tags[o->tags_count][0],
			   &o->tags[o->tags_count][1]) != 2)
			errx(2, "no tag: %s", optarg);
		o->tags_count++;
		break;
	case 'e':
		o->type = strtol(optarg, NULL, 0);
		break;
	case 'l':
		o->snap = true;
		break;
	case 'n':
		o->count = atoi(optarg);
		break;
	case '?':
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = {
	    .interface = "eth0", .destination = {2, 0x70, 0x6e, 0, 0, 1}, .type = -1, .count = 1};
	static const char letters[] = "+i:s:d:t:e:ln:";
	int c;

	while ((c = getopt(argc, argv, letters)) != -1)
		if (c == 'i')
			o.interface = optarg;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (argc - optind < 2 || strcmp(argv[optind + 1], kinds[i].name) != 0 ||
		    argc - optind - 2 != kinds[i].words)
			continue;
		snprintf(mark, sizeof(mark), "pam_netns:%s;", argv[optind]);
		own_mac(&o);
		optind = 1;
		while ((c = getopt(argc, argv, letters)) != -1)
			option_read(&o, c);
		if (strcmp(kinds[i].name, "socket") == 0)
			socket_send(argv + optind + 2);
		else
			frames_send(&o, argv + optind + 1);
		return 0;
	}
	errx(2,
	     "usage: host-rawsend [OPTION...] MARK KIND [ARGUMENT...]; see tests/host/rawsend.c");
}
