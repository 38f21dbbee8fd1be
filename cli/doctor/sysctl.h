/* What the files of sysctl.d(5) set a kernel setting to. */
#ifndef PAM_NETNS_DOCTOR_SYSCTL_H
#define PAM_NETNS_DOCTOR_SYSCTL_H

#include <limits.h>
#include <stdbool.h>

struct sysctl_line {
	char file[PATH_MAX];
	unsigned line;
	long value;
};

/*
 * The line that has the last word about a setting ("net.ipv4.ip_forward") at a boot: files by name,
 * one in /etc in place of one of the same name elsewhere, /etc/sysctl.conf last. False: there is
 * none.
 */
bool sysctl_line_find(const char *setting, struct sysctl_line *out);

#endif
