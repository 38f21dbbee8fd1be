/* The values that the files of sysctl.d(5) give to kernel settings. */
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
 * The line that decides a setting ("net.ipv4.ip_forward") at a boot. Files are applied by name,
 * a file in /etc replaces one of the same name elsewhere, and /etc/sysctl.conf comes last.
 * False: no line sets it.
 */
bool sysctl_line_find(const char *setting, struct sysctl_line *out);

#endif
