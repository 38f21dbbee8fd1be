/* Functions of mntns_template.c for mntns.c. */
#ifndef PAM_NETNS_MNTNS_INTERNAL_H
#define PAM_NETNS_MNTNS_INTERNAL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/linux_calls.h"

#define SYS_LIST_MAX   4096 /* bytes of the list of mounts below /sys */
#define SYS_MOUNTS_MAX 64

/* In a user's mount namespace: mounts the network's resolv.conf again, after a rename on the host
 * removed the template's. */
int mntns_mend_resolv(const char *network) MUST_CHECK;
/* The paths mounted directly below /sys when the template was made, one a line. */
int mntns_sys_list(const char *network, char list[SYS_LIST_MAX]) MUST_CHECK;

#endif
