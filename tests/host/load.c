/*
 * Load by one user, and requests of others under this load. PROTOCOL is tcp, udp or icmp (an echo's
 * id is its "port"). All but close work with IPv4 and IPv6.
 *
 *   host-load close PORT COUNT
 *	server: accepts on COUNT ports from PORT, and closes first
 *   host-load tcp ADDRESS PORT COUNT SECONDS
 *	connects to COUNT ports from PORT as fast as possible
 *   host-load flood PROTOCOL ADDRESS PORT FIRST LAST
 *	sends a packet to PORT from each of these ports
 *   host-load ask PROTOCOL ADDRESS PORT COUNT
 *	one connection or query after the other; prints how many were answered within a second
 *   host-load from SOURCE PROTOCOL ADDRESS PORT
 *	one connection or query from that port; prints the answer
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS	  256
#define PATIENCE  100 /* ms that a connection at full speed is waited for */
#define PORTS_MAX 64

struct target {
	struct sockaddr_in6 address;
	socklen_t size;
	int family;
};

static struct target target_of(const char *text, unsigned port)
{
	struct target t = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&t.address;

	t.size = t.family == AF_INET6 ? sizeof(t.address) : sizeof(*v4);
	if (t.family == AF_INET6)
		t.address.sin6_family = AF_INET6;
	else
		v4->sin_family = AF_INET;
	if (inet_pton(t.family, text,
		      t.family == AF_INET6 ? (void *)&t.address.sin6_addr
					   : (void *)&v4->sin_addr) != 1)
		errx(2, "no address: %s", text);
	t.address.sin6_port = htons(port); /* at the same offset in both families */
	return t;
}

static int socket_open(int family, const char *protocol, int flags)
{
	int type = strcmp(protocol, "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
	int number = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = socket(family, type | flags, strcmp(protocol, "icmp") == 0 ? number : 0);

	if (fd < 0)
		err(1, "socket for %s", protocol);
	return fd;
}

/* Binds to the port, which another socket may just have used. */
static void port_take(int fd, int family, unsigned port)
{
	struct target from = target_of(family == AF_INET6 ? "::" : "0.0.0.0", port);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from.address, from.size) < 0)
		err(1, "bind to port %u", port);
}

/* Sends an echo request, or a request that web and echo servers answer. */
static ssize_t query_send(int fd, const char *protocol, int family)
{
	const unsigned char echo[8] = {family == AF_INET6 ? 128 : 8};

	if (strcmp(protocol, "icmp") == 0)
		return send(fd, echo, sizeof(echo), 0);
	return send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void serve_closing(unsigned port, unsigned count)
{
	struct pollfd polls[PORTS_MAX];

	for (unsigned i = 0; i < count; i++) {
		struct target t = target_of("::", port + i);
		int on = 1, fd = socket_open(AF_INET6, "tcp", SOCK_NONBLOCK);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&t.address, t.size) < 0 || listen(fd, 4096) < 0)
			err(1, "port %u", port + i);
		polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	for (;;) {
		poll(polls, count, -1);
		for (unsigned i = 0; i < count; i++) {
			int fd;

			while (polls[i].revents && (fd = accept(polls[i].fd, NULL, NULL)) >= 0)
				close(fd);
		}
	}
}

/* Opens the slot's next connection. If it fails, the next round tries again. */
static void slot_open(struct pollfd *slot, struct target *t)
{
	*slot =
	    (struct pollfd){.fd = socket_open(t->family, "tcp", SOCK_NONBLOCK), .events = POLLIN};
	if (connect(slot->fd, (struct sockaddr *)&t->address, t->size) == 0 || errno == EINPROGRESS)
		return;
	close(slot->fd);
	slot->fd = -1;
}

static void load_tcp(const char *text, unsigned port, unsigned count, int seconds)
{
	struct pollfd slots[SLOTS];
	int64_t since[SLOTS] = {0}, end = now_ms() + seconds * 1000LL;
	unsigned long tried = 0, answered = 0;

	for (int i = 0; i < SLOTS; i++)
		slots[i] = (struct pollfd){.fd = -1};
	for (int64_t now = now_ms(); now < end; now = now_ms()) {
		for (int i = 0; i < SLOTS; i++) {
			bool ended = slots[i].fd >= 0 && slots[i].revents;

			if (slots[i].fd >= 0 && !ended && now - since[i] < PATIENCE)
				continue;
			answered += ended && (slots[i].revents & POLLIN);
			if (slots[i].fd >= 0)
				close(slots[i].fd);
			struct target t = target_of(text, port + tried++ % count);
			slot_open(&slots[i], &t);
			since[i] = now;
		}
		poll(slots, SLOTS, 10);
	}
	printf("%lu tried, %lu answered\n", tried, answered);
}

static void flood(const char *protocol, struct target *t, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last; port++) {
		int fd = socket_open(t->family, protocol, 0);

		port_take(fd, t->family, port);
		if (connect(fd, (struct sockaddr *)&t->address, t->size) < 0)
			err(1, "connect");
		(void)!query_send(fd, protocol, t->family);
		close(fd);
	}
}

/* One connection or query. */
static bool ask(const char *protocol, struct target *t, unsigned source, bool print)
{
	bool tcp = strcmp(protocol, "tcp") == 0;
	int fd = socket_open(t->family, protocol, 0);
	struct timeval second = {.tv_sec = 1};
	char answer[512];
	bool yes;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	if (source)
		port_take(fd, t->family, source);
	yes = connect(fd, (struct sockaddr *)&t->address, t->size) == 0;
	if (yes && (!tcp || print)) {
		ssize_t length = -1;

		if (query_send(fd, protocol, t->family) > 0)
			length = recv(fd, answer, sizeof(answer), 0);
		yes = length >= 0;
		while (print && length > 0) {
			fwrite(answer, 1, length, stdout);
			length = tcp ? recv(fd, answer, sizeof(answer), 0) : 0;
		}
	}
	close(fd);
	return yes;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "close") == 0 && argc == 4) {
		serve_closing(atoi(argv[2]), atoi(argv[3]));
	} else if (strcmp(verb, "tcp") == 0 && argc == 6) {
		load_tcp(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
	} else if (strcmp(verb, "flood") == 0 && argc == 7) {
		struct target t = target_of(argv[3], atoi(argv[4]));

		flood(argv[2], &t, atoi(argv[5]), atoi(argv[6]));
	} else if (strcmp(verb, "ask") == 0 && argc == 6) {
		struct target t = target_of(argv[3], atoi(argv[4]));
		int answered = 0;

		for (int i = 0; i < atoi(argv[5]); i++)
			answered += ask(argv[2], &t, 0, false);
		printf("%d\n", answered);
	} else if (strcmp(verb, "from") == 0 && argc == 6) {
		struct target t = target_of(argv[4], atoi(argv[5]));

		return !ask(argv[3], &t, atoi(argv[2]), true);
	} else {
		errx(2, "see the head of tests/host/load.c");
	}
	return 0;
}
