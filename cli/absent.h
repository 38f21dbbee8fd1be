/* absent.c: notes which uids with a lease no user has any more, for the helper's gc to free. */
#ifndef PAM_NETNS_ABSENT_H
#define PAM_NETNS_ABSENT_H

/* Works once a day; other calls do nothing. Needs root. Logs failures. */
void absent_look(void);

#endif
