/*
 * Sends forged Ethernet frames, each with "pam_netns:MARK;" in it. host-witness looks for this mark.
 *
 *   host-rawsend [OPTION...] MARK KIND [ARGUMENT...]
 *	udp SOURCE DESTINATION PORT	IPv4 or IPv6
 *	error SOURCE DESTINATION TYPE tcp|udp FROM PORT TO PORT
 *					an ICMP error of that type about a packet from FROM to TO
 *	icmp SOURCE DESTINATION TYPE	an ICMP message of that type
 *	bare SOURCE DESTINATION PROTOCOL	a protocol without ports: 47 (GRE), 50 (ESP)
 *	loose SOURCE ROUTER PORT DESTINATION	UDP over IPv4, with a loose source route
 *	arp request|reply SENDER TARGET	the sender claims to have the frame's source MAC
 *	na SOURCE ADDRESS		neighbour advertisement: ADDRESS is at the frame's source
 *	ra SOURCE			router advertisement: default route, prefix
 *	dhcp SOURCE			DHCP offer to all
 *	plain				the mark alone; -e gives its ethertype
 *	socket SOURCE DESTINATION PORT	no frame: an ordinary UDP socket, bound with FREEBIND
 *
 * -i INTERFACE (eth0), -s MAC (the interface's own; "random": another for each frame), -d MAC (the
 * bridge's), -t TPID:ID a VLAN tag (may be repeated), -e TYPE the ethertype, -l LLC/SNAP, -n COUNT.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rawsend.h"

char mark[48];

static void mac_parse(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		errx(2, "no MAC: %s", text);
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

static void frame_make(struct bytes *frame, const struct options *o, const struct kind *kind,
		       char **words)
{
	static const uint8_t llc[] = {0xaa, 0xaa, 3, 0, 0, 0};
	struct bytes payload = {0};
	uint16_t type = kind->put(&payload, o, words);

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

static void frames_send(struct options *o, const struct kind *kind, char **words)
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
		frame_make(&frame, o, kind, words);
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
	const struct kind *kind;
	int c;

	while ((c = getopt(argc, argv, letters)) != -1)
		if (c == 'i')
			o.interface = optarg;
	kind = argc - optind < 2 ? NULL : kind_find(argv[optind + 1], argc - optind - 2);
	if (!kind)
		errx(2, "usage: host-rawsend [OPTION...] MARK KIND [ARGUMENT...]; see "
			"tests/host/rawsend/main.c");
	snprintf(mark, sizeof(mark), "pam_netns:%s;", argv[optind]);
	own_mac(&o);
	optind = 1;
	while ((c = getopt(argc, argv, letters)) != -1)
		option_read(&o, c);
	if (kind->put)
		frames_send(&o, kind, argv + optind + 2);
	else
		socket_send(argv + optind + 2);
}
