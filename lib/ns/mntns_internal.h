/* Functions of mntns_template.c for mntns.c. */
#ifndef PAM_NETNS_MNTNS_INTERNAL_H
#define PAM_NETNS_MNTNS_INTERNAL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/linux_calls.h"

/* In a user's mount namespace: mounts the network's resolv.conf again, after a rename on the host
 * removed the template's. */
int mntns_mend_resolv(const char *network) MUST_CHECK;

#endif
