/* Whether this kernel keeps links of user namespaces out of other networks. */
#ifndef PAM_NETNS_PEER_H
#define PAM_NETNS_PEER_H

#include "base/cleanup.h"

/*
 * Tries to make a veth pair as the owner of a network namespace, with the other end in the network
 * namespace target (-1: a new one, which the host owns). 1: the kernel refuses; 0: it does not;
 * -1: unknown. For root. All that it makes is gone afterwards.
 */
int peer_refused(int target) MUST_CHECK;

#endif
