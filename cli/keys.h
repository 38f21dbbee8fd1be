/* The texts of the conf file's keys, which only the command has: columns of conf/keys.def. */
#ifndef PAM_NETNS_KEYS_H
#define PAM_NETNS_KEYS_H

#include "conf/key.h"

/*
 * pam-netns --keys, for the manual's list and the tests. A line a key, with tabs between: section,
 * name, values, default ("" if the key must be given), sentence, limits ("" if there are none).
 */
int keys_list(void);

#endif
