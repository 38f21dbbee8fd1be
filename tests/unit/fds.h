/* The number of open descriptors, to find one that a function left open. */
#ifndef FDS_H
#define FDS_H

#include <dirent.h>

static inline int fds_open(void)
{
	DIR *dir = (opendir)("/proc/self/fd");
	int count = 0;

	while (dir && (readdir)(dir))
		count++;
	(closedir)(dir);
	return count;
}

#endif
