/*
 * Writes a line for each packet with "pam_netns:MARK;" (see host-rawsend) that arrives in a network
 * namespace:
 *
 *	MARK in INTERFACE [SOURCE-MAC]	a frame came in, even if it is dropped later
 *	MARK out INTERFACE		a frame is sent
 *	MARK udp SOURCE			a datagram reached a socket on UDP port 9999
 *
 * Usage: host-witness FILE. It goes to the background when it listens; its process id is in FILE.pid.
 * Each line is in the file before the next packet is read.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGN "pam_netns:"
#define PORT 9999

static char packet[65536];
static FILE *file;

static int frames_open(void)
{
	int size = 8 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		err(1, "packet socket");
	/* A flood must not hide later packets. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		err(1, "receive buffer");
	return fd;
}

static int datagrams_open(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int off = 0;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		err(1, "port %d", PORT);
	return fd;
}

/* The mark; NULL: the packet has none. */
static const char *mark_find(ssize_t size)
{
	static char mark[64];
	const char *found = size > 0 ? memmem(packet, size, SIGN, strlen(SIGN)) : NULL;
	size_t length = 0;

	if (!found)
		return NULL;
	found += strlen(SIGN);
	while (length < sizeof(mark) - 1 && found + length < packet + size &&
	       found[length] != ';' && found[length] > ' ')
		length++;
	memcpy(mark, found, length);
	mark[length] = '\0';
	return mark;
}

static void frame_read(int fd)
{
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	ssize_t size = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &length);
	const char *mark = mark_find(size);
	const unsigned char *source = (unsigned char *)packet + ETH_ALEN;
	char name[IF_NAMESIZE] = "?";

	if (!mark)
		return;
	if_indextoname(from.sll_ifindex, name);
	fprintf(file, "%s %s %s", mark, from.sll_pkttype == PACKET_OUTGOING ? "out" : "in", name);
	if (size >= ETH_HLEN)
		fprintf(file, " %02x:%02x:%02x:%02x:%02x:%02x", source[0], source[1], source[2],
			source[3], source[4], source[5]);
	fputc('\n', file);
}

static void datagram_read(int fd)
{
	struct sockaddr_in6 from;
	socklen_t length = sizeof(from);
	ssize_t size = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &length);
	const char *mark = mark_find(size);
	char text[INET6_ADDRSTRLEN];

	if (!mark)
		return;
	if (IN6_IS_ADDR_V4MAPPED(&from.sin6_addr))
		inet_ntop(AF_INET, from.sin6_addr.s6_addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text));
	fprintf(file, "%s udp %s\n", mark, text);
}

/* The parent ends once the child's process id can be read. */
static void background_enter(const char *path)
{
	char name[4096];
	pid_t child = fork();
	FILE *f;
	int null;

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (setsid() < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(1);
		return;
	}
	snprintf(name, sizeof(name), "%s.pid", path);
	f = fopen(name, "we");
	if (!f || fprintf(f, "%d\n", child) < 0 || fclose(f) != 0)
		err(1, "%s", name);
	exit(0);
}

int main(int argc, char **argv)
{
	struct pollfd sockets[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc != 2)
		errx(2, "usage: host-witness FILE");
	file = fopen(argv[1], "we");
	if (!file)
		err(1, "%s", argv[1]);
	setvbuf(file, NULL, _IOLBF, BUFSIZ);
	sockets[0].fd = frames_open();
	sockets[1].fd = datagrams_open();
	background_enter(argv[1]);
	while (poll(sockets, 2, -1) > 0) {
		if (sockets[0].revents)
			frame_read(sockets[0].fd);
		if (sockets[1].revents)
			datagram_read(sockets[1].fd);
	}
	return 1;
}
