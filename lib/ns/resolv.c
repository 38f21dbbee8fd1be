/*
 * A user's resolv.conf(5) and hosts(5).
 *
 * If the host runs a stub resolver, /etc/resolv.conf names a loopback address. The servers that the
 * resolver asks are in a file that it (or the network manager) writes for such cases. The existing
 * files are the only sign of which resolver runs, so they are tried in order.
 */
#include "ns/resolv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/files.h"
#include "base/log.h"

#define RESOLV_CONF	"etc/resolv.conf"
#define RESOLV_FILE_MAX (64U * 1024U)
#define RESOLV_TEXT_MAX 16384
#define FILE_SMALL	2048
#define HOSTS_FILE_MAX	(16U * 1024U * 1024U) /* some block a hundred thousand names there */
#define OPEN_TRIES	10
#define SPACE		" \t\r"

#define RESOLV_COMMENT                                                                             \
	"# pam_netns: the host's name servers as this user's network reaches them; "               \
	"changes are followed\n"

/* Tried after RESOLV_CONF. */
static const char *const upstream_files[] = {
    "run/systemd/resolve/resolv.conf", "run/NetworkManager/no-stub-resolv.conf",
    "run/NetworkManager/resolv.conf",  "run/resolvconf/resolv.conf",
    "etc/resolvconf/run/resolv.conf",  "run/dnsmasq/resolv.conf",
    "var/run/dnsmasq/resolv.conf",
};

struct servers {
	struct address list[CONF_NSSERVER_MAX];
	size_t count;
};

/* Opens a path below root. Links, also absolute ones, are resolved below root. */
static int file_open(int root, const char *path)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	/* EAGAIN: a rename or mount meanwhile kept the kernel from being sure. */
	for (int i = 0; i < OPEN_TRIES && fd < 0; i++) {
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* Reads at most size bytes; *out is NULL after a failure, and as large as the text. */
static int text_load(int fd, size_t size, char **out)
{
	CLEANUP_FREE char *text = malloc(size);
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = files_read_open(fd, text, size);
	if (length < 0)
		return (int)length;
	*out = realloc(text, (size_t)length + 1) ?: text;
	text = NULL;
	return 0;
}

/* Reads a whole regular file. The caller frees *out, which is NULL after a failure. */
static int file_load(int root, const char *path, size_t max, char **out)
{
	CLEANUP_FD int fd = file_open(root, path);
	int error;

	*out = NULL;
	if (fd < 0)
		return fd;
	/* Most files are small, and a large allocation takes long. */
	error = text_load(fd, FILE_SMALL, out);
	if (error == -EFBIG)
		error = lseek(fd, 0, SEEK_SET) < 0 ? -errno : text_load(fd, max + 1, out);
	return error;
}

/* The text of a file that may be missing: *out is then NULL. A file that
 * cannot be read is logged. */
static void optional_load(int root, const char *path, char **out)
{
	int error = file_load(root, path, RESOLV_FILE_MAX, out);

	if (error && error != -ENOENT && error != -ENOTDIR)
		log_warning("cannot read /%s: %s", path, strerror(-error));
}

/* Calls each() with every line, without its newline, until it returns false. Changes text. */
static void lines_walk(char *text, bool each(void *context, char *line), void *context)
{
	bool more = true;

	while (more && text) {
		char *line = strsep(&text, "\n");
		size_t length = strlen(line);

		while (length && strchr(SPACE, line[length - 1]))
			line[--length] = '\0';
		more = each(context, line);
	}
}

/* The text after a keyword of resolv.conf(5) at the start of the line; NULL for another line. */
static char *line_value(char *line, const char *keyword)
{
	size_t length = strlen(keyword);

	if (strncmp(line, keyword, length) || !line[length] || !strchr(SPACE, line[length]))
		return NULL;
	line += length;
	return line + strspn(line, SPACE);
}

static bool address_is_unspecified(const struct address *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->bytes, zero, address_size(a));
}

/* The user does not share the host's links: 169.254.0.0/16 is dropped, and fe80::
 * means another interface. */
static bool address_is_link_local(const struct address *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* To a resolver, the unspecified address means "this host". */
static bool server_is_usable(const struct network *network, const struct address *a)
{
	enum conf_source source =
	    a->family == AF_INET ? network->subnet_source : network->subnet6_source;

	return source != SOURCE_NONE && !address_is_loopback(a) && !address_is_unspecified(a) &&
	       !address_is_link_local(a);
}

struct collection {
	const struct network *network;
	struct servers *servers;
};

static bool server_collect(void *context, char *line)
{
	struct collection *collection = context;
	struct servers *servers = collection->servers;
	char *value = line_value(line, "nameserver");
	struct address address;

	if (!value)
		return true;
	value[strcspn(value, SPACE)] = '\0';
	/* An address with a scope (fe80::1%eth0) is link-local, and does not parse. */
	if (!address_parse(value, &address) && server_is_usable(collection->network, &address))
		servers->list[servers->count++] = address;
	return servers->count < CONF_NSSERVER_MAX;
}

/* own is the text of RESOLV_CONF, which is changed, or NULL. */
static int upstreams_find(int root, const struct network *network, char *own,
			  struct servers *servers)
{
	struct collection collection = {network, servers};

	lines_walk(own, server_collect, &collection);
	for (size_t i = 0; i < sizeof(upstream_files) / sizeof(*upstream_files); i++) {
		CLEANUP_FREE char *text = NULL;

		if (servers->count)
			return 0;
		optional_load(root, upstream_files[i], &text);
		lines_walk(text, server_collect, &collection);
	}
	return servers->count ? 0 : -ENOENT;
}

struct output {
	char *text;
	size_t used;
};

/* Adds a line if all of it fits. */
static void output_add(struct output *out, const char *before, const char *line, const char *after)
{
	size_t room = RESOLV_TEXT_MAX - out->used;
	int n = snprintf(out->text + out->used, room, "%s%s%s", before, line, after);

	if (n >= 0 && (size_t)n < room)
		out->used += (size_t)n;
	else
		out->text[out->used] = '\0';
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text) && *text != '\t')
			return false;
	return true;
}

static bool setting_keep(void *context, char *line)
{
	bool kept =
	    line_value(line, "search") || line_value(line, "domain") || line_value(line, "options");

	if (kept && is_printable(line))
		output_add(context, "", line, "\n");
	return true;
}

static void servers_write(const struct servers *servers, struct output *out)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < servers->count; i++)
		output_add(out, "nameserver ", address_format(&servers->list[i], text), "\n");
}

static void servers_given(const struct network *network, struct servers *servers)
{
	for (size_t i = 0; i < network->dns_count && i < CONF_NSSERVER_MAX; i++)
		servers->list[servers->count++] = network->dns_servers[i];
}

void resolv_warn_missing(const struct network *network)
{
	struct address gateway = prefix_address(&network->subnet, 1);
	char text[ADDRESS_TEXT_MAX] = "GATEWAY";

	if (gateway.family)
		address_format(&gateway, text);
	log_warning("network %s: no name server that its users can reach is in /etc/resolv.conf or "
		    "a resolver's upstream file; write \"dns = ADDRESS\" into [network %s], or let "
		    "the host's resolver listen on the gateway (systemd-resolved: "
		    "DNSStubListenerExtra=%s, dnsmasq: listen-address=%s) and write \"dns = %s\"",
		    network->name, network->name, text, text, text);
}

int resolv_text(int root, const struct network *network, char **out)
{
	struct output output = {0};
	struct servers servers = {.count = 0};
	CLEANUP_FREE char *own = NULL, *settings = NULL;
	int error = 0;

	*out = NULL;
	if (network->dns != SOURCE_NONE)
		optional_load(root, RESOLV_CONF, &own);
	settings = own ? strdup(own) : NULL;
	if (own && !settings)
		return -ENOMEM;
	/* Behind the small allocations, so that all are on one page (memory.c). */
	output.text = *out = malloc(RESOLV_TEXT_MAX);
	if (!*out)
		return -ENOMEM;
	output_add(&output, "", RESOLV_COMMENT, "");
	if (network->dns == SOURCE_NONE)
		return 0;
	if (network->dns == SOURCE_GIVEN)
		servers_given(network, &servers);
	else
		error = upstreams_find(root, network, own, &servers);
	servers_write(&servers, &output);
	/* The other lines of the host's file: search domains, options. */
	lines_walk(settings, setting_keep, &output);
	*out = realloc(output.text, output.used + 1) ?: output.text;
	return error;
}

/* No other program writes the file. */
static bool file_has(int fd, const struct stat *st, const char *text, size_t size)
{
	CLEANUP_FREE char *old = NULL;

	if ((size_t)st->st_size != size)
		return false;
	old = malloc(size + 1);
	return old && pread(fd, old, size + 1, 0) == (ssize_t)size && !memcmp(old, text, size);
}

/*
 * One write covers the old text, with empty lines at the end if the old text was longer. So a
 * reader never sees the end of the old text after the new one.
 */
static int file_rewrite(int fd, size_t old_size, const char *text, size_t size)
{
	size_t padded = old_size > size ? old_size : size, done = 0;
	CLEANUP_FREE char *buf = malloc(padded + 1);

	if (!buf)
		return -ENOMEM;
	memcpy(buf, text, size);
	memset(buf + size, '\n', padded - size);
	while (done < padded) {
		ssize_t n = pwrite(fd, buf + done, padded - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return padded > size && ftruncate(fd, (off_t)size) ? -errno : 0;
}

/* 1: written; 0: it was right already. */
static int file_update(int fd, const char *text)
{
	size_t size = strlen(text);
	struct stat st;
	int error;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_uid != 0)
		return -EPERM;
	if ((st.st_mode & 07777) != 0644 && fchmod(fd, 0644))
		return -errno;
	if (st.st_size > HOSTS_FILE_MAX * 2)
		return -EFBIG;
	if (file_has(fd, &st, text, size))
		return 0;
	error = file_rewrite(fd, (size_t)st.st_size, text, size);
	return error ? error : 1;
}

bool resolv_same(int directory, const char *name, const char *text)
{
	CLEANUP_FD int fd =
	    openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & 07777) == 0644 && file_has(fd, &st, text, strlen(text));
}

int resolv_update(int directory, const char *name, const char *text)
{
	int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CLEANUP_FD int fd = openat(directory, name, flags, 0644);
	int written = fd < 0 ? -errno : file_update(fd, text);

	return written < 0 ? log_errno(-written, "write %s", name) : written;
}

static bool hostname_is_valid(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return false;
	return *name && *name != '.' && strlen(name) < CONF_HOSTNAME_MAX;
}

static bool word_is_address(const char *word, size_t length)
{
	char text[INET6_ADDRSTRLEN];
	struct address address;

	if (length >= sizeof(text))
		return false;
	memcpy(text, word, length);
	text[length] = '\0';
	return address_parse(text, &address) == 0;
}

/* Does a line of hosts(5) (an address, then names, up to a comment) map the name? */
static bool line_maps(const char *line, const char *name)
{
	size_t end = strcspn(line, "#\n"), length = strlen(name), word;
	bool address = true;

	for (size_t at = 0; at < end; at += word) {
		at += strspn(line + at, SPACE);
		word = strcspn(line + at, SPACE "#\n");
		if (!address && word == length && !strncasecmp(line + at, name, length))
			return true;
		if (address && word && !word_is_address(line + at, word))
			return false;
		address = address && word == 0;
	}
	return false;
}

static bool hosts_map(const char *text, const char *name)
{
	while (text) {
		if (line_maps(text, name))
			return true;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return false;
}

int hosts_text(int root, const char *hostname, char **out)
{
	CLEANUP_FREE char *text = NULL;
	const char *dot = strchr(hostname, '.');
	char shorter[CONF_HOSTNAME_MAX + 1] = "";
	bool newline;
	int error;

	*out = NULL;
	if (!hostname_is_valid(hostname))
		return log_errno(EINVAL, "make a hosts file for the host name '%s'", hostname);
	error = file_load(root, "etc/hosts", HOSTS_FILE_MAX, &text);
	if (error && error != -ENOENT)
		return log_errno(-error, "read /etc/hosts");
	if (text && hosts_map(text, hostname)) {
		*out = text;
		text = NULL;
		return 0;
	}
	if (dot)
		snprintf(shorter, sizeof(shorter), "\t%.*s", (int)(dot - hostname), hostname);
	newline = text && *text && text[strlen(text) - 1] != '\n';
	if (asprintf(out, "%s%s127.0.1.1\t%s%s\n::1\t%s%s\n", text ? text : "", newline ? "\n" : "",
		     hostname, shorter, hostname, shorter) < 0) {
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}
