/* Files of the host, read line by line. */
#ifndef PAM_NETNS_LINES_H
#define PAM_NETNS_LINES_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* NULL and errno: the file cannot be opened, or is no regular file. Reading a FIFO would wait
 * for a writer, and a device may have no end. */
static inline FILE *lines_open(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	file = fdopen(fd, "r");
	if (file)
		(void)steal_fd(&fd);
	return file;
}

#endif
