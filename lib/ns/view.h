/*
 * A user's view: the mount namespace that all of a user's sessions share.
 *
 * It is cloned not from the host's but from a template, one per network, made at set-up: the
 * host's mounts as slaves, without our pins and without other users' /run/user, and with the
 * network's resolv.conf in place. So a login costs the same with 0 and with 5,000 users in, mounts
 * that the host makes later appear, and no view holds anything of another user. A view's mounts are
 * shared with the namespaces that its user makes, in peer groups of the view's own; the template's
 * are in none.
 *
 * All functions are called in the host's mount namespace and leave the process there; on an error
 * between, the caller must end, as it may be left in another one. CAP_SYS_ADMIN, CAP_SYS_CHROOT.
 */
#ifndef PAM_NETNS_VIEW_H
#define PAM_NETNS_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "conf/conf.h"

#define VIEW_HOSTS_NAME "hosts" /* below USERS_DIR/UID: the user's /etc/hosts, if they need one */

struct view {
	uid_t uid;
	const char *account;
	const struct profile *profile;
	uint64_t users;	      /* out: how many are active, this one among them */
	bool own_hosts;	      /* mount USERS_DIR/UID/hosts over /etc/hosts */
	uint64_t runtime_dir; /* out: device of the /run/user/UID that was grafted in, 0: none */
};

/*
 * Makes a network's template and pins it, replacing an older one. host_mnt is the host's mount
 * namespace. The network's resolv.conf must exist already.
 */
int view_template_make(const struct network *network, int host_mnt) MUST_CHECK;
int view_template_open(const struct network *network) MUST_CHECK; /* -ENOENT */
int view_template_remove(const char *network) MUST_CHECK;

/*
 * A new mount namespace for the user, as a descriptor. The caller is in the user's network
 * namespace (sysfs shows the one it is mounted in).
 */
int view_make(struct view *view, int template, int host_mnt) MUST_CHECK;

/* Bytes and inodes for all of a user's private directories in memory, with so many users active. */
uint64_t view_private_bytes(const struct profile *profile, uint64_t users);
uint64_t view_private_inodes(uint64_t bytes);

/* Device of the host's /run/user/UID if it is a mount, else 0. */
uint64_t view_runtime_device(uid_t uid);
/* Puts the host's present /run/user/UID into an existing view, in place of an older one. */
int view_graft_runtime(uid_t uid, int view_mnt, int host_mnt) MUST_CHECK;
/*
 * Mounts resolv.conf (and the user's hosts) again in a view or template where someone's rename on
 * the host took the mount away (a mount vanishes silently with the file below it). uid -1: a
 * template.
 */
int view_mend_files(const char *network, uid_t uid, bool own_hosts, int view_mnt,
		    int host_mnt) MUST_CHECK;

/* /run/user gets a peer group of its own, so that no template or view receives its mounts. */
int view_host_prepare(void) MUST_CHECK;

#endif
