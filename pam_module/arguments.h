/* The module's arguments on its line in /etc/pam.d. */
#ifndef PAM_NETNS_ARGUMENTS_H
#define PAM_NETNS_ARGUMENTS_H

#include <stdbool.h>

#include "base/cleanup.h"

struct arguments {
	const char *conf; /* points into argv */
	bool debug;
	bool open, close; /* act at these times; without an argument at both */
	bool host;	  /* the auth line: authenticate in the host's network */
};

/* -EINVAL, logged: an argument is unknown. */
int arguments_parse(int argc, const char **argv, struct arguments *out) MUST_CHECK;

#endif
