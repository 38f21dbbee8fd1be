/*
 * The throw-away host's syslogd: writes each datagram of /dev/log as one line of a file, with the
 * priority spelled out: "authpriv.info Nov 22 00:09:01 sshd[7]: message".
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGE_MAX 8192

static const char *const facilities[] = {
    "kern",   "user",	"mail",	    "daemon", "auth",	"syslog", "lpr",    "news",
    "uucp",   "cron",	"authpriv", "ftp",    "ntp",	"audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};
static const char *const severities[] = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

/* A socket to which each process of the host may write. */
static int log_socket_open(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int size = 4 << 20;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || chmod(path, 0666) < 0)
		err(1, "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* Splits "<N>rest": sets @priority, returns rest. */
static const char *priority_parse(const char *text, unsigned int *priority)
{
	int used = 0;

	*priority = LOG_USER | LOG_NOTICE;
	if (sscanf(text, "<%3u>%n", priority, &used) == 1 && used > 0)
		text += used;
	return text;
}

/* Control characters are written as #NNN, as rsyslog does: one message stays one line. */
static void line_write(int fd, const char *text)
{
	static char line[64 + 4 * MESSAGE_MAX];
	unsigned int priority;
	size_t len;

	text = priority_parse(text, &priority);
	len = snprintf(line, sizeof(line), "%s.%s ",
		       LOG_FAC(priority) < 24 ? facilities[LOG_FAC(priority)] : "unknown",
		       severities[LOG_PRI(priority)]);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c < ' ' || c == 0x7f)
			len += sprintf(line + len, "#%03o", c);
		else
			line[len++] = c;
	}
	line[len++] = '\n';
	if (write(fd, line, len) < 0)
		warn("cannot write the log");
}

int main(int argc, char **argv)
{
	static char text[MESSAGE_MAX + 1];
	int log, sock;
	ssize_t n;

	if (argc != 3)
		errx(2, "usage: host-logd SOCKET FILE");
	sock = log_socket_open(argv[1]);
	log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (log < 0)
		err(1, "%s", argv[2]);
	if (daemon(0, 0) < 0)
		err(1, "daemon");
	for (;;) {
		n = recv(sock, text, MESSAGE_MAX, 0);
		if (n < 0)
			continue;
		/* Some programs end a message with a newline, glibc's syslog(3) does not. */
		while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\0'))
			n--;
		text[n] = '\0';
		line_write(log, text);
	}
}
