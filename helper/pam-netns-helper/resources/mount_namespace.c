/*
 * The user's mount namespace: private directories, resolv.conf, /etc/hosts, /run/user/UID; see
 * lib/ns/mntns.h. It goes with the other namespaces' pins.
 */
#include "../resource.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../init.h"
#include "base/log.h"
#include "base/paths.h"
#include "host/cgroup.h"
#include "ns/mntns.h"
#include "ns/view.h"

struct attempt {
	struct user *user;
	struct mntns mntns;
	int template;
};

static bool mount_namespace_wanted(const struct user *user)
{
	return user->state.namespaces & NAMESPACE_MNT;
}

static int attempt_make(void *context)
{
	struct attempt *a = context;

	if (a->user->init >= 0) {
		a->mntns.proc = init_proc(a->user->init);
		if (a->mntns.proc < 0)
			return a->mntns.proc;
	}
	CLEANUP_FD int mnt = mntns_make(&a->mntns, a->template, a->user->host->ns.fd[KIND_MNT]);
	int error;

	if (mnt < 0)
		return mnt;
	error = pin_add(a->user->uid, KIND_MNT, mnt);
	if (!error)
		a->user->pins.fd[KIND_MNT] = steal_fd(&mnt);
	return error;
}

/* The user has an /etc/hosts of their own. */
static bool hosts_own(uid_t uid)
{
	char hosts[128];
	struct stat st;

	snprintf(hosts, sizeof(hosts), USERS_DIR "/%u/" MNTNS_HOSTS_NAME, uid);
	return lstat(hosts, &st) == 0;
}

/*
 * A new procfs shows the PID namespace of the process that makes it. A login that begins in a PID
 * namespace of a user's (a container in which root types su) cannot make one of the host's.
 */
static int proc_possible(const struct user *user)
{
	int error = user->profile->processes == PROCESSES_ALL ? 0 : host_pid_namespace(user->host);

	if (error || !user->host->pid_namespace)
		return error;
	log_error("processes = own: a first login cannot begin in another PID namespace than the "
		  "host's; log in from the host first");
	return -EXDEV;
}

static int mount_namespace_make(struct user *user)
{
	const struct network *network = user->profile->network;
	char group[CGROUP_PATH_MAX], cgroup[sizeof(CGROUP_ROOT "/") + CGROUP_PATH_MAX];
	struct attempt a = {
	    .user = user,
	    .mntns = {.uid = user->uid,
		      .account = user->state.account,
		      .profile = user->profile,
		      .who = &user->request->who,
		      .home = user->request->home ?: "",
		      .shell = user->request->shell ?: "",
		      .watchers = user->request->watchers,
		      .proc = -1,
		      .own_hosts = user->own_hosts},
	    .template = mntns_template_open(network),
	};
	int error = proc_possible(user);

	if (error)
		return error;
	if (user->state.namespaces & NAMESPACE_CGROUP) {
		snprintf(cgroup, sizeof(cgroup), CGROUP_ROOT "/%s",
			 cgroup_path(false, user->uid, group));
		a.mntns.cgroup = cgroup;
	}
	if (a.template <0)
		return log_errno(-a.template, "open the template of network %s", network->name);
	error = pin_retry(attempt_make, &a);
	user->state.runtime_dir = a.mntns.runtime_dir;
	user->state.view = view_count(user->profile);
	if (user->profile->root)
		snprintf(user->state.root, sizeof(user->state.root), "%s%s",
			 user->profile->root_changes ? ROOT_IMAGE : "", user->profile->root);
	return error;
}

/* logind removes /run/user/UID with the last session, and mounts a new one with the next. */
static int runtime_follow(struct user *user)
{
	uint64_t id = mntns_runtime_id(user->uid);
	int error;

	if (!id || id == user->state.runtime_dir)
		return 0;
	error = mntns_graft_runtime(user->uid, user->pins.fd[KIND_MNT], user->host->ns.fd[KIND_MNT],
				    &id);
	if (error)
		return log_errno(-error, "show /run/user/%u to the user", user->uid);
	if (!id)
		return 0; /* the next look tries again */
	user->state.runtime_dir = id;
	user->changed = true;
	return 0;
}

/* After a rename of the host the user keeps the old name, which the host's /etc/hosts may lack. */
static bool hosts_needed(const struct user *user)
{
	char name[HOST_NAME_MAX + 1];

	return hosts_own(user->uid) ||
	       ((user->state.namespaces & NAMESPACE_UTS) && gethostname(name, sizeof(name)) == 0 &&
		strcmp(name, user->state.hostname) != 0);
}

/* A rename on the host takes the mounts on resolv.conf and hosts away. */
static int files_mend(struct user *user)
{
	const struct user_state *s = &user->state;
	bool own_hosts = hosts_needed(user);
	int error = own_hosts ? setup_hosts(user->host, user->uid, s->hostname) : 0;

	return error
		   ?: mntns_mend_files(s->network, user->uid, own_hosts, user->pins.fd[KIND_MNT],
				       user->host->ns.fd[KIND_MNT]);
}

static int mount_namespace_check(struct user *user)
{
	int error;

	if (user->pins.fd[KIND_MNT] < 0)
		return 0; /* said of the namespaces */
	error = user->host->thorough ? files_mend(user) : runtime_follow(user);
	if (!error && user->state.view)
		error = view_mend(user->pins.fd[KIND_MNT], user->host->ns.fd[KIND_MNT]);
	return error;
}

const struct resource resource_mount_namespace = {
    .name = "mount namespace",
    .wanted = mount_namespace_wanted,
    .make = mount_namespace_make,
    .check = mount_namespace_check,
};
