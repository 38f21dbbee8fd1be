/* For the unit test of call.c, which replaces this. No other file includes it. */
#ifndef PAM_NETNS_CALL_INTERNAL_H
#define PAM_NETNS_CALL_INTERNAL_H

extern const char *call_helper_path; /* HELPER_PATH */

#endif
