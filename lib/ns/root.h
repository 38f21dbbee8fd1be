/*
 * / of a user's mount namespace that is an image: a directory with programs of its own (root =
 * DIRECTORY).
 *
 * The image is mounted read-only, and its setuid programs and devices have no effect. The host's
 * /dev, /proc, /run, /sys and the user's home are mounted in it, with all mounts below them, and
 * follow the host's. All else of the host's tree is unmounted, so no path leads there.
 */
#ifndef PAM_NETNS_ROOT_H
#define PAM_NETNS_ROOT_H

#include "ns/mntns.h"

/* In the user's new mount namespace, while its / is the host's. */
int root_switch(const struct mntns *mntns) MUST_CHECK;

/* text: "has no directory /tmp: mkdir -p /srv/image/tmp", of the image. After ": " comes the remedy. */
typedef void image_fault(void *context, const char *text);

/* In a process whose / is the image: tells what prevents a login, or lets users change what root's
 * processes trust. 0, or -EOPNOTSUPP after a fault. Of mntns: profile, home, shell, own_hosts. */
int image_check(const struct mntns *mntns, image_fault *fault, void *context) MUST_CHECK;

/* Is that path the host's in an image, too? */
bool image_shares(const char *path);

#endif
