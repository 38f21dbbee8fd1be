/*
 * A request and a response, small: round trips, new connections and datagrams; for bench-net.
 *
 *   traffic serve PORT                       both protocols, until it is ended
 *   traffic rtt ADDRESS PORT SECONDS         prints the median round trip in a connection, in us
 *   traffic connections ADDRESS PORT SECONDS prints new connections per second, each with a request
 *   traffic datagrams ADDRESS PORT SECONDS   prints how many datagrams of 18 bytes arrive per second
 *
 * A connection is reset by the client, so that neither end runs out of ports in TIME_WAIT. The
 * server serves one connection after the other.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 18 /* of a frame of 60 bytes */
#define COUNT	"count"

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int socket_listen(const char *port, int type)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), zero = 0, one = 1, size = 8 << 20;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 128) < 0))
		err(1, "port %s", port);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void serve_connection(int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC), one = 1;
	char byte;

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
		;
	close(fd);
}

/* Counts datagrams, and answers queries with the count. */
static void serve_datagrams(int fd)
{
	static uint64_t count;
	struct sockaddr_in6 from;
	char buffer[64];

	for (int i = 0; i < 64; i++) {
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(fd, buffer, sizeof(buffer), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &size);

		if (got < 0)
			return;
		if (got != (ssize_t)strlen(COUNT)) {
			count++;
			continue;
		}
		(void)sendto(fd, &count, sizeof(count), 0, (struct sockaddr *)&from, size);
		count = 0;
	}
}

static void serve(const char *port)
{
	struct pollfd fds[] = {{.fd = socket_listen(port, SOCK_STREAM), .events = POLLIN},
			       {.fd = socket_listen(port, SOCK_DGRAM), .events = POLLIN}};

	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			serve_connection(fds[0].fd);
		if (fds[1].revents)
			serve_datagrams(fds[1].fd);
	}
	err(1, "poll");
}

static int socket_connect(const struct addrinfo *to, int type)
{
	struct linger reset = {.l_onoff = 1};
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		err(1, "connect");
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return fd;
}

static void request(int fd)
{
	char byte = 'x';

	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		err(1, "no response");
}

static void measure_rtt(const struct addrinfo *to, int64_t end)
{
	static int64_t samples[1 << 20];
	size_t count = 0;
	int fd = socket_connect(to, SOCK_STREAM);

	for (int i = 0; i < 100; i++)
		request(fd);
	while (now_ns() < end && count < sizeof(samples) / sizeof(samples[0])) {
		int64_t start = now_ns();

		request(fd);
		samples[count++] = now_ns() - start;
	}
	close(fd);
	if (!count)
		errx(1, "no time");
	qsort(samples, count, sizeof(samples[0]), compare);
	printf("%.2f\n", (double)samples[count / 2] / 1000);
}

static void measure_connections(const struct addrinfo *to, int64_t start, int64_t end)
{
	uint64_t count = 0;

	for (; now_ns() < end; count++) {
		int fd = socket_connect(to, SOCK_STREAM);

		request(fd);
		close(fd);
	}
	printf("%.0f\n", (double)count * 1e9 / (double)(now_ns() - start));
}

static uint64_t datagrams_arrived(int fd)
{
	uint64_t count;

	if (send(fd, COUNT, strlen(COUNT), 0) < 0 || recv(fd, &count, sizeof(count), 0) < 0)
		err(1, "no count");
	return count;
}

static void measure_datagrams(const struct addrinfo *to, int64_t start, int64_t end)
{
	char payload[PAYLOAD] = "";
	int fd = socket_connect(to, SOCK_DGRAM);

	(void)datagrams_arrived(fd);
	while (now_ns() < end)
		for (int i = 0; i < 32; i++)
			(void)send(fd, payload, sizeof(payload), 0);

	int64_t took = now_ns() - start;

	usleep(50000); /* until queued packets are served */
	printf("%.0f\n", (double)datagrams_arrived(fd) * 1e9 / (double)took);
	close(fd);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *to;
	int64_t start = now_ns(), end;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc != 5)
		errx(2, "usage: traffic serve PORT | rtt|connections|datagrams ADDRESS PORT "
			"SECONDS");
	if (getaddrinfo(argv[2], argv[3], &hints, &to) != 0)
		errx(2, "%s is not an address", argv[2]);
	end = start + (int64_t)(atof(argv[4]) * 1e9);
	if (!strcmp(argv[1], "rtt"))
		measure_rtt(to, end);
	else if (!strcmp(argv[1], "connections"))
		measure_connections(to, start, end);
	else if (!strcmp(argv[1], "datagrams"))
		measure_datagrams(to, start, end);
	else
		errx(2, "%s is not a measurement", argv[1]);
	freeaddrinfo(to);
	return 0;
}
