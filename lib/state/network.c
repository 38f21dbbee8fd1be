/* Networks that are set up; see state/network.h. */
#include "state/network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "state/record.h"

#define NETWORKS_NAME	 "networks"
#define NETWORK_PATH_MAX (sizeof(NETWORKS_NAME) + NAME_MAX + sizeof("//state"))

static const struct record_field network_fields[] = {
    RECORD_FIELD(struct network_state, name, RECORD_TEXT),
    RECORD_FIELD(struct network_state, bridge, RECORD_TEXT),
    RECORD_FIELD_AS("subnet", struct network_state, subnet.address, RECORD_ADDRESS),
    RECORD_FIELD_AS("subnet_length", struct network_state, subnet.length, RECORD_NUMBER),
    RECORD_FIELD_AS("subnet6", struct network_state, subnet6.address, RECORD_ADDRESS),
    RECORD_FIELD_AS("subnet6_length", struct network_state, subnet6.length, RECORD_NUMBER),
    RECORD_FIELD(struct network_state, mtu, RECORD_NUMBER),
    RECORD_FIELD(struct network_state, bridges, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct network_state, policy, RECORD_NUMBER),
};
static const struct record_field host_fields[] = {
    RECORD_FIELD(struct host_state, rules, RECORD_NUMBER),
    RECORD_FIELD(struct host_state, conf, RECORD_NUMBER),
    RECORD_FIELD(struct host_state, forwarding_ours, RECORD_NUMBER),
    RECORD_FIELD(struct host_state, forwarding6_ours, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct host_state, open_if_flushed, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct host_state, nat_first, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct host_state, nat_last, RECORD_NUMBER),
    RECORD_FIELD_OPTIONAL(struct host_state, port_lock, RECORD_NUMBER),
};
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static int record_read(int run, const char *path, const struct record_field *fields, size_t count,
		       void *out)
{
	char text[RECORD_FILE_MAX];
	ssize_t length = files_read_below(run, path, text, sizeof(text));

	return length < 0 ? (int)length : record_parse(fields, count, text, (size_t)length, out);
}

/* The path of a network's file in RUN_DIR; -1 and errno. */
static int network_path(const char *network, const char *file, char path[NETWORK_PATH_MAX])
{
	int length = snprintf(path, NETWORK_PATH_MAX, NETWORKS_NAME "/%s/%s", network, file);

	if (length < (int)NETWORK_PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int networks_dir(int run)
{
	int dir = openat(run, NETWORKS_NAME, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

int network_state_dir(int run, const char *name)
{
	char path[NETWORK_PATH_MAX];
	int dir = network_path(name, "", path) < 0 ? -errno : files_open_below(run, path, 0755);

	if (dir >= 0)
		return dir;

	CLEANUP_FD int networks = networks_dir(run);

	dir = networks < 0 ? networks : files_make_dir(networks, name, 0755);
	return dir < 0 ? log_errno(-dir, "make %s/%s", NETWORKS_DIR, name) : dir;
}

/* FNV-1a, of numbers one by one, because the structs have padding. */
static void hash_number(uint64_t *hash, uint64_t number)
{
	for (int i = 0; i < 8; i++, number >>= 8)
		*hash = (*hash ^ (number & 0xff)) * 0x100000001b3U;
}

static void hash_port(uint64_t *hash, const struct port_rule *port)
{
	hash_number(hash,
		    (uint64_t)port->protocol << 32 | (uint64_t)port->first << 16 | port->last);
}

uint64_t network_policy(const struct network *conf)
{
	uint64_t hash = 0xcbf29ce484222325U;

	hash_number(&hash, conf->peers);
	hash_number(&hash, conf->host_all | conf->host_icmp << 1 | conf->host_dns << 2);
	for (size_t i = 0; i < conf->host_ports_count; i++)
		hash_port(&hash, &conf->host_ports[i]);
	for (size_t i = 0; i < conf->egress_count; i++) {
		const struct egress_rule *rule = &conf->egress[i];

		hash_number(&hash, rule->allow + 2U);
		hash_port(&hash, &rule->port);
		hash_number(&hash, (uint64_t)rule->destination.address.family << 32 |
				       rule->destination.length);
		for (size_t b = 0; b < sizeof(rule->destination.address.bytes); b++)
			hash_number(&hash, rule->destination.address.bytes[b]);
	}
	return hash ?: 1;
}

int network_state_read(int run, const char *name, struct network_state *out)
{
	char path[NETWORK_PATH_MAX];

	*out = (struct network_state){0};
	if (network_path(name, "state", path) < 0)
		return -ENAMETOOLONG;
	return record_read(run, path, network_fields, COUNT(network_fields), out);
}

int network_state_write(int run, const struct network_state *state)
{
	CLEANUP_FD int dir = network_state_dir(run, state->name);
	int error;

	if (dir < 0)
		return dir;
	error = record_write(dir, "state", network_fields, COUNT(network_fields), state);
	return error ? log_errno(-error, "write %s/%s/state", NETWORKS_DIR, state->name) : 0;
}

int network_state_remove(int run, const char *name)
{
	CLEANUP_FD int networks = networks_dir(run);
	int result = networks < 0 ? networks : files_remove_tree(networks, name);

	return result < 0 && result != -ENOENT
		   ? log_errno(-result, "remove %s/%s", NETWORKS_DIR, name)
		   : 0;
}

int host_state_read(int run, struct host_state *out)
{
	return record_read(run, NETWORKS_NAME "/host", host_fields, COUNT(host_fields), out);
}

int host_state_write(int run, const struct host_state *state)
{
	CLEANUP_FD int networks = networks_dir(run);
	int error;

	if (networks < 0)
		return networks;
	error = record_write(networks, "host", host_fields, COUNT(host_fields), state);
	return error ? log_errno(-error, "write %s/host", NETWORKS_DIR) : 0;
}

int host_state_remove(int run)
{
	CLEANUP_FD int networks = networks_dir(run);

	if (networks >= 0 && unlinkat(networks, "host", 0) < 0 && errno != ENOENT)
		return log_errno(errno, "remove %s/host", NETWORKS_DIR);
	return 0;
}

/* The counts, which all helpers share; NULL and errno. */
static _Atomic uint32_t *ports_map(int run, const char *network)
{
	const size_t size = NETWORK_BRIDGES_MAX * sizeof(uint32_t);
	const struct open_how how = {
	    .flags = O_RDWR | O_CREAT | O_CLOEXEC,
	    .mode = S_IRUSR | S_IWUSR,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	char path[NETWORK_PATH_MAX];
	CLEANUP_FD int fd = network_path(network, "ports", path)
				? -1
				: (int)syscall(SYS_openat2, run, path, &how, sizeof(how));
	void *map;

	/* Allocates the pages: with a hole in the file, a write on a full
	 * /run would be a SIGBUS. */
	if (fd < 0 || fallocate(fd, 0, 0, (off_t)size) < 0)
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static void ports_unmap(_Atomic uint32_t *counts)
{
	(void)munmap(counts, NETWORK_BRIDGES_MAX * sizeof(*counts));
}

int ports_reserve(int run, const char *network, unsigned limit, unsigned from)
{
	_Atomic uint32_t *counts = ports_map(run, network);
	int bridge = -EXFULL;

	if (!counts)
		return log_errno(errno, "count the ports of network %s", network);
	for (unsigned i = from; i < NETWORK_BRIDGES_MAX && bridge < 0; i++) {
		uint32_t count = atomic_load(&counts[i]);

		while (count < limit &&
		       !atomic_compare_exchange_weak(&counts[i], &count, count + 1))
			;
		if (count < limit)
			bridge = (int)i;
	}
	return bridge; /* the mapping ends with the process */
}

void ports_release(int run, const char *network, unsigned bridge)
{
	_Atomic uint32_t *counts = ports_map(run, network);

	if (!counts)
		return;
	if (bridge < NETWORK_BRIDGES_MAX) {
		uint32_t count = atomic_load(&counts[bridge]);

		while (count && !atomic_compare_exchange_weak(&counts[bridge], &count, count - 1))
			;
	}
	ports_unmap(counts);
}

void ports_read(int run, const char *network, uint32_t counts[NETWORK_BRIDGES_MAX])
{
	_Atomic uint32_t *map = ports_map(run, network);

	for (unsigned i = 0; i < NETWORK_BRIDGES_MAX; i++)
		counts[i] = map ? atomic_load(&map[i]) : 0;
	if (map)
		ports_unmap(map);
}

void ports_mend(int run, const char *network, const uint32_t read[NETWORK_BRIDGES_MAX],
		const uint32_t right[NETWORK_BRIDGES_MAX])
{
	_Atomic uint32_t *map = ports_map(run, network);

	if (!map)
		return;
	for (unsigned i = 0; i < NETWORK_BRIDGES_MAX; i++) {
		uint32_t expected = read[i];

		(void)atomic_compare_exchange_strong(&map[i], &expected, right[i]);
	}
	ports_unmap(map);
}
