/* Mail servers: a large one has a file of its own. */
#ifndef PAM_NETNS_MAIL_H
#define PAM_NETNS_MAIL_H

#include "doctor.h"

void exim_check(struct doctor *doctor);
/* The name of a filter that runs users' programs ("procmail"), if text names one; else NULL. */
const char *mail_filter(const char *text);

#endif
