/* One session of one PAM handle: what its steps share. */
#ifndef PAM_NETNS_SESSION_H
#define PAM_NETNS_SESSION_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <sys/types.h>

#include "arguments.h"

/* Not PAM_SESSION_ERR, the usual result: after that one sudo runs the command. */
#define SESSION_REFUSED PAM_PERM_DENIED

/* Logs the refusal and tells the user. Returns SESSION_REFUSED. */
int session_refuse(pam_handle_t *pamh, int flags);

/* Both return a PAM result, and have logged the cause of a failure. */
int session_open(pam_handle_t *pamh, int flags, const struct arguments *arguments);
int session_close(pam_handle_t *pamh, const struct arguments *arguments);

/* host_network.c: `auth requisite pam_netns.so host`, and the way back from it. */
int host_network_enter(pam_handle_t *pamh, const struct arguments *arguments);
/* Returns 0 also if the process never went to the host's network. */
int host_network_leave(pam_handle_t *pamh) MUST_CHECK;

#endif
