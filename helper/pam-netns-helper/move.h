/* The move of the helper into the root cgroup; see move.c. */
#ifndef PAM_NETNS_MOVE_H
#define PAM_NETNS_MOVE_H

/* Returns in the process that goes on as the helper; it may have stayed in its caller's cgroup. */
void helper_move(void);

#endif
