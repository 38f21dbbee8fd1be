/* Small files and folders that root owns. See files.h. */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PERMISSIONS	 (S_IRWXU | S_IRWXG | S_IRWXO)
#define REMOVE_DEPTH_MAX 16 /* folders open at once; records, leases and pins need four */

/*
 * Reads until the end of the file (after expected bytes, if that is not 0), or until the buffer is
 * full. Returns the number of bytes.
 */
static ssize_t read_fully(int fd, char *buf, size_t size, size_t expected)
{
	size_t used = 0;

	while (used < size && (!used || used != expected)) {
		ssize_t n = read(fd, buf + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

ssize_t files_read_open(int fd, char *buf, size_t size)
{
	struct stat st;
	ssize_t n;

	*buf = '\0';
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* Not only st_size: in procfs it is 0, in sysfs a page. */
	n = read_fully(fd, buf, size, (size_t)st.st_size);
	if (n >= 0 && (size_t)n == size)
		n = -EFBIG;
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

ssize_t files_read(int dir, const char *name, char *buf, size_t size)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	CLEANUP_FD int fd = openat(dir, name, flags);

	*buf = '\0';
	return fd < 0 ? -errno : files_read_open(fd, buf, size);
}

ssize_t files_read_below(int dir, const char *path, char *buf, size_t size)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	CLEANUP_FD int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	ssize_t n = -1;

	*buf = '\0';
	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		n = -EFBIG;
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static int write_fully(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int folder_sync(int dir)
{
	CLEANUP_FD int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int temporary_open(int dir, const char *name, mode_t mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, mode);

	if (fd >= 0 || errno != EEXIST)
		return fd < 0 ? -errno : fd;
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, flags, mode);
	return fd < 0 ? -errno : fd;
}

static int temporary_fill(int fd, const char *data, size_t size, bool sync)
{
	int error = write_fully(fd, data, size);

	return !error && sync && fsync(fd) ? -errno : error;
}

int files_write_atomic(int dir, const char *name, mode_t mode, const char *data, size_t size,
		       bool sync)
{
	char temporary[NAME_MAX + 1];
	CLEANUP_FD int fd = -1;
	int error;

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = temporary_open(dir, temporary, mode);
	if (fd < 0)
		return fd;
	error = temporary_fill(fd, data, size, sync);
	if (!error && renameat(dir, temporary, dir, name))
		error = -errno;
	if (error)
		unlinkat(dir, temporary, 0);
	else if (sync)
		error = folder_sync(dir);
	return error;
}

/* Gives a new folder the mode bits that the umask took. */
static int folder_set_mode(int folder, mode_t mode)
{
	CLEANUP_FD int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fchmod(fd, mode) ? -errno : 0;
}

static bool folder_is_safe(const struct stat *st, mode_t mode)
{
	if (st->st_uid != 0 || (st->st_mode & PERMISSIONS & ~mode))
		return false;
	return !(mode & S_ISVTX) || (st->st_mode & S_ISVTX);
}

static int directory_open(int dir, const char *path, int flags, unsigned resolve)
{
	struct open_how how = {.flags = (unsigned)flags | O_DIRECTORY | O_CLOEXEC,
			       .resolve = resolve | RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int files_directory_below(int dir, const char *path, int flags)
{
	return directory_open(dir, path, flags, RESOLVE_BENEATH);
}

int files_open_directory(const char *path)
{
	return directory_open(AT_FDCWD, path, O_PATH, 0);
}

/* Takes over fd, if it is not an error. */
static int folder_check(int fd, mode_t mode)
{
	CLEANUP_FD int folder = fd;
	struct stat st;

	if (folder < 0)
		return fd;
	if (fstat(folder, &st))
		return -errno;
	return folder_is_safe(&st, mode) ? steal_fd(&folder) : -EPERM;
}

int files_open_listable(const char *path, mode_t mode)
{
	return folder_check(directory_open(AT_FDCWD, path, O_RDONLY, 0), mode);
}

int files_make_dir(int parent, const char *name, mode_t mode)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	CLEANUP_FD int fd = openat(parent, name, flags);
	struct stat st;
	bool made = false;

	if (fd < 0 && errno == ENOENT) {
		made = mkdirat(parent, name, mode) == 0;
		if (!made && errno != EEXIST)
			return -errno;
		fd = openat(parent, name, flags);
	}
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (made && (st.st_mode & (PERMISSIONS | S_ISVTX)) != mode) {
		int error = folder_set_mode(fd, mode);

		if (error)
			return error;
		if (fstat(fd, &st))
			return -errno;
	}
	return folder_is_safe(&st, mode) ? steal_fd(&fd) : -EPERM;
}

int files_open_below(int dir, const char *path, mode_t mode)
{
	return folder_check(files_directory_below(dir, path, O_PATH), mode);
}

static bool is_folder(int dir, const char *path, mode_t mode, struct stat *st)
{
	return !fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st->st_mode) &&
	       folder_is_safe(st, mode);
}

bool files_is_folder(int dir, const char *path, mode_t mode)
{
	struct stat st;

	return is_folder(dir, path, mode, &st);
}

int files_ensure_dir(int parent, const char *name, mode_t mode, nlink_t *links)
{
	struct stat st = {0};
	bool there = is_folder(parent, name, mode, &st);
	CLEANUP_FD int fd = there ? -1 : files_make_dir(parent, name, mode);

	if (links)
		*links = st.st_nlink;
	return there || fd >= 0 ? 0 : fd;
}

/* Errors do not stop a removal. Returns the first one. */
static void removal_failed(int *first, int error)
{
	if (!*first && error != ENOENT)
		*first = -error;
}

/* RESOLVE_NO_XDEV detects every mount, even binds of the same filesystem. */
static int folder_open(int parent, const char *name)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	    .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};

	return (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
}

static void folder_empty(int fd, unsigned depth, int *first);

static void entry_remove(int parent, const char *name, unsigned depth, int *first)
{
	int fd;

	if (!unlinkat(parent, name, 0))
		return;
	if (errno != EISDIR) {
		removal_failed(first, errno);
		return;
	}
	if (depth < REMOVE_DEPTH_MAX) {
		fd = folder_open(parent, name);
		if (fd < 0) {
			removal_failed(first, errno);
			return;
		}
		folder_empty(fd, depth + 1, first);
	}
	if (unlinkat(parent, name, AT_REMOVEDIR))
		removal_failed(first, errno);
}

/* Takes over fd. */
static void folder_empty(int fd, unsigned depth, int *first)
{
	CLEANUP_DIR DIR *stream = fdopendir(fd);
	const struct dirent *entry;

	if (!stream) {
		removal_failed(first, errno);
		close(fd);
		return;
	}
	while (errno = 0, entry = readdir(stream)) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			entry_remove(dirfd(stream), entry->d_name, depth, first);
	}
	if (errno)
		removal_failed(first, errno);
}

int files_remove_tree(int parent, const char *name)
{
	int error = 0;

	entry_remove(parent, name, 0, &error);
	return error;
}
