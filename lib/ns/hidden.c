/* Hidden paths; see hidden.h. */
#include "ns/hidden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/linux_calls.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/resolve.h"
#include "ns/mounts.h"

#define EMPTY_FILE   PINS_DIR "/file"
#define EMPTY_FOLDER PINS_DIR "/folder"
#define FOLDERS_MAX  64
/* Tries of a few microseconds each: longer than the replacement of a file takes. */
#define REPLACED_TRIES 200

int covers_mount(void)
{
	int fd;

	/* Its files are root's, and all that users see of it is read-only. */
	if (mount("pam_netns", PINS_DIR, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700,size=256k,nr_inodes=1024") < 0)
		return log_errno(errno, "mount the tmpfs of hidden paths");
	if (mkdir(EMPTY_FOLDER, 0555) < 0)
		return log_errno(errno, "make %s", EMPTY_FOLDER);
	fd = openat(AT_FDCWD, EMPTY_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return log_errno(errno, "make %s", EMPTY_FILE);
	close(fd);
	return 0;
}

static int link_keep(void *context, const char *path, const char *target)
{
	struct home *home = context;

	if (home->count == HOME_LINKS_MAX)
		return -ELOOP;
	home->links[home->count].path = strdup(path);
	home->links[home->count].target = strdup(target);
	if (!home->links[home->count].path || !home->links[home->count].target)
		return -ENOMEM;
	home->count++;
	return 0;
}

static int home_find(struct home *home, const char *path)
{
	int error;

	home->at.fd = -1;
	if (*path != '/')
		return 0;
	error = path_resolve(path, O_DIRECTORY, link_keep, home, &home->at);
	if (error && !path_is_missing(error))
		log_error("cannot hide paths, because the user's home %s %s; %s", path,
			  path_resolve_error(error), path_resolve_remedy(error));
	if (!path_is_missing(error))
		return error;
	log_debug("the home %s does not exist", path);
	return 0;
}

/* Makes the folders above the last name of below, in folder. */
static int way_make(int folder, const char *below)
{
	char part[PATH_MAX];

	for (const char *slash = below; (slash = strchr(slash, '/')); slash++) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - below), below);
		if (mkdirat(folder, part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The ways to the home and to links that lead there, in the folder that will cover path. */
static int home_ways_make(const struct home *home, const char *path, int folder)
{
	const char *below = path_below(home->at.path, path);
	int error = below ? way_make(folder, below) : 0;

	if (below && !error && mkdirat(folder, below, 0755) < 0)
		error = -errno;
	for (size_t i = 0; i < home->count && !error; i++) {
		below = path_below(home->links[i].path, path);
		if (!below)
			continue;
		error = way_make(folder, below);
		if (!error && symlinkat(home->links[i].target, folder, below) < 0)
			error = -errno;
	}
	return error;
}

/* A target of bind, which is mounted later. */
static int target_make(const struct bound *bound, const char *below, int folder)
{
	int error = way_make(folder, below), made;

	if (error)
		return error;
	made = bound->folder ? mkdirat(folder, below, 0755)
			     : mknodat(folder, below, S_IFREG | 0444, 0);
	return made < 0 && errno != EEXIST ? -errno : 0;
}

static int ways_make(const struct covers *covers, const char *path, int folder)
{
	int error = covers->home.at.fd < 0 ? 0 : home_ways_make(&covers->home, path, folder);

	for (size_t i = 0; i < covers->bound_count && !error; i++) {
		const char *below = path_below(covers->bound[i].paths.target, path);

		if (below && covers->bound[i].tree >= 0)
			error = target_make(&covers->bound[i], below, folder);
	}
	return error;
}

/* Does a way to the home, or to a target of bind, lead through path? */
static bool ways_lead_through(const struct covers *covers, const char *path)
{
	const struct home *home = &covers->home;

	for (size_t i = 0; i < covers->bound_count; i++)
		if (path_below(covers->bound[i].paths.target, path))
			return true;
	if (home->at.fd < 0)
		return false;
	for (size_t i = 0; i < home->count; i++)
		if (path_below(home->links[i].path, path))
			return true;
	return path_below(home->at.path, path);
}

/* A detached folder that covers path. */
static int folder_make(const struct covers *covers, const char *path)
{
	char name[64] = EMPTY_FOLDER;
	int error = 0;

	if (!ways_lead_through(covers, path))
		return mount_clone(name, 0);
	for (unsigned number = 0; number < FOLDERS_MAX; number++) {
		snprintf(name, sizeof(name), PINS_DIR "/%u", number);
		error = mkdir(name, 0755) < 0 ? -errno : 0;
		if (error != -EEXIST)
			break;
	}
	CLEANUP_FD int folder = error ? -1 : files_open_directory(name);

	error = error ?: folder < 0 ? folder : ways_make(covers, path, folder);
	return error ?: mount_clone(name, 0);
}

/* Mounts the home in the folder that covers path now. */
static int home_attach(const struct home *home, const char *path, int folder)
{
	const char *below = home->at.fd < 0 ? NULL : path_below(home->at.path, path);

	if (!below)
		return 0;
	CLEANUP_FD int point = openat(folder, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FD int tree = open_tree(
	    home->at.fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	if (point < 0 || tree < 0)
		return log_errno(errno, "keep the home %s below %s", home->at.path, path);
	return mount_attach(tree, point, home->at.path, (struct mount_attr){0});
}

/* -ESTALE: the file was replaced meanwhile. */
static int path_cover(const struct covers *covers, const struct resolved *at, bool folder)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
				  .propagation = MS_PRIVATE};
	CLEANUP_FD int tree = folder ? folder_make(covers, at->path) : mount_clone(EMPTY_FILE, 0);

	if (tree < 0)
		return log_errno(-tree, "make what covers %s", at->path);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return log_errno(errno, "make what covers %s read-only", at->path);
	if (move_mount(tree, "", at->fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return errno == ENOENT ? -ESTALE : log_errno(errno, "hide %s", at->path);
	return folder ? home_attach(&covers->home, at->path, tree) : 0;
}

/* The conf file's paths are compared as they are written, with links (conf/view.c). */
static int shown_refuse(const struct covers *covers, const char *path)
{
	for (size_t i = 0; i < covers->bound_count; i++) {
		const struct bind *bind = &covers->bound[i].paths;
		const char *below = path_below(path, bind->source);

		if (covers->bound[i].tree < 0 || !below || !*below)
			continue;
		log_error("cannot hide %s: bind shows it below %s, because %s contains it; name a "
			  "part of %s",
			  path, bind->target, bind->source, bind->source);
		return -EINVAL;
	}
	return 0;
}

/* Covers what was found, unless it is covered, or is the user's home. */
static int found_hide(const struct covers *covers, const struct resolved *at)
{
	struct stat st;

	if (fstat(at->fd, &st) < 0)
		return log_errno(errno, "look at %s", at->path);
	if (st.st_dev == covers->device ||
	    (covers->home.at.fd >= 0 && !strcmp(covers->home.at.path, at->path)))
		return 0;
	return shown_refuse(covers, at->path) ?: path_cover(covers, at, S_ISDIR(st.st_mode));
}

/*
 * The same path of HOSTPROC. Users cannot enter its folder. But as long as one procfs of a mount
 * namespace is whole, the kernel lets a user mount another one in a PID namespace of their own.
 */
static int hostproc_hide(const struct covers *covers, const char *below)
{
	char path[PATH_MAX + sizeof(HOSTPROC)];
	struct resolved at;
	int error;

	snprintf(path, sizeof(path), HOSTPROC "/%s", below);
	error = path_resolve(path, 0, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	if (path_is_missing(error))
		return 0;
	return fd < 0 ? log_errno(-error, "find %s", path) : found_hide(covers, &at);
}

static int path_hide_once(const struct covers *covers, const char *path, bool optional)
{
	struct resolved at;
	const char *below;
	int error = path_resolve(path, 0, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	if (path_is_missing(error) && optional)
		return 0;
	if (fd < 0) {
		log_error("cannot hide %s: it %s; %s", path, path_resolve_error(error),
			  path_resolve_remedy(error));
		return error;
	}
	error = found_hide(covers, &at);
	below = path_below(at.path, "/proc");
	return error || !below ? error : hostproc_hide(covers, below);
}

int path_hide(const struct covers *covers, const char *word, bool optional)
{
	char path[CONF_PATH_MAX];
	int error = -ESTALE;

	optional |= conf_path_word(word, path);
	for (int tries = 0; error == -ESTALE && tries < REPLACED_TRIES; tries++)
		error = path_hide_once(covers, path, optional);
	return error == -ESTALE ? log_errno(ESTALE, "hide %s", path) : error;
}

int covers_open(struct covers *covers, const char *home)
{
	struct stat st;

	if (stat(PINS_DIR, &st) < 0)
		return log_errno(errno, "look at %s", PINS_DIR);
	covers->device = st.st_dev;
	return home_find(&covers->home, home);
}

void covers_close(struct covers *covers)
{
	struct home *home = &covers->home;

	cleanup_fd(&home->at.fd);
	for (size_t i = 0; i < home->count; i++) {
		free(home->links[i].path);
		free(home->links[i].target);
	}
}
