/*
 * A user's mount namespace, which all sessions of the user share.
 *
 * It is not cloned from the host's, but from a template: one per network, made by set-up. A
 * template has the host's mounts as slaves, without our pins and without other users' /run/user,
 * and has the network's resolv.conf. So a login costs the same with 0 and with 5,000 active users,
 * later mounts of the host appear, and no user's mount namespace holds anything of another user.
 * Its mounts are shared with namespaces that the user makes, in peer groups of its own; a
 * template's mounts are in none.
 *
 * All functions start in the host's mount namespace and leave the process there. After an error the
 * process may be in another one, so the caller must end. They need CAP_SYS_ADMIN and
 * CAP_SYS_CHROOT.
 */
#ifndef PAM_NETNS_MNTNS_H
#define PAM_NETNS_MNTNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "conf/conf.h"

#define MNTNS_HOSTS_NAME "hosts" /* below USERS_DIR/UID: the user's /etc/hosts, if they need one */

struct mntns {
	uid_t uid;
	const char *account;
	const struct profile *profile;
	const struct who *who; /* for the names in bind */
	const char *home;      /* which hide leaves visible, and an image gets; "": none */
	const char *shell;     /* which an image must have */
	int proc; /* a detached procfs of the user's own PID namespace, which is taken; -1: none */
	gid_t watchers;	      /* sees all processes if others do not; 0: root's group alone */
	uint64_t users;	      /* out: number of active users, including this one */
	const char *cgroup;   /* a path: mount it read-only on /sys/fs/cgroup; NULL: the host's */
	bool own_hosts;	      /* mount USERS_DIR/UID/hosts over /etc/hosts */
	uint64_t runtime_dir; /* out: id of the /run/user/UID that was mounted, 0: none */
};

/*
 * Makes a network's template and pins it in place of an older one. host_mnt is the host's mount
 * namespace. The network's resolv.conf must exist.
 */
int mntns_template_make(const struct network *network, int host_mnt) MUST_CHECK;
int mntns_template_open(const struct network *network) MUST_CHECK; /* -ENOENT */
/* A namespace is pinned as the template; mntns_template_open() says whether it can be one. */
bool mntns_template_exists(const struct network *network);
int mntns_template_remove(const char *network) MUST_CHECK;

/*
 * A new mount namespace for the user: a descriptor. The caller is in the user's network and IPC
 * namespaces, because sysfs and mqueue show those in which they are mounted, and in the host's PID
 * namespace. Clones of private directories stay open until the process ends.
 */
int mntns_make(struct mntns *mntns, int template, int host_mnt) MUST_CHECK;

/* The bytes and inodes of all private directories in memory of one user, with
 * this many active users. */
uint64_t mntns_private_bytes(const struct profile *profile, uint64_t users);
uint64_t mntns_private_inodes(uint64_t bytes);

/*
 * Tells the host's /run/user/UID from any other one, former ones too: by its device and the time at
 * which it was made, because a later tmpfs may get the device number of an earlier one. A kernel
 * that does not know the time leaves the device. 0: it is no mount.
 */
uint64_t mntns_runtime_id(uid_t uid);
/*
 * Mounts the host's present /run/user/UID in an existing mount namespace, in place of an older one.
 * *id: its mntns_runtime_id(); 0: it is gone, or could not be cloned, and the older one stays.
 */
int mntns_graft_runtime(uid_t uid, int mntns_mnt, int host_mnt, uint64_t *id) MUST_CHECK;
/*
 * Mounts resolv.conf (and the user's hosts) again in a user's mount namespace or a template,
 * after a rename on the host removed the mount: a mount vanishes silently with the file below
 * it. uid -1: a template.
 */
int mntns_mend_files(const char *network, uid_t uid, bool own_hosts, int mntns_mnt,
		     int host_mnt) MUST_CHECK;

/* Gives /run/user a peer group of its own, so that no template or user receives its mounts. */
int mntns_host_prepare(void) MUST_CHECK;

#endif
