/*
 * The machine on the other side of the throw-away host's uplink: a web server that answers with the
 * client's address (port 80), a name server for www.example.test (UDP port 53), TCP and UDP echo
 * (port 7). All sockets serve IPv4 and IPv6. Usage: host-outside PIDFILE IPV4 IPV6, in the network
 * namespace of the servers. The process goes to the background when all ports are bound.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QTYPE_A	       1
#define QTYPE_AAAA     28
#define RCODE_NXDOMAIN 3

static const char known_name[] = "\3www\7example\4test";
static struct in_addr own4;
static struct in6_addr own6;

static int port_open(int type, uint16_t port)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) < 0)
		err(1, "port %u", port);
	if (type == SOCK_STREAM && listen(fd, 4096) < 0)
		err(1, "port %u", port);
	return fd;
}

/* The peer's address as text. An IPv4 client of an IPv6 socket is written as IPv4. */
static void peer_format(const struct sockaddr_in6 *peer, char *text, size_t size)
{
	if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		inet_ntop(AF_INET, peer->sin6_addr.s6_addr + 12, text, size);
	else
		inet_ntop(AF_INET6, &peer->sin6_addr, text, size);
}

static void web_serve(int fd, const struct sockaddr_in6 *peer)
{
	char address[INET6_ADDRSTRLEN], body[128], answer[256], request[4096];

	if (read(fd, request, sizeof(request)) <= 0)
		return;
	peer_format(peer, address, sizeof(address));
	snprintf(body, sizeof(body), "you are %s port %u\n", address, ntohs(peer->sin6_port));
	snprintf(answer, sizeof(answer),
		 "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	if (write(fd, answer, strlen(answer)) < 0)
		warn("web");
}

static void echo_serve(int fd, const struct sockaddr_in6 *peer)
{
	static char buf[65536];
	ssize_t n;

	(void)peer;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t sent = 0, m; sent < n; sent += m) {
			m = write(fd, buf + sent, n - sent);
			if (m < 0)
				return;
		}
}

/* One process a connection, so that a slow client does not delay others. */
static void connection_accept(int listener, void (*serve)(int, const struct sockaddr_in6 *))
{
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fork() == 0) {
		alarm(60);
		serve(fd, &peer);
		_exit(0);
	}
	close(fd);
}

static void udp_echo(int fd)
{
	static char buf[65536];
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&peer, &len);

	if (n >= 0)
		sendto(fd, buf, n, 0, (struct sockaddr *)&peer, len);
}

/* Turns the question of @len bytes in @msg into its answer; returns its length, 0 for none. */
static size_t dns_answer(unsigned char *msg, size_t len)
{
	size_t end = 12;
	uint16_t type;
	int known;

	while (end < len && msg[end] != 0)
		end += msg[end] + 1;
	if (end + 5 > len || (msg[2] & 0x80))
		return 0;
	type = msg[end + 1] << 8 | msg[end + 2];
	known = end + 1 - 12 == sizeof(known_name) && strcasecmp((char *)msg + 12, known_name) == 0;
	end += 5;
	msg[2] = 0x84 | (msg[2] & 1);
	msg[3] = 0x80 | (known ? 0 : RCODE_NXDOMAIN);
	memcpy(msg + 4, "\0\1\0\0\0\0\0\0", 8);
	if (!known || (type != QTYPE_A && type != QTYPE_AAAA))
		return end;
	msg[7] = 1;
	memcpy(msg + end, "\xc0\x0c\0\0\0\1\0\0\0\5\0\0", 12);
	msg[end + 3] = type;
	msg[end + 11] = type == QTYPE_A ? sizeof(own4) : sizeof(own6);
	memcpy(msg + end + 12, type == QTYPE_A ? (void *)&own4 : (void *)&own6, msg[end + 11]);
	return end + 12 + msg[end + 11];
}

static void dns_serve(int fd)
{
	unsigned char msg[2048];
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);
	ssize_t n = recvfrom(fd, msg, sizeof(msg) / 2, 0, (struct sockaddr *)&peer, &len);

	if (n < 12)
		return;
	n = dns_answer(msg, n);
	if (n > 0)
		sendto(fd, msg, n, 0, (struct sockaddr *)&peer, len);
}

/* Leaves the child in the background; the parent has written its process id before it ends. */
static void background_enter(const char *pid_path)
{
	pid_t child = fork();
	FILE *f;

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		if (setsid() < 0 || chdir("/") < 0 || !freopen("/dev/null", "r+", stdin) ||
		    !freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(1);
		return;
	}
	f = fopen(pid_path, "we");
	if (!f || fprintf(f, "%d\n", child) < 0 || fclose(f) != 0)
		err(1, "%s", pid_path);
	exit(0);
}

int main(int argc, char **argv)
{
	struct pollfd ports[4];

	if (argc != 4 || inet_pton(AF_INET, argv[2], &own4) != 1 ||
	    inet_pton(AF_INET6, argv[3], &own6) != 1)
		errx(2, "usage: host-outside PIDFILE IPV4 IPV6");
	ports[0].fd = port_open(SOCK_STREAM, 80);
	ports[1].fd = port_open(SOCK_STREAM, 7);
	ports[2].fd = port_open(SOCK_DGRAM, 53);
	ports[3].fd = port_open(SOCK_DGRAM, 7);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	background_enter(argv[1]);
	for (int i = 0; i < 4; i++)
		ports[i].events = POLLIN;
	while (poll(ports, 4, -1) > 0) {
		if (ports[0].revents)
			connection_accept(ports[0].fd, web_serve);
		if (ports[1].revents)
			connection_accept(ports[1].fd, echo_serve);
		if (ports[2].revents)
			dns_serve(ports[2].fd);
		if (ports[3].revents)
			udp_echo(ports[3].fd);
	}
	return 1;
}
