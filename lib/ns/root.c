/* / of a user's mount namespace that is an image; see root.h. */
#include "ns/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/resolve.h"
#include "conf/file.h"
#include "ns/mounts.h"
#include "ns/overlay.h"

/* The host's directories, and behind them the one for the home. */
static const char *const shared[] = {"/dev", "/proc", "/run", "/sys"};
#define SHARED (sizeof(shared) / sizeof(shared[0]))

/* Programs of root that have joined (sshd, su) read these, and load libraries from them. */
static const char *const trusted[] = {
    "/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/bin", "/sbin", "/lib", "/lib64",
};

bool image_shares(const char *path)
{
	for (size_t i = 0; i < SHARED; i++)
		if (path_below(path, shared[i]))
			return true;
	return false;
}

/* The host's directory that has the home; NULL: none is needed. */
static const char *home_folder(const char *home)
{
	if (*home != '/' || !home[1] || image_shares(home))
		return NULL;
	return path_below(home, "/home") ? "/home" : home;
}

struct inspection {
	const struct mntns *mntns;
	image_fault *fault;
	void *context;
	int error;
};

static void __attribute__((format(printf, 2, 3)))
fault_tell(struct inspection *inspection, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	inspection->fault(inspection->context, text);
	inspection->error = -EOPNOTSUPP;
}

static void trusted_check(struct inspection *inspection, const char *path)
{
	const char *root = inspection->mntns->profile->root;
	struct resolved at;
	struct stat st;
	int error = path_resolve(path, 0, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	if (path_is_missing(error))
		return;
	if (error || fstat(fd, &st) < 0)
		fault_tell(inspection, "has %s, which %s: %s", path, path_resolve_error(error),
			   path_resolve_remedy(error));
	else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		fault_tell(inspection,
			   "has %s of uid %u with mode %04o, so others than root can change it: "
			   "chown root:root %s%s; chmod go-w %s%s",
			   at.path, st.st_uid, st.st_mode & 07777, root, at.path, root, at.path);
}

static void directory_check(struct inspection *inspection, const char *path)
{
	struct resolved at;
	struct stat st;
	int error = path_resolve(path, O_DIRECTORY, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	if (path_is_missing(error))
		fault_tell(inspection, "has no directory %s: mkdir -p -m %s %s%s", path,
			   strcmp(path, "/tmp") ? "0755" : "1777", inspection->mntns->profile->root,
			   path);
	else if (error)
		fault_tell(inspection, "has %s, which %s: %s", path, path_resolve_error(error),
			   path_resolve_remedy(error));
	/* A private directory in memory has the mode of the one that it covers. */
	else if (!strcmp(path, "/tmp") && fstat(fd, &st) == 0 && !(st.st_mode & S_IWOTH))
		fault_tell(inspection, "has a /tmp with mode %04o: chmod 1777 %s/tmp",
			   st.st_mode & 07777, inspection->mntns->profile->root);
}

/* A file or a link, over which one of the user's is mounted. */
static void file_check(struct inspection *inspection, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode))
		fault_tell(inspection, "has no file %s: touch %s%s", path,
			   inspection->mntns->profile->root, path);
}

static void shell_check(struct inspection *inspection, const char *path)
{
	struct resolved at;
	struct stat st;
	int error = path_resolve(path, 0, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	if (error || fstat(fd, &st) < 0)
		fault_tell(inspection,
			   "has no shell %s (it %s): put it there, or change the "
			   "user's shell (usermod -s)",
			   path, path_resolve_error(error));
	else if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXOTH) ||
		 faccessat(AT_FDCWD, at.path, X_OK, 0) < 0)
		fault_tell(inspection,
			   "has a shell %s that cannot be run: it must be a program with mode "
			   "0755, and the image not on a noexec mount",
			   path);
}

static void directories_check(struct inspection *inspection)
{
	const struct mntns *mntns = inspection->mntns;
	const char *home = home_folder(mntns->home);

	for (size_t i = 0; i < SHARED; i++)
		directory_check(inspection, shared[i]);
	if (home)
		directory_check(inspection, home);
	for (size_t i = 0; i < mntns->profile->private_count; i++) {
		const char *path = mntns->profile->private_dirs[i];

		if (!image_shares(path) && !(home && path_below(path, home)))
			directory_check(inspection, path);
	}
}

int image_check(const struct mntns *mntns, image_fault *fault, void *context)
{
	struct inspection inspection = {mntns, fault, context, 0};

	for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]); i++)
		trusted_check(&inspection, trusted[i]);
	directories_check(&inspection);
	if (mntns->profile->network->dns != SOURCE_NONE)
		file_check(&inspection, "/etc/resolv.conf");
	if (mntns->own_hosts)
		file_check(&inspection, "/etc/hosts");
	shell_check(&inspection, mntns->shell);
	return inspection.error;
}

static void fault_log(void *context, const char *text)
{
	const struct mntns *mntns = context;

	log_error("root = %s of [profile %s]: the image %s", mntns->profile->root,
		  mntns->profile->name, text);
}

/* The host's directory, with all mounts below it, as a detached mount. */
static int shared_clone(const char *path)
{
	struct resolved at;
	int error = path_resolve(path, O_DIRECTORY, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;
	int tree =
	    error ? error
		  : open_tree(fd, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	if (!error && tree < 0)
		tree = -errno;
	if (tree < 0 && !path_is_missing(tree))
		log_error("cannot mount %s in the image: it %s", path, path_resolve_error(tree));
	return tree;
}

/* Mounts the image on PINS_DIR, which is empty in a user's mount namespace: its descriptor. */
static int image_mount(const struct mntns *mntns, int folder)
{
	struct mount_attr attr = {.attr_set =
				      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				  .propagation = MS_PRIVATE};
	const char *path = mntns->profile->root;

	if (mntns->profile->root_changes)
		return overlay_mount(mntns->uid, mntns->account, path, folder, PINS_DIR);
	/* Without the mounts below it: what an administrator mounts there is not meant for users. */
	CLEANUP_FD int tree =
	    open_tree(folder, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int error =
	    tree < 0 ? log_errno(errno, "clone %s", path) : mount_attach(tree, -1, PINS_DIR, attr);

	return error ?: steal_fd(&tree);
}

/* Makes the image this process's /, and unmounts the host's tree. */
static int image_enter(const struct mntns *mntns)
{
	const char *path = mntns->profile->root;
	CLEANUP_FD int folder = conf_folder_open(path);

	if (folder < 0)
		return folder;
	CLEANUP_FD int image = image_mount(mntns, folder);

	if (image < 0)
		return image;
	/* The host's / is mounted over the image's, and "." is below it, until it is unmounted. */
	if (fchdir(image) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return log_errno(errno, "make %s the root directory", path);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return log_errno(errno, "unmount the host's root directory");
	return 0;
}

static int shared_attach(const char *path, int tree)
{
	struct resolved at;
	int error = path_resolve(path, O_DIRECTORY, NULL, NULL, &at);
	CLEANUP_FD int fd = at.fd;

	return error ? log_errno(-error, "mount %s in the image", path)
		     : mount_attach(tree, fd, path, (struct mount_attr){0});
}

/* trees: of the shared directories, and behind them the home's, -1: none. */
static int image_fill(const struct mntns *mntns, const char *home, const int trees[SHARED + 1])
{
	int error = image_enter(mntns);

	error = error ?: image_check(mntns, fault_log, (void *)mntns);
	for (size_t i = 0; i < SHARED && !error; i++)
		error = shared_attach(shared[i], trees[i]);
	return error || trees[SHARED] < 0 ? error : shared_attach(home, trees[SHARED]);
}

static int image_make(const struct mntns *mntns, int trees[SHARED + 1])
{
	const char *home = home_folder(mntns->home);
	struct mntns seen = *mntns;

	for (size_t i = 0; i < SHARED; i++) {
		trees[i] = shared_clone(shared[i]);
		if (trees[i] < 0)
			return trees[i];
	}
	trees[SHARED] = home ? shared_clone(home) : -ENOENT;
	if (path_is_missing(trees[SHARED]))
		seen.home = ""; /* as on the host, the login goes on in / */
	else if (trees[SHARED] < 0)
		return trees[SHARED];
	return image_fill(&seen, home, trees);
}

int root_switch(const struct mntns *mntns)
{
	int trees[SHARED + 1], error;

	for (size_t i = 0; i <= SHARED; i++)
		trees[i] = -1;
	error = image_make(mntns, trees);
	for (size_t i = 0; i <= SHARED; i++)
		cleanup_fd(&trees[i]);
	return error;
}
