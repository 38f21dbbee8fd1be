/* bind = SOURCE:TARGET; see bind.h. */
#include "ns/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/linux_calls.h"
#include "base/log.h"
#include "base/resolve.h"
#include "ns/mounts.h"

static int path_refused(const struct bind *bind, const char *what, int error)
{
	log_error("cannot bind %s on %s: the %s %s; %s", bind->source, bind->target, what,
		  path_resolve_error(error), path_resolve_remedy(error));
	return error;
}

int bind_open(const char *word, const struct who *who, struct bound *out)
{
	struct resolved at;
	struct stat st;
	int error = conf_bind(word, who, &out->paths);

	out->tree = -1;
	if (error)
		return log_errno(-error,
				 "bind %s: the name of %s, or of group %s, is no part of a "
				 "path; write the path without that name",
				 word, who->user, who->group);
	error = path_resolve(out->paths.source, 0, NULL, NULL, &at);
	if (path_is_missing(error) && out->paths.optional)
		return 0;
	if (error)
		return path_refused(&out->paths, "source", error);
	CLEANUP_FD int fd = at.fd;

	if (strlen(at.path) >= sizeof(out->paths.source))
		return path_refused(&out->paths, "source", -ENAMETOOLONG);
	strcpy(out->paths.source, at.path);
	if (fstat(fd, &st) < 0)
		return log_errno(errno, "look at %s", at.path);
	out->folder = S_ISDIR(st.st_mode);
	out->tree =
	    open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	return out->tree < 0 ? log_errno(errno, "clone %s", at.path) : 0;
}

int bind_attach(const struct bound *bound)
{
	const struct bind *bind = &bound->paths;
	/* The host's later mounts below a source would not be read-only. */
	struct mount_attr attr = {.attr_set = bind->read_only ? MOUNT_ATTR_RDONLY : 0,
				  .propagation = bind->read_only ? MS_PRIVATE : 0};
	struct resolved at;
	struct stat st;
	int error;

	if (bound->tree < 0)
		return 0;
	error = path_resolve(bind->target, 0, NULL, NULL, &at);
	if (path_is_missing(error) && bind->optional)
		return 0;
	if (error)
		return path_refused(bind, "target", error);
	CLEANUP_FD int fd = at.fd;

	if (fstat(fd, &st) < 0)
		return log_errno(errno, "look at %s", at.path);
	if (S_ISDIR(st.st_mode) != bound->folder) {
		log_error("cannot bind %s on %s: one is a directory, the other is not",
			  bind->source, bind->target);
		return -ENOTDIR;
	}
	return mount_attach(bound->tree, fd, bind->target, attr);
}
