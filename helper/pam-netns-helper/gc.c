/*
 * gc: finds leftovers of crashes, power cuts and vanished files, and removes or repairs them.
 *
 * One run is for all users: users, ports, guard elements, routes, name servers, leases. So it reads
 * the process list once, and takes a user's lock only to remove what it has found to be unused.
 */
#include "resource.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "closing.h"
#include "gc.h"
#include "note.h"
#include "state/lock.h"
#include "base/log.h"
#include "members.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "state/folder.h"
#include "ns/mntns.h"

/* After a failed step gc may be in a user's namespaces of these kinds. Its unit permits no others. */
#define LEFT NAMESPACES_FIRST

static int uid_compare(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return (x > y) - (x < y);
}

/* The uids with a record or a pin, sorted, each once. */
static int users_list(const struct host *host, uid_t **uids, size_t *count)
{
	CLEANUP_FREE uid_t *recorded = NULL, *pinned = NULL;
	size_t records = 0, pins = 0, n = 0;
	int result = state_list(host->run, &recorded, &records);

	result = result ?: pins_list(&pinned, &pins);
	if (result < 0)
		return result;
	*uids = calloc(records + pins + 1, sizeof(**uids));
	if (!*uids)
		return -ENOMEM;
	if (records)
		memcpy(*uids, recorded, records * sizeof(uid_t));
	if (pins)
		memcpy(*uids + records, pinned, pins * sizeof(uid_t));
	qsort(*uids, records + pins, sizeof(uid_t), uid_compare);
	for (size_t i = 0; i < records + pins; i++)
		if (!n || (*uids)[n - 1] != (*uids)[i])
			(*uids)[n++] = (*uids)[i];
	*count = n;
	return 0;
}

/* Notes one user if no process is left, or if none may stay (linger = no). */
static int user_note(struct host *host, uid_t uid, const struct process_list *processes)
{
	CLEANUP_MEMBERS struct members members;
	struct user_state state;
	bool kill = recorded_user(host, uid, &state) && state.linger == LINGER_NO;
	bool live = false;
	int result = members_find(host, processes, uid, false, &members);

	if (result < 0 || (members.count && !kill))
		return result;
	result = lock_try(host->lock, uid);
	if (result < 0)
		return result == -EAGAIN ? 0 : result; /* a login has the lock */
	result = session_prune(host->run, host->proc, uid, &live);
	if (result == 0 && !live)
		result = note_make(host, uid);
	lock_release(host->lock, uid);
	/* If there is no room for a note, the teardown is needed even more. */
	if (result < 0 && !live)
		result = reap(host, uid, 0, kill);
	return result == -EBUSY ? 0 : result;
}

/* Users whose last session ended are leaving, and so are users of crashed sessions. */
static int users_collect(struct host *host)
{
	CLEANUP_FREE uid_t *uids = NULL;
	CLEANUP_PROCESS_LIST struct process_list processes = {0};
	size_t count = 0;
	int result = users_list(host, &uids, &count), next;

	if (result == 0 && count)
		result = process_list_read(host, 0, false, &processes);
	for (size_t i = 0; i < count && processes.entries; i++) {
		bool live = false;

		/* An older version may have left it open to all. */
		next = state_folder_close(host->run, uids[i]);
		result = result < 0 ? result : next;
		if (session_prune(host->run, host->proc, uids[i], &live) < 0 || live)
			continue;
		next = user_note(host, uids[i], &processes);
		result = result < 0 ? result : next;
	}
	/* If a reaper is at work, it waits for the processes of these users. */
	bool patient = lock_try(host->lock, LOCK_REAPER) == 0;

	next = closing_serve(host, patient);
	if (patient)
		lock_release(host->lock, LOCK_REAPER);
	return result < 0 ? result : next < 0 ? next : 0;
}

int gc_users(struct host *host)
{
	int result = lock_try(host->lock, LOCK_GC);

	if (result)
		return result == -EAGAIN ? 0 : log_errno(-result, "lock %s", LOCK_PATH);
	result = users_collect(host);
	lock_release(host->lock, LOCK_GC);
	return result;
}

static int networks_ensure(struct host *host, const struct conf *conf, uint64_t version)
{
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		struct setup setup = {
		    .conf = conf, .version = version, .network = &conf->networks[i]};

		if (network_state_read(host->run, conf->networks[i].name, &setup.state) < 0)
			continue;
		result = setup_ensure(host, &setup);
		result = result ?: setup_follow_ipv6(host, &setup);
	}
	return result;
}

/* resolv.conf again in each template from which a rename on the host took it away. */
static int templates_mend(struct host *host, const struct conf *conf)
{
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		CLEANUP_FD int template = mntns_template_open(&conf->networks[i]);

		if (template >= 0)
			result = mntns_mend_files(conf->networks[i].name, (uid_t)-1, false,
						  template, host->ns.fd[KIND_MNT]);
	}
	return result;
}

/* A taken lock means a login or a removal: the next gc comes again. */
static int user_mend(struct host *host, const struct conf *conf, const struct uplink_ports *safe,
		     uid_t uid)
{
	CLEANUP_USER struct user user;
	int result = lock_try(host->lock, uid);

	user_init(&user, host, uid);
	if (result < 0)
		return result == -EAGAIN ? 0 : log_errno(-result, "lock the user with uid %u", uid);
	user.conf = conf;
	user.safe = safe;
	result = user_check(&user);
	lock_release(host->lock, uid);
	return result == -ENOENT ? 0 : result;
}

/* Repairs what another program has changed of an active user's resources on the host. */
static int users_mend(struct host *host, const struct conf *conf)
{
	CLEANUP_FREE uid_t *uids = NULL;
	struct uplink_ports safe = {0};
	size_t count = 0;
	bool lost = false;
	int result = users_list(host, &uids, &count);

	if (result == 0 && count)
		result = uplink_ports_safe(&host->route, &safe);
	if (result < 0)
		count = 0;
	for (size_t i = 0; i < count && !lost; i++) {
		int error = user_mend(host, conf, &safe, uids[i]);

		result = result ?: error;
		/* In a user's mount namespace, other users' objects would seem to be gone. */
		lost = error && host_return(host, LEFT) < 0;
	}
	free(safe.list);
	return lost ? -ENOTRECOVERABLE : result;
}

/* Repairs the set-up and active users as the conf file says. -ENOTRECOVERABLE: not on the host. */
static int gc_mend(struct host *host, const struct conf *conf, uint64_t version)
{
	int result = networks_ensure(host, conf, version);
	int error = setup_follow_resolver(host, conf);

	result = result ?: error;
	error = templates_mend(host, conf);
	result = result ?: error;
	if (error && host_return(host, LEFT) < 0)
		return -ENOTRECOVERABLE;
	error = users_mend(host, conf);
	return error == -ENOTRECOVERABLE ? error : result ?: error;
}

static int gc_run(struct host *host, const struct conf *conf, uint64_t version)
{
	int result = users_collect(host);
	int error = conf ? gc_mend(host, conf, version) : 0;

	result = result ?: error;
	if (error == -ENOTRECOVERABLE)
		return result;
	error = users_sweep(host, conf);
	return result ?: error;
}

int verb_gc(struct host *host, const struct request *request, struct reply *reply)
{
	struct conf *conf = NULL;
	int result = lock_try(host->lock, LOCK_GC);

	reply->outcome = OUTCOME_DONE;
	host->thorough = true;
	if (result == -EAGAIN)
		return 0; /* another gc is at work */
	if (result < 0)
		return log_errno(-result, "lock %s", LOCK_PATH);
	if (conf_read(request->conf, &conf) < 0)
		log_warning("the conf file is in error, so gc only removes leftovers and repairs "
			    "nothing; see pam-netns check");
	result = gc_run(host, conf, setup_version(conf));
	conf_free(conf);
	lock_release(host->lock, LOCK_GC);
	return result;
}
