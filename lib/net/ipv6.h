/*
 * Whether the links of this host can have IPv6 addresses: an admin may disable IPv6 by sysctl, and
 * the kernel may lack it. Reads the settings of the network namespace that the caller is in.
 */
#ifndef PAM_NETNS_IPV6_H
#define PAM_NETNS_IPV6_H

/*
 * NULL if IPv6 works, else the setting that disables it, as a person writes it:
 * "net.ipv6.conf.all.disable_ipv6 = 1", the same of "default" (links that are made from then on),
 * or "ipv6.disable = 1 on the kernel's command line".
 */
const char *ipv6_disabled(void);

#endif
