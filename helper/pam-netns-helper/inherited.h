/* What a process inherits from its caller, made harmless: the helper's first steps. */
#ifndef PAM_NETNS_INHERITED_H
#define PAM_NETNS_INHERITED_H

#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Makes all uids and gids root's, without supplementary groups, and verifies that root has made
 * the socket that is standard input, as process *pid. -EPERM: another user has; or another
 * -errno. Logs nothing.
 */
int inherited_ids(pid_t *pid) MUST_CHECK;

/*
 * Closes all descriptors but 0-2; umask 022; resource limits, CPUs, priorities,
 * the score for the OOM killer and the personality as those of a service. Needs root's
 * capabilities. Logs.
 */
int inherited_reset(void) MUST_CHECK;

#endif
