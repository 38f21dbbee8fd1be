/* The module's arguments on its line in /etc/pam.d. */
#ifndef PAM_NETNS_ARGUMENTS_H
#define PAM_NETNS_ARGUMENTS_H

#include <stdbool.h>

#include "base/cleanup.h"

struct arguments {
	const char *conf; /* borrowed from argv */
	bool debug;
	bool open, close; /* act when the session opens, closes; both without an argument */
	bool host;	  /* auth line: authenticate in the host's network */
};

/* -EINVAL for an argument that is not known; logged. */
int arguments_parse(int argc, const char **argv, struct arguments *out) MUST_CHECK;

#endif
