/*
 * An image with a user's own changes: an overlay of the image and of folders in PRIVATE_DIR/UID
 * (persistent.h), which only root can reach.
 *
 * An overlay works with the capabilities of the process that mounts it. To copy files of users it
 * needs CAP_DAC_OVERRIDE, which is effective during that call alone.
 */
#ifndef PAM_NETNS_OVERLAY_H
#define PAM_NETNS_OVERLAY_H

#include <sys/types.h>

#include "base/cleanup.h"

/* Mounts it on the directory at, which only root can change: a descriptor of its root. lower: of
 * the image. */
int overlay_mount(uid_t uid, const char *account, const char *image, int lower,
		  const char *at) MUST_CHECK;

/* Gives the capability up for good, before another program runs. */
int overlay_renounce(void) MUST_CHECK;

#endif
