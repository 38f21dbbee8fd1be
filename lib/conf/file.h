/* Files and folders that only root can have written. */
#ifndef PAM_NETNS_CONF_FILE_H
#define PAM_NETNS_CONF_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/*
 * Reads the regular file at path, of at most max bytes. Before that it walks from / through every
 * folder and symbolic link: root must own each, and only root may be able to write it (-EPERM). A
 * FIFO or a device is not opened (-EINVAL), so the call cannot block. -EISDIR, -EFBIG, -EBUSY
 * (changed meanwhile), -ELOOP, -ENOENT, …; logged. *status is the file's at the time of reading.
 * The caller frees *text, which has a NUL after its status->st_size bytes.
 */
int conf_file_read(const char *path, size_t max, char **text, struct stat *status) MUST_CHECK;
/* The folder at an absolute path, after the same walk: an O_PATH descriptor. -ENOTDIR, …; logged. */
int conf_folder_open(const char *path) MUST_CHECK;

#endif
