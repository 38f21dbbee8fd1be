/* What the unit test of call.c replaces. Nobody else includes this. */
#ifndef PAM_NETNS_CALL_INTERNAL_H
#define PAM_NETNS_CALL_INTERNAL_H

extern const char *call_helper_path; /* HELPER_PATH */

#endif
