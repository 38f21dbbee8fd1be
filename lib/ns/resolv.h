/*
 * /etc/resolv.conf and /etc/hosts in a user's mount namespace.
 *
 * A loopback name server (systemd-resolved's 127.0.0.53, dnsmasq's 127.0.0.1) does not answer
 * there, because loopback is the user's own. So the real upstream servers are read from the files
 * in which resolvers leave them. root is a descriptor of the host's / (all paths are opened below
 * it, and links are followed), or AT_FDCWD in a process that has it as its directory.
 */
#ifndef PAM_NETNS_RESOLV_H
#define PAM_NETNS_RESOLV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "conf/conf.h"

/*
 * Makes the text of resolv.conf for a network; the caller frees *out. With dns = auto, these files
 * are tried in order: /etc/resolv.conf, and the upstream files of systemd-resolved, NetworkManager,
 * resolvconf and dnsmasq. The first one that names a usable server decides. Servers that are
 * loopback, unspecified or link-local are skipped, and those of a family that the network lacks.
 * The search and options lines of /etc/resolv.conf are always taken. -ENOENT: no upstream server
 * was found; *out then has only these lines. -ENOMEM: it is NULL.
 */
int resolv_text(int root, const struct network *network, char **out) MUST_CHECK;
/* Logs that no upstream server was found, and what to do. */
void resolv_warn_missing(const struct network *network);

/* Is name in directory root's file with this text, as resolv_update() leaves it? */
bool resolv_same(int directory, const char *name, const char *text);

/*
 * Rewrites name in directory in place. (It is bind-mounted elsewhere, so it must never be replaced
 * by a rename.) Makes it (0644) if it is missing. Two writers at once would mix their texts, so the
 * caller must exclude others. The same text is not written again. Returns 1 if it was written, 0 if
 * it was right already, or -errno.
 */
int resolv_update(int directory, const char *name, const char *text) MUST_CHECK;

/*
 * The host's /etc/hosts, with lines that map hostname to 127.0.1.1 and ::1 unless a line maps it
 * already. The caller frees *out. -EFBIG: more than 16 MiB.
 */
int hosts_text(int root, const char *hostname, char **out) MUST_CHECK;

#endif
