/*
 * Files and directories that a user finds at another place (bind = SOURCE:TARGET).
 *
 * Neither path may lead over a link that is not root's. The source is opened while the mount
 * namespace is still as the host's, so it may be below a path that hide covers.
 */
#ifndef PAM_NETNS_BIND_H
#define PAM_NETNS_BIND_H

#include "base/cleanup.h"
#include "conf/conf.h"

struct bound {
	struct bind paths; /* the source without links */
	int tree;	   /* a detached mount of the source; -1: it is missing, and may be */
	bool folder;	   /* the source is one */
};

/* Opens the source. The caller closes out->tree. */
int bind_open(const char *word, const struct who *who, struct bound *out) MUST_CHECK;
/* Mounts it on the target. */
int bind_attach(const struct bound *bound) MUST_CHECK;

#endif
