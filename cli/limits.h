/* The limits of an active user, and what the user's control group uses of them. For status. */
#ifndef PAM_NETNS_CLI_LIMITS_H
#define PAM_NETNS_CLI_LIMITS_H

#include <stdio.h>

#include "state/state.h"

/* A line for each limit; without limits, none. */
void limits_print(const struct user_state *state);
/* A member of a JSON object with a comma behind it; without limits, none. */
void limits_json(FILE *out, const struct user_state *state);

#endif
