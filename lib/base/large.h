/* Static buffers of which little is used. */
#ifndef PAM_NETNS_LARGE_H
#define PAM_NETNS_LARGE_H

/*
 * They lie behind all other variables (the helper is linked with --sort-section=name), which are
 * then together on few pages. Pages of a buffer that are not used cost nothing.
 */
#define LARGE_BUFFER __attribute__((section(".bss.zz")))

#endif
