/* absent.c: notes which uids with a lease no user has any more, for the helper's gc to free. */
#ifndef PAM_NETNS_ABSENT_H
#define PAM_NETNS_ABSENT_H

/* Once a day; at other times it does nothing. Root. Failures are logged. */
void absent_look(void);

#endif
