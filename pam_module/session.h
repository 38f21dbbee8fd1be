/* One session of one PAM handle: what its steps share. */
#ifndef PAM_NETNS_SESSION_H
#define PAM_NETNS_SESSION_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <sys/types.h>

#include "arguments.h"

/* Not PAM_SESSION_ERR, the usual result: sudo takes that for no error and runs the command. */
#define SESSION_REFUSED PAM_PERM_DENIED

/* Tells the log and the user so; returns SESSION_REFUSED. */
int session_refuse(pam_handle_t *pamh, int flags);

/* Both return a PAM result and have said and logged what went wrong. */
int session_open(pam_handle_t *pamh, int flags, const struct arguments *arguments);
int session_close(pam_handle_t *pamh, const struct arguments *arguments);

/* host_network.c: `auth requisite pam_netns.so host`, and what undoes it. */
int host_network_enter(pam_handle_t *pamh, const struct arguments *arguments);
/* 0 also where nothing was entered. */
int host_network_leave(pam_handle_t *pamh) MUST_CHECK;

#endif
