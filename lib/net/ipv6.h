/*
 * Can links of this host have IPv6 addresses? An admin may disable IPv6 by sysctl, and the kernel
 * may lack it. Reads the settings of the caller's network namespace.
 */
#ifndef PAM_NETNS_IPV6_H
#define PAM_NETNS_IPV6_H

/*
 * NULL if IPv6 works, else the setting that disables it, in the form that a person writes:
 * "net.ipv6.conf.all.disable_ipv6 = 1", the same of "default" (for new links), or "ipv6.disable = 1
 * on the kernel's command line".
 */
const char *ipv6_disabled(void);

#endif
