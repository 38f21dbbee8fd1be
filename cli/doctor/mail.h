/* Mail servers, a file each where one needs more than a page. */
#ifndef PAM_NETNS_MAIL_H
#define PAM_NETNS_MAIL_H

#include "doctor.h"

void exim_check(struct doctor *doctor);
/* The program in a text that runs what users name in their filters, "procmail", or NULL. */
const char *mail_filter(const char *text);

#endif
