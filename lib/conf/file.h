/* Reading a file that root alone can have written. */
#ifndef PAM_NETNS_CONF_FILE_H
#define PAM_NETNS_CONF_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/*
 * Reads the regular file at path, of at most max bytes, after a walk from / through every folder
 * and symbolic link: each must be root's and writable by nobody else (-EPERM). A FIFO or a device
 * is not opened (-EINVAL), so nothing blocks. -EISDIR, -EFBIG, -EBUSY (changed meanwhile), -ELOOP,
 * -ENOENT, …; logged. *status is the file's as it was read. The caller frees *text, which has a NUL
 * after its status->st_size bytes.
 */
int conf_file_read(const char *path, size_t max, char **text, struct stat *status) MUST_CHECK;

#endif
