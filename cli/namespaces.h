/* pam-netns status --namespaces: what the kernel tells of a user's namespaces (ioctl_ns(2)). */
#ifndef PAM_NETNS_NAMESPACES_VIEW_H
#define PAM_NETNS_NAMESPACES_VIEW_H

#include <stdbool.h>

#include "state/state.h"

/* For root, or for the user in their own session. 0 or -errno, logged. */
int namespaces_show(const struct user_state *state, bool json) MUST_CHECK;

#endif
