/*
 * Small files and folders that root owns, in places that only root can write.
 *
 * dir and parent are descriptors of folders (O_PATH will do). name is one name in them, not a path:
 * the caller that opened the folder has checked what is above it. With AT_FDCWD it is an absolute
 * path whose folders only root can change; no check is made of these. A link with the name itself
 * is never followed. These functions do not log: absence is often not an error, and the caller
 * knows the path.
 */
#ifndef PAM_NETNS_FILES_H
#define PAM_NETNS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Reads a whole regular file into buf, ends it with a NUL, and returns its length. -EFBIG: it has
 * size bytes or more; -ELOOP: a symbolic link; -EINVAL: no regular file. After a failure buf is "".
 */
ssize_t files_read(int dir, const char *name, char *buf, size_t size) MUST_CHECK;

/* The same for an open file, from its current position. */
ssize_t files_read_open(int fd, char *buf, size_t size) MUST_CHECK;

/*
 * Reads a record, whose form shows whether it is whole (state/record.h), by one read(2). Each
 * folder of the path below dir belongs to root alone. No link is followed: -ELOOP.
 */
ssize_t files_read_below(int dir, const char *path, char *buf, size_t size) MUST_CHECK;

/*
 * Puts data in place under name at once: readers see the old content or the new. With sync it has
 * reached the disk on return. Writers of one name must exclude each other: the temporary file is
 * ".NAME.new", so the next writer replaces a killed writer's leftover. The umask may take bits of
 * the mode (the helper's, 022, takes none of those in use).
 */
int files_write_atomic(int dir, const char *name, mode_t mode, const char *data, size_t size,
		       bool sync) MUST_CHECK;

/*
 * The directory at an absolute path that other users may be able to change, as an O_PATH
 * descriptor. No link is followed anywhere: -ELOOP.
 */
int files_open_directory(const char *path) MUST_CHECK;

/* The same for reading, of a folder that must be as files_make_dir() makes it: else -EPERM. */
int files_open_listable(const char *path, mode_t mode) MUST_CHECK;

/*
 * Makes the folder if it is missing, whatever the umask, and returns an O_PATH descriptor of it.
 * -EPERM: it has another owner, or other users may do more to it than mode says; -ELOOP, -ENOTDIR:
 * another object has the name.
 */
int files_make_dir(int parent, const char *name, mode_t mode) MUST_CHECK;

/*
 * A folder that exists, by a path below dir whose other folders belong to root alone: an O_PATH
 * descriptor. No link is followed: -ELOOP. -EPERM: as files_make_dir().
 */
int files_open_below(int dir, const char *path, mode_t mode) MUST_CHECK;

/* The same, O_PATH or O_RDONLY, without a check of its own: the folders above are root's. */
int files_directory_below(int dir, const char *path, int flags) MUST_CHECK;

/* files_open_below() without the descriptor. */
bool files_is_folder(int dir, const char *path, mode_t mode);

/*
 * files_make_dir() without the descriptor. For a folder that exists, one system call, and *links is its
 * number of links. links may be NULL.
 */
int files_ensure_dir(int parent, const char *name, mode_t mode, nlink_t *links) MUST_CHECK;

/*
 * Removes a file, or a folder with its contents, in a place that only root can write. Absence is
 * not an error. Stays in its mount: -EXDEV or -EBUSY if something is mounted inside. -ENOTEMPTY: it
 * is deeper than any tree of root's. In all cases as much as possible is removed.
 */
int files_remove_tree(int parent, const char *name) MUST_CHECK;

#endif
