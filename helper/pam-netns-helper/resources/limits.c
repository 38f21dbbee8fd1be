/*
 * The limits: the user's control group has them, and each login's leader is in it.
 *
 * systemd sets them for its slice of the user, and stays the only one that writes to its tree:
 * `systemctl set-property --runtime`. This costs tens of milliseconds, so a login asks for it only if
 * the group does not have the limits yet. systemd keeps them until the slice ends and gc removes
 * its files, so they are there at the user's next login. A leader outside the slice (su from
 * another user's session, cron) comes into it by a scope.
 *
 * Without systemd, the group is our own, and the login moves its leader into it. Its processes
 * are born there. gc removes the group when it is empty.
 */
#include "../resource.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uid.h"
#include "conf/limits.h"
#include "host/cgroup.h"
#include "state/lock.h"

#define MARKS	      "limits" /* in RUN_DIR: UID, if systemd was asked to limit that user */
#define CONTROL	      "/run/systemd/system.control"
#define SCOPE_WAIT_MS 10000
#define SCOPE_LOOK_MS 2

static const char properties[LIMITS][12] = {
    [LIMIT_MEMORY] = "MemoryMax",
    [LIMIT_CPU] = "CPUQuota",
    [LIMIT_TASKS] = "TasksMax",
    [LIMIT_IO] = "IOWeight",
};

static bool reload_due; /* systemd has to read its files again */

/* systemd's files for them. */
static const char drop_ins[LIMITS][20] = {
    [LIMIT_MEMORY] = "50-MemoryMax.conf",
    [LIMIT_CPU] = "50-CPUQuota.conf",
    [LIMIT_TASKS] = "50-TasksMax.conf",
    [LIMIT_IO] = "50-IOWeight.conf",
};

static bool limits_wanted(const struct user *user)
{
	return conf_limits_any(&user->state.limits) || (user->state.namespaces & NAMESPACE_CGROUP);
}

/* The user's group: its place, and the values that it has to have. */
struct group {
	int root; /* CGROUP_ROOT */
	bool systemd;
	char path[CGROUP_PATH_MAX];
	const struct limits *limits;
};

static int group_open(const struct user *user, struct group *group)
{
	group->limits = &user->state.limits;
	group->systemd = cgroup_by_systemd();
	cgroup_path(group->systemd, user->uid, group->path);
	group->root = cgroup_open();
	if (group->root < 0)
		return log_errno(-group->root, "limit uid %u: %s is no cgroup v2", user->uid,
				 CGROUP_ROOT);
	return 0;
}

static void group_close(struct group *group)
{
	cleanup_fd(&group->root);
}
#define CLEANUP_GROUP __attribute__((cleanup(group_close)))

/* --- systemd --- */

static int mark_make(const struct user *user)
{
	CLEANUP_FD int marks = files_make_dir(user->host->run, MARKS, 0700);
	char name[16];
	int error = marks < 0 ? marks : 0;

	snprintf(name, sizeof(name), "%u", user->uid);
	error = error ?: files_write_atomic(marks, name, 0600, "", 0, false);
	return error ? log_errno(-error, "write %s/" MARKS "/%u", RUN_DIR, user->uid) : 0;
}

/* Until the next boot, in files of system.control. */
static int systemd_limit(const struct user *user, const struct limits *limits)
{
	char words[LIMITS][48], slice[32];
	char *argv[LIMITS + 5] = {(char *)"systemctl", (char *)"set-property", (char *)"--runtime",
				  slice};
	size_t count = 4;

	snprintf(slice, sizeof(slice), "user-%u.slice", user->uid);
	for (int i = 0; i < LIMITS; i++) {
		if (!limits->values[i])
			continue;
		snprintf(words[i], sizeof(words[i]), "%.11s=%llu%s", properties[i],
			 (unsigned long long)limits->values[i], i == LIMIT_CPU ? "%" : "");
		argv[count++] = words[i];
	}
	return mark_make(user) ?: program_run(argv);
}

/* The leader's scope in the user's slice. The scope ends with its last process. */
static int systemd_scope(const struct user *user)
{
	char scope[48], pid[16], slice[32];
	struct timespec now = {0};
	char *argv[] = {(char *)"busctl",
			(char *)"call",
			(char *)"--quiet",
			(char *)"org.freedesktop.systemd1",
			(char *)"/org/freedesktop/systemd1",
			(char *)"org.freedesktop.systemd1.Manager",
			(char *)"StartTransientUnit",
			(char *)"ssa(sv)a(sa(sv))",
			scope,
			(char *)"fail",
			(char *)"3",
			(char *)"PIDs",
			(char *)"au",
			(char *)"1",
			pid,
			(char *)"Slice",
			(char *)"s",
			slice,
			(char *)"CollectMode",
			(char *)"s",
			(char *)"inactive-or-failed",
			(char *)"0",
			NULL};

	snprintf(pid, sizeof(pid), "%d", (int)user->host->caller);
	snprintf(slice, sizeof(slice), "user-%u.slice", user->uid);
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* another leader may have had this pid */
	snprintf(scope, sizeof(scope), "pam-netns-%s-%llx.scope", pid,
		 (unsigned long long)now.tv_sec);
	return program_run(argv);
}

/* systemd has queued a job, and moves the leader when it runs. */
static int scope_wait(const struct user *user, const struct group *group)
{
	const struct timespec look = {.tv_nsec = SCOPE_LOOK_MS * 1000000L};

	for (int i = 0; i < SCOPE_WAIT_MS / SCOPE_LOOK_MS; i++) {
		if (cgroup_has(user->host->proc, user->host->caller, group->path))
			return 0;
		nanosleep(&look, NULL);
	}
	log_error("systemd has not moved process %d into user-%u.slice", user->host->caller,
		  user->uid);
	return -ETIMEDOUT;
}

/* --- our own tree --- */

static int own_write(int root, const char *path, const char *file, const char *text)
{
	char name[CGROUP_PATH_MAX + 32];
	CLEANUP_FD int fd = -1;

	snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "", file);
	fd = openat(root, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return log_errno(errno, "write \"%s\" to %s/%s", text, CGROUP_ROOT, name);
	return 0;
}

/* The groups below path get the controllers. */
static int own_enable(int root, const char *path, const struct limits *limits)
{
	int error = 0;

	for (int i = 0; i < LIMITS && !error; i++) {
		char word[16];

		if (!limits->values[i])
			continue;
		snprintf(word, sizeof(word), "+%s", cgroup_controller((enum limit)i));
		error = own_write(root, path, "cgroup.subtree_control", word);
	}
	return error;
}

static int own_folder(int root, const char *path)
{
	if (mkdirat(root, path, 0755) == 0 || errno == EEXIST)
		return 0;
	return log_errno(errno, "make %s/%s", CGROUP_ROOT, path);
}

/*
 * Makes or removes the parent of our groups. The kernel makes the root group's folder without write
 * permission. Its owner may write after a change of its mode; CAP_DAC_OVERRIDE, which would spare
 * that, is not the helper's.
 */
static int own_parent(int root, bool make)
{
	struct stat st;
	int error = 0;

	if ((faccessat(root, CGROUP_OWN, F_OK, AT_SYMLINK_NOFOLLOW) == 0) == make)
		return 0;
	if (fstatat(root, ".", &st, 0) < 0 || fchmodat(root, ".", 0755, 0) < 0)
		return log_errno(errno, "change the mode of %s", CGROUP_ROOT);
	if ((make ? mkdirat(root, CGROUP_OWN, 0755) : unlinkat(root, CGROUP_OWN, AT_REMOVEDIR)) < 0)
		error = errno;
	if (fchmodat(root, ".", st.st_mode & 07777, 0) < 0)
		return log_errno(errno, "change the mode of %s", CGROUP_ROOT);
	/* Another login may have been faster, or has made a group meanwhile. */
	if (!error || error == (make ? EEXIST : ENOENT) || (!make && error == EBUSY) ||
	    (!make && error == ENOTEMPTY))
		return 0;
	return log_errno(error, "%s %s/%s", make ? "make" : "remove", CGROUP_ROOT, CGROUP_OWN);
}

static int own_limit(const struct group *group)
{
	int error = own_enable(group->root, "", group->limits);

	error = error ?: own_parent(group->root, true);
	error = error ?: own_enable(group->root, CGROUP_OWN, group->limits);
	error = error ?: own_folder(group->root, group->path);
	for (int i = 0; i < LIMITS && !error; i++) {
		char text[CGROUP_VALUE_MAX];

		if (!group->limits->values[i])
			continue;
		cgroup_format((enum limit)i, group->limits->values[i], text);
		error = own_write(group->root, group->path, cgroup_file((enum limit)i), text);
	}
	return error;
}

/* --- both --- */

static int limits_lack(const struct user *user, const struct group *group)
{
	int lacks = cgroup_lacks(group->root, group->limits);

	if (lacks == LIMITS)
		return 0;
	if (lacks < 0)
		return log_errno(-lacks, "limit uid %u: read %s/" CGROUP_CONTROLLERS, user->uid,
				 CGROUP_ROOT);
	log_error(
	    "cannot limit uid %u: this kernel or host offers no %s controller, which the limit "
	    "%s needs; change limits in the profile %s",
	    user->uid, cgroup_controller((enum limit)lacks), conf_limit_name((enum limit)lacks),
	    user->state.profile);
	return -EOPNOTSUPP;
}

static int limits_set(const struct user *user, const struct group *group)
{
	return limits_lack(user, group)
		   ?: group->systemd ? systemd_limit(user, group->limits)
				     : own_limit(group);
}

/* The login's leader, and so all processes of its session, are in the group. 1: systemd moved it. */
static int leader_place(const struct user *user, const struct group *group)
{
	char pid[16];
	int error;

	if (!user->request || cgroup_has(user->host->proc, user->host->caller, group->path))
		return 0;
	if (group->systemd)
		return systemd_scope(user) ?: scope_wait(user, group) ?: 1;
	snprintf(pid, sizeof(pid), "%d", (int)user->host->caller);
	error = own_write(group->root, group->path, "cgroup.procs", pid);
	if (!error && !cgroup_has(user->host->proc, user->host->caller, group->path))
		error = log_errno(EIO, "find process %s in %s/%s", pid, CGROUP_ROOT, group->path);
	return error;
}

/*
 * Sets what differs, and looks at it again: no limit is believed that the kernel does not show. What is in
 * force was looked at once, and that shows its controller, too. A slice may have ended before the leader's
 * scope began it again; a group of ours stays while the user's lock is held.
 */
static int limits_ensure(struct user *user)
{
	CLEANUP_GROUP struct group group = {.root = -1};
	const bool namespace = user->state.namespaces & NAMESPACE_CGROUP;
	int error = group_open(user, &group), moved;
	enum limit differs;
	bool known, absent;

	if (error)
		return error;
	if (namespace && group.systemd)
		return cgroup_namespace_refuse(user);
	absent = (namespace || !user->request) &&
		 faccessat(group.root, group.path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	/* A slice that has ended stays so. A new group would not be the namespace's root. */
	if (absent && (group.systemd || (namespace && user->recorded)))
		return 0;
	known = !absent && cgroup_differs(group.root, group.path, group.limits) == LIMITS;
	error = known ? 0 : limits_set(user, &group);
	moved = error ?: leader_place(user, &group);
	if (moved < 0 || (known && !moved))
		return moved;
	differs = cgroup_differs(group.root, group.path, group.limits);
	if (differs == LIMITS)
		return 0;
	log_error("the limit %s of uid %u is not in force: %s/%s/%s has another value",
		  conf_limit_name(differs), user->uid, CGROUP_ROOT, group.path,
		  cgroup_file(differs));
	return -EOPNOTSUPP;
}

/* A group with processes stays: gc removes it when they have ended. */
static int limits_undo(struct user *user)
{
	char path[CGROUP_PATH_MAX];
	CLEANUP_FD int root = -1;

	if (user->recorded && !limits_wanted(user))
		return 0;
	root = cgroup_open();
	if (root >= 0)
		(void)unlinkat(root, cgroup_path(false, user->uid, path), AT_REMOVEDIR);
	return 0;
}

/* Removes the group of a user without pins. The kernel refuses if it has processes. */
static int own_sweep(struct host *host, int root, int folder, uid_t uid)
{
	char path[CGROUP_PATH_MAX];
	int error = lock_take(host->lock, host->proc, uid);

	(void)folder;
	if (!error && !pins_exist(uid) &&
	    unlinkat(root, cgroup_path(false, uid, path), AT_REMOVEDIR) < 0 && errno != EBUSY &&
	    errno != ENOENT)
		error = log_errno(errno, "remove %s/%s", CGROUP_ROOT, path);
	lock_release(host->lock, uid);
	return error;
}

static void drop_ins_remove(uid_t uid)
{
	CLEANUP_FD int control = openat(AT_FDCWD, CONTROL, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[64];

	for (int i = 0; i < LIMITS && control >= 0; i++) {
		snprintf(path, sizeof(path), "user-%u.slice.d/%.19s", uid, drop_ins[i]);
		(void)unlinkat(control, path, 0);
	}
	snprintf(path, sizeof(path), "user-%u.slice.d", uid);
	if (control >= 0)
		(void)unlinkat(control, path, AT_REMOVEDIR);
}

/*
 * Removes systemd's files, and the mark, if the user has logged in again without limits, or has
 * logged out and the slice has ended. A slice that goes on (linger) keeps its limits.
 */
static int mark_sweep(struct host *host, int root, int marks, uid_t uid)
{
	char path[CGROUP_PATH_MAX], name[UID_TEXT_MAX];
	struct user_state state;
	bool active, slice;
	int error = lock_take(host->lock, host->proc, uid);

	if (error)
		return error;
	active = pins_exist(uid);
	slice = faccessat(root, cgroup_path(true, uid, path), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	error = active ? state_read(host->run, uid, &state) : 0;
	if (active ? !error && !conf_limits_any(&state.limits) : !slice) {
		drop_ins_remove(uid);
		if (unlinkat(marks, uid_format(uid, name), 0) == 0)
			reload_due = true;
	}
	lock_release(host->lock, uid);
	return state_absent(error) ? 0 : error;
}

/* A unit that systemd keeps in memory has its old properties until then. */
static int systemd_reload(void)
{
	char *argv[] = {(char *)"systemctl", (char *)"daemon-reload", NULL};

	if (!reload_due)
		return 0;
	reload_due = false;
	return program_run(argv);
}

/* The uids that name files of a folder. */
static int folder_sweep(struct host *host, int root, int folder,
			int (*sweep)(struct host *host, int root, int folder, uid_t uid))
{
	CLEANUP_DIR DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	struct dirent *entry;
	int result = 0;

	while (dir && (entry = readdir(dir))) {
		uid_t uid;
		int error;

		if (!uid_parse(entry->d_name, &uid))
			continue;
		error = sweep(host, root, folder, uid);
		result = result ?: error;
	}
	return result;
}

static int limits_sweep(struct host *host, const struct conf *conf)
{
	CLEANUP_FD int root = cgroup_open();
	int groups, marks, result, error;

	(void)conf;
	if (root < 0)
		return 0;
	groups = openat(root, CGROUP_OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	result = folder_sweep(host, root, groups, own_sweep);
	error = own_parent(root, false); /* if it is empty; a login makes it again */
	result = result ?: error;
	marks = openat(host->run, MARKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	error = folder_sweep(host, root, marks, mark_sweep);
	error = error ?: systemd_reload();
	return result ?: error;
}

const struct resource resource_limits = {
    .name = "limits",
    .wanted = limits_wanted,
    .make = limits_ensure,
    .undo = limits_undo,
    .check = limits_ensure,
    .sweep = limits_sweep,
};
