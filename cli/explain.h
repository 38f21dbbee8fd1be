/* The parts of pam-netns explain. Each prints lines "  name  value". */
#ifndef PAM_NETNS_EXPLAIN_H
#define PAM_NETNS_EXPLAIN_H

#include "conf/conf.h"

void explain_label(const char *name); /* begins a line; "": one that goes on with the one above */
void explain_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The network of a profile that isolates, for the user uid. */
void explain_network(const struct profile *profile, uid_t uid);

#endif
