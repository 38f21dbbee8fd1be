/*
 * What a user's view shows as /etc/resolv.conf and /etc/hosts.
 *
 * A loopback name server (systemd-resolved's 127.0.0.53, dnsmasq's 127.0.0.1) is the user's own
 * loopback inside and answers nothing, so the real upstreams are looked up where the resolvers
 * leave them. root is a descriptor of the host's / (all paths are opened below it, links followed),
 * or AT_FDCWD in a process whose directory that is.
 */
#ifndef PAM_NETNS_RESOLV_H
#define PAM_NETNS_RESOLV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "conf/conf.h"

#define RESOLV_TEXT_MAX 16384

/*
 * Writes the resolv.conf text for a network into out (RESOLV_TEXT_MAX bytes, NUL-terminated).
 * dns = auto: the first of /etc/resolv.conf, systemd-resolved's, NetworkManager's, resolvconf's and
 * dnsmasq's upstream files that names a server which is no loopback one, with the search and
 * options lines of /etc/resolv.conf kept. Unspecified and link-local servers are passed over too,
 * and those of a family that the network has not. -ENOENT: no real upstream found; out then has the
 * search and options lines alone.
 */
int resolv_text(int root, const struct network *network, char out[RESOLV_TEXT_MAX]) MUST_CHECK;
/* Logs that no upstream was found, and what to do. */
void resolv_warn_missing(const struct network *network);

/* Whether name below directory is root's file with this text, as resolv_update() leaves it. */
bool resolv_same(int directory, const char *name, const char *text);

/*
 * Rewrites name below directory in place (it is bind-mounted elsewhere, so it must never be
 * renamed over); makes it (0644) where it is missing. Two at once would mix their texts: the caller
 * excludes others. Unchanged content is not written again.
 * Returns 1 if it was written, 0 if it was right already, or -errno.
 */
int resolv_update(int directory, const char *name, const char *text) MUST_CHECK;

/*
 * The host's /etc/hosts with lines that make hostname resolve to 127.0.1.1 and ::1, unless one maps
 * it already. The caller frees *out. -EFBIG: more than 16 MiB.
 */
int hosts_text(int root, const char *hostname, char **out) MUST_CHECK;

#endif
