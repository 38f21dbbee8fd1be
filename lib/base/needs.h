/*
 * The system calls that our programs cannot do without. The kernel is asked for each of them, since
 * a version number says nothing of backports, or of what a build left out.
 */
#ifndef PAM_NETNS_NEEDS_H
#define PAM_NETNS_NEEDS_H

/* The first that this kernel lacks, as "openat2(2) (Linux 5.6)"; NULL: it has all. Needs no
 * privilege, and changes nothing. */
const char *needs_missing(void);

#endif
