/* read_only, hide and bind in a user's mount namespace; see view.h. */
#include "ns/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/files.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/resolve.h"
#include "ns/mounts.h"

/* The home in the first line, then a path a line: "h" is before hide's, "r" before read_only's. */
#define LIST_NAME "view"
#define LIST_MAX  (PATH_MAX + 128 * (CONF_PATH_MAX + 2))

/*
 * Did read_only_make() mount this? 1, 0, or -errno. If only the file system of the host is
 * read-only, what is mounted below may be writable.
 */
static int read_only_is(const struct resolved *at)
{
	struct statvfs fs;
	struct statx stx;

	if (fstatvfs(at->fd, &fs) < 0 || statx(at->fd, "", AT_EMPTY_PATH, 0, &stx) < 0)
		return log_errno(errno, "look at %s", at->path);
	return (fs.f_flag & ST_RDONLY) && (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Makes a path read-only. again: unless it is, and if it is not missing. */
static int read_only_make(const char *word, bool again)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
	char path[CONF_PATH_MAX];
	struct resolved at;
	bool optional = conf_path_word(word, path) || again;
	int error = path_resolve(path, 0, NULL, NULL, &at), done;

	if (path_is_missing(error) && optional)
		return 0;
	if (error) {
		log_error("cannot make %s read-only: it %s; %s", path, path_resolve_error(error),
			  path_resolve_remedy(error));
		return error;
	}
	CLEANUP_FD int fd = at.fd;

	done = again ? read_only_is(&at) : 0;
	if (done)
		return done < 0 ? done : 0;
	CLEANUP_FD int tree =
	    open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	if (tree < 0)
		return log_errno(errno, "clone %s", at.path);
	return mount_attach(tree, fd, at.path, attr);
}

int view_open(struct view *view)
{
	const struct profile *profile = view->profile;
	int error = 0;

	if (profile->bind.count)
		view->bound = calloc(profile->bind.count, sizeof(*view->bound));
	if (profile->bind.count && !view->bound)
		return -ENOMEM;
	for (size_t i = 0; i < profile->bind.count && !error; i++)
		error = bind_open(profile->bind.words[i], view->who, &view->bound[view->count++]);
	return error;
}

int view_begin(struct view *view)
{
	const struct path_list *read_only = &view->profile->read_only;
	int error = 0;

	for (size_t i = 0; i < read_only->count && !error; i++)
		error = read_only_make(read_only->words[i], false);
	return error;
}

static size_t list_add(char list[LIST_MAX], size_t used, const char *kind,
		       const struct path_list *paths)
{
	for (size_t i = 0; i < paths->count && used < LIST_MAX; i++)
		used +=
		    (size_t)snprintf(list + used, LIST_MAX - used, "%s%s\n", kind, paths->words[i]);
	return used;
}

static int list_write(const struct view *view)
{
	CLEANUP_FD int dir = files_open_directory(PINS_DIR);
	char list[LIST_MAX];
	size_t used = (size_t)snprintf(list, sizeof(list), "%s\n", view->home);
	int error;

	used = list_add(list, used, "h", &view->profile->hide);
	used = list_add(list, used, "r", &view->profile->read_only);
	if (used >= sizeof(list))
		return log_errno(E2BIG, "keep the list of hidden and read-only paths");
	error = files_write_atomic(dir, LIST_NAME, 0600, list, used, false);
	return error ? log_errno(-error, "write %s/" LIST_NAME, PINS_DIR) : 0;
}

static int view_hide(const struct view *view)
{
	const struct path_list *hide = &view->profile->hide;
	struct covers covers = {.home.at.fd = -1, .bound = view->bound, .bound_count = view->count};
	int error = covers_mount();

	error = error ?: list_write(view);
	error = error ?: covers_open(&covers, view->home);
	for (size_t i = 0; i < hide->count && !error; i++)
		error = path_hide(&covers, hide->words[i], false);
	covers_close(&covers);
	return error;
}

int view_finish(struct view *view)
{
	int error = view_count(view->profile) ? view_hide(view) : 0;

	for (size_t i = 0; i < view->count && !error; i++)
		error = bind_attach(&view->bound[i]);
	return error;
}

void view_close(struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		cleanup_fd(&view->bound[i].tree);
	free(view->bound);
}

unsigned view_count(const struct profile *profile)
{
	return (unsigned)(profile->hide.count + profile->read_only.count);
}

/* In the user's mount namespace. A path that is missing now needs nothing. */
static int list_mend(void)
{
	struct covers covers = {.home.at.fd = -1};
	char list[LIST_MAX], *rest = list, *word;
	int error = (int)files_read(AT_FDCWD, PINS_DIR "/" LIST_NAME, list, sizeof(list));

	if (error < 0)
		return log_errno(-error, "read %s/" LIST_NAME, PINS_DIR);
	error = covers_open(&covers, strsep(&rest, "\n"));
	while (!error && (word = strsep(&rest, "\n"))) {
		if (*word == 'h')
			error = path_hide(&covers, word + 1, true);
		else if (*word == 'r')
			error = read_only_make(word + 1, true);
	}
	covers_close(&covers);
	return error;
}

int view_mend(int mntns_mnt, int host_mnt)
{
	int error = mounts_enter(mntns_mnt, "the user's"), back;

	if (error)
		return error;
	error = list_mend();
	back = mounts_enter(host_mnt, "the host's");
	return error ?: back;
}
