/*
 * Small files and folders that root owns, in places that only root may write.
 *
 * dir and parent are descriptors of folders (O_PATH will do) and name is one name in them, never a
 * path: what lies above has been checked by whoever opened the folder. Symbolic links are never
 * followed. Nothing here logs: what is missing is often no error, and the caller knows the path.
 */
#ifndef PAM_NETNS_FILES_H
#define PAM_NETNS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

/*
 * Reads a whole regular file into buf and closes it with a NUL; returns its length. -EFBIG: it has
 * size bytes or more; -ELOOP: a symbolic link; -EINVAL: no regular file. buf is "" on failure.
 */
ssize_t files_read(int dir, const char *name, char *buf, size_t size) MUST_CHECK;

/* The same of a file that is open, from where it stands. */
ssize_t files_read_open(int fd, char *buf, size_t size) MUST_CHECK;

/*
 * A record, whose own form tells whether it is whole (state/record.h), by a path below dir of which
 * each folder is root's alone: what one read(2) gives. No link is followed: -ELOOP.
 */
ssize_t files_read_below(int dir, const char *path, char *buf, size_t size) MUST_CHECK;

/*
 * Puts data in place under name at once: readers see the old content or the new. With sync it has
 * reached the disk on return. Writers of one name must exclude each other: the temporary file is
 * ".NAME.new", so that what a killed writer left behind is replaced by the next. The umask may take
 * bits of the mode (the helper's, 022, takes none of those that are used).
 */
int files_write_atomic(int dir, const char *name, mode_t mode, const char *data, size_t size,
		       bool sync) MUST_CHECK;

/*
 * The directory at an absolute path on whose way others may write, as an O_PATH descriptor. No link
 * is followed anywhere: -ELOOP.
 */
int files_open_directory(const char *path) MUST_CHECK;

/* The same for reading, of a folder that must be as files_make_dir() makes it: else -EPERM. */
int files_open_listable(const char *path, mode_t mode) MUST_CHECK;

/*
 * Makes the folder where it is missing, whatever the umask, and returns an O_PATH descriptor of it.
 * -EPERM: it belongs to somebody else, or others may do more to it than mode says; -ELOOP,
 * -ENOTDIR: something else has the name.
 */
int files_make_dir(int parent, const char *name, mode_t mode) MUST_CHECK;

/*
 * A folder that is there already, by a path below dir whose other folders are known to be root's
 * alone; an O_PATH descriptor. No link is followed: -ELOOP; -EPERM: as files_make_dir().
 */
int files_open_below(int dir, const char *path, mode_t mode) MUST_CHECK;

/* The same, O_PATH or O_RDONLY, of one that needs no check of its own, since those above are root's. */
int files_directory_below(int dir, const char *path, int flags) MUST_CHECK;

/* files_open_below() without the descriptor. */
bool files_is_folder(int dir, const char *path, mode_t mode);

/* files_make_dir() without the descriptor. A folder that is there costs one look. */
int files_ensure_dir(int parent, const char *name, mode_t mode) MUST_CHECK;

/*
 * Removes a file or a folder with all in it, in a place that only root may write; absence is no
 * error. Stays in its mount: -EXDEV or -EBUSY where something is mounted inside. -ENOTEMPTY: it is
 * deeper than any tree of root's. What can be removed is removed even then.
 */
int files_remove_tree(int parent, const char *name) MUST_CHECK;

#endif
