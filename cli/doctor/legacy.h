/* legacy.c: rules of iptables-legacy, which nft does not list, that drop users' packets. */
#ifndef PAM_NETNS_LEGACY_H
#define PAM_NETNS_LEGACY_H

#include "doctor.h"

void legacy_check(struct doctor *doctor);

#endif
