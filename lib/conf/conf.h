/*
 * The conf file: networks, profiles, and which users get them. See pam_netns.conf(5).
 *
 * Reading is strict. An unknown section or key, a bad value, two networks that overlap, or a
 * profile without its network is an error, reported with file, line, value and a correct
 * form. All errors of a file are logged in one pass (log.h), and a file with any error yields
 * no struct conf at all.
 */
#ifndef PAM_NETNS_CONF_H
#define PAM_NETNS_CONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "base/namespaces.h"
#include "base/who.h"

#define CONF_SIZE_MAX	  (256U * 1024U) /* bytes; larger files are refused unread */
#define CONF_NAME_MAX	  32		 /* a network's or profile's name, with its NUL */
#define CONF_HOSTNAME_MAX 64 /* a hostname, with its NUL (HOST_NAME_MAX is 64 without) */
#define CONF_NSSERVER_MAX 3  /* as many as resolv.conf(5) takes */

enum conf_peers { PEERS_NO, PEERS_YES, PEERS_GROUP };
enum conf_linger { LINGER_PROCESSES, LINGER_NO };
enum conf_nested { NESTED_STAY, NESTED_HOST };
enum conf_exec { EXEC_AUTO, EXEC_YES, EXEC_NO };
enum conf_processes { PROCESSES_ALL, PROCESSES_OWN };
enum conf_log { CONF_LOG_ALL, CONF_LOG_SESSIONS, CONF_LOG_LOGINS }; /* logged at level info */
enum conf_source { SOURCE_AUTO, SOURCE_GIVEN, SOURCE_NONE }; /* of a prefix or the name servers */

/* A protocol and its ports; protocol is IPPROTO_TCP, IPPROTO_UDP, or 0: any, with any port. */
struct port_rule {
	uint8_t protocol;
	uint16_t first, last;
};

struct egress_rule {
	bool allow;
	struct port_rule port;
	struct prefix destination; /* address.family 0: any */
};

struct network {
	char name[CONF_NAME_MAX];
	char bridge[IFNAMSIZ]; /* of the first bridge; ".N" is added for further ones */
	enum conf_source subnet_source, subnet6_source;
	struct prefix subnet, subnet6;
	bool nat;
	struct address nat_address, nat_address6; /* family 0: masquerade */
	enum conf_peers peers;
	bool host_all, host_icmp, host_dns;
	struct port_rule *host_ports;
	size_t host_ports_count;
	struct egress_rule
	    *egress; /* the first match decides; a packet without a match is rejected */
	size_t egress_count;
	enum conf_source dns;
	struct address dns_servers[CONF_NSSERVER_MAX];
	size_t dns_count;
	unsigned mtu; /* bytes; 0: the default route's */
	unsigned max_connections;
	unsigned new_connections, new_connections_burst; /* a second, at once; 0: no limit */
	unsigned ports_per_bridge;
	bool lock_required;
};

/* The words of a key that lists paths. */
struct path_list {
	char **words;
	size_t count;
};

enum limit { LIMIT_MEMORY, LIMIT_CPU, LIMIT_TASKS, LIMIT_IO, LIMITS };

/* Of all of a user's sessions together. 0: no limit. */
struct limits {
	uint64_t values[LIMITS]; /* bytes; percent of one CPU; tasks; weight, 1 to 10000 */
};

struct profile {
	char name[CONF_NAME_MAX];
	struct match *match; /* opaque; conf_match() reads it */
	size_t match_count;
	bool isolate;
	char network_name[CONF_NAME_MAX];
	const struct network *network; /* NULL if isolate is false */
	unsigned namespaces; /* enum namespace_bit; has NAMESPACE_NET if isolate is true */
	char hostname[256];  /* template with %u %U %g %h %% */
	char **private_dirs; /* absolute, normalised */
	size_t private_count;
	unsigned private_percent; /* of memory; 0: private_bytes decides */
	uint64_t private_bytes;	  /* for all of a user's in memory; both 0: mntns_private_bytes() */
	enum conf_exec private_exec;
	enum conf_processes processes;
	struct path_list hide, read_only; /* conf_path_word() reads them */
	struct path_list bind;		  /* conf_bind() reads them */
	bool root_changes;		  /* each user has changes of their own to root */
	char *root;			  /* the directory that users have as /; NULL: the host's */
	char *watchers;			  /* the group that sees all processes; NULL: none */
	enum conf_linger linger;
	enum conf_nested nested;
	struct limits limits;
	bool net_admin;
	bool low_ports;
};

struct conf {
	struct stat file; /* as it was read */
	bool on_error_host;
	enum conf_log log;
	unsigned deadline_ms;
	char **services_exempt;
	size_t services_exempt_count;
	struct network *networks;
	size_t networks_count;
	struct profile *profiles;
	size_t profiles_count;
};

/*
 * Reads the file at path. The file and every folder above it must be owned by root, and only root
 * may be able to write them (-EPERM); a symbolic link is followed only if it is in such a folder.
 * Other errors: -EINVAL for content, -EFBIG, -ENOENT, … ; *out is NULL then. The caller owns *out.
 */
int conf_read(const char *path, struct conf **out) MUST_CHECK;
/*
 * The same for text in memory; name is for messages. Also for tests and fuzzing. Text must end with
 * a newline: the last line of a file that was cut off could mean something else.
 */
int conf_parse(const char *text, size_t size, const char *name, struct conf **out) MUST_CHECK;
void conf_free(struct conf *conf);
static inline void cleanup_conf(struct conf **conf)
{
	conf_free(*conf);
}
#define CLEANUP_CONF __attribute__((cleanup(cleanup_conf)))

/* The first profile that matches, or NULL: the login is refused. */
const struct profile *conf_match(const struct conf *conf, const struct who *who);
bool conf_service_exempt(const struct conf *conf, const char *service);
/*
 * The most entries of the connection table that one user can have; 0: there is no limit. Ended
 * connections stay in it for two minutes, and max_connections does not count them.
 */
uint64_t conf_network_entries(const struct network *network);
const struct network *conf_network(const struct conf *conf, const char *name);

#define ROOT_IMAGE    "image:" /* before a root to which each user has changes of their own */
#define CONF_PATH_MAX 256      /* bytes of a path in a profile, with its NUL */

#define CONF_BIND_MAX 1024 /* bytes of a path of bind, with its NUL */

/* The path of a word of hide or read_only. True: it may be missing. */
bool conf_path_word(const char *word, char path[CONF_PATH_MAX]);

struct bind {
	char source[CONF_BIND_MAX], target[CONF_BIND_MAX];
	bool optional; /* the source or the target may be missing */
	bool read_only;
};

/*
 * A word of bind, with %u, %U and %g of the user. -EINVAL: a name of the user has a '/' or is
 * "..", so it cannot be a part of a path. -ENAMETOOLONG.
 */
int conf_bind(const char *word, const struct who *who, struct bind *out) MUST_CHECK;

/*
 * Expands a profile's hostname template. host is the host's own name, cut at its first dot only if
 * the template adds something to it. The result obeys RFC 1123 (letters, digits, '-', '.',
 * at most 63 a label): characters of a user name that a host name may not have become '-'.
 * -EINVAL if no valid character is left.
 */
int conf_hostname(const struct profile *profile, const char *user, uid_t uid, const char *group,
		  const char *host, char out[CONF_HOSTNAME_MAX]) MUST_CHECK;

#endif
