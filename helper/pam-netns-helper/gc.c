/*
 * gc: what crashes, power cuts and vanished files left, found by looking and put right.
 *
 * For everyone at once, so it looks at all processes once, and takes a user's lock only to remove
 * what it has found to be unused. Users, ports, guard elements, routes, name servers, leases.
 */
#include "gc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "closing.h"
#include "note.h"
#include "state/lock.h"
#include "base/log.h"
#include "members.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "state/folder.h"
#include "ns/view.h"

static int uid_compare(const void *a, const void *b)
{
	uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

	return (x > y) - (x < y);
}

/* uids with a record or a pin, sorted, each once. */
static int users_list(const struct host *host, uid_t **uids, size_t *count)
{
	CLEANUP_FREE uid_t *recorded = NULL, *pinned = NULL;
	size_t records = 0, pins = 0, n = 0;
	int result = state_list(host->run, &recorded, &records);

	if (result == 0)
		result = pins_list(&pinned, &pins);
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

/* One user: noted if nobody is in any more, or nobody is to be (linger = no). */
static int user_note(struct host *host, uid_t uid, const struct census *census)
{
	CLEANUP_MEMBERS struct members members;
	struct user_state state;
	bool kill = recorded_user(host, uid, &state) && state.linger == LINGER_NO;
	bool live = false;
	int result = members_find(census, uid, false, &members);

	if (result < 0 || (members.count && !kill))
		return result;
	result = lock_try(host->lock, uid);
	if (result < 0)
		return result == -EAGAIN ? 0 : result; /* a login */
	result = session_prune(host->run, host->proc, uid, &live);
	if (result == 0 && !live)
		result = note_make(host, uid);
	lock_release(host->lock, uid);
	/* Where not even a note can be made, room is needed all the more. */
	if (result < 0 && !live)
		result = reap(host, uid, 0, kill);
	return result == -EBUSY ? 0 : result;
}

/* Users whose last session ended and users whom a crash left are leaving alike. */
static int users_collect(struct host *host)
{
	CLEANUP_FREE uid_t *uids = NULL;
	CLEANUP_CENSUS struct census census = {0};
	size_t count = 0;
	int result = users_list(host, &uids, &count), next;

	if (result == 0 && count)
		result = census_take(host, false, &census);
	for (size_t i = 0; i < count && census.entries; i++) {
		bool live = false;

		/* Of a version before this one it may be open to all. */
		next = state_folder_close(host->run, uids[i]);
		result = result < 0 ? result : next;
		if (session_prune(host->run, host->proc, uids[i], &live) < 0 || live)
			continue;
		next = user_note(host, uids[i], &census);
		result = result < 0 ? result : next;
	}
	/* Where a reaper is at work, those who are still in are its affair. */
	bool patient = lock_try(host->lock, LOCK_REAPER) == 0;

	next = closing_serve(host, patient);
	if (patient)
		lock_release(host->lock, LOCK_REAPER);
	return result < 0 ? result : next < 0 ? next : 0;
}

static int networks_ensure(struct host *host, const struct conf *conf, uint64_t identity)
{
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		struct setup setup = {
		    .conf = conf, .identity = identity, .network = &conf->networks[i]};

		if (network_state_read(host->run, conf->networks[i].name, &setup.state) < 0)
			continue;
		result = setup_ensure(host, &setup);
		if (result == 0)
			result = setup_follow_ipv6(host, &setup);
	}
	return result;
}

/* Whether the user's /etc/hosts is a file of their own: made at the login, or needed since then. */
static bool own_hosts_needed(const struct host *host, const struct user_state *state)
{
	const unsigned both = NAMESPACE_MNT | NAMESPACE_UTS;
	char hosts[64], name[HOST_NAME_MAX + 1];

	snprintf(hosts, sizeof(hosts), "users/%u/" VIEW_HOSTS_NAME, state->uid);
	if (faccessat(host->run, hosts, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	/* The host was renamed: the user keeps the name,
	 * which the host's file may no longer have. */
	return (state->namespaces & both) == both && gethostname(name, sizeof(name)) == 0 &&
	       strcmp(name, state->hostname) != 0;
}

/* The user's lock is held: a teardown must not find folders made anew behind it. */
static int view_mend(struct host *host, uid_t uid)
{
	CLEANUP_NAMESPACES struct namespaces pins;
	struct user_state state;
	int result = 0;

	namespaces_init(&pins);
	if (!recorded_user(host, uid, &state) ||
	    pins_open(uid, state.namespaces & NAMESPACE_MNT, &pins) < 0 || pins.fd[KIND_MNT] < 0)
		return 0;
	bool own_hosts = own_hosts_needed(host, &state);

	if (own_hosts)
		result = setup_hosts(host, uid, state.hostname);
	return result < 0 ? result
			  : view_mend_files(state.network, uid, own_hosts, pins.fd[KIND_MNT],
					    host->ns.fd[KIND_MNT]);
}

/* resolv.conf and hosts again in every view where a rename on the host took them away. */
static int views_mend(struct host *host, const struct conf *conf)
{
	CLEANUP_FREE uid_t *uids = NULL;
	size_t count = 0;
	int result = users_list(host, &uids, &count);

	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		CLEANUP_FD int template = view_template_open(&conf->networks[i]);

		if (template >= 0)
			result = view_mend_files(conf->networks[i].name, (uid_t)-1, false, template,
						 host->ns.fd[KIND_MNT]);
	}
	/* Whose lock is taken is on the way in or out: gc comes again. */
	for (size_t i = 0; i < count && result == 0; i++) {
		if (lock_try(host->lock, uids[i]) < 0)
			continue;
		result = view_mend(host, uids[i]);
		lock_release(host->lock, uids[i]);
	}
	return result;
}

static int gc_run(struct host *host, const struct conf *conf, uint64_t identity)
{
	int result = users_collect(host), next;

	if (conf) {
		next = networks_ensure(host, conf, identity);
		result = result < 0 ? result : next;
		next = setup_follow_resolver(host, conf);
		result = result < 0 ? result : next;
		next = views_mend(host, conf);
		result = result < 0 ? result : next;
		/* From a user's view, what others have would look as if it were gone. */
		if (next < 0 && host_return(host) < 0)
			return result;
		next = gc_leases(host, conf);
		result = result < 0 ? result : next;
		next = gc_routes(host, conf);
		result = result < 0 ? result : next;
		next = gc_uplinks(host, conf);
		result = result < 0 ? result : next;
		next = gc_port_counts(host, conf);
		result = result < 0 ? result : next;
	}
	next = netns_names_collect(host);
	result = result < 0 ? result : next;
	next = gc_ports(host);
	result = result < 0 ? result : next;
	next = gc_guard(host);
	return result < 0 ? result : next;
}

int verb_gc(struct host *host, const struct request *request, struct reply *reply)
{
	struct conf *conf = NULL;
	int result = lock_try(host->lock, LOCK_GC);

	reply->outcome = OUTCOME_DONE;
	host->thorough = true;
	if (result == -EAGAIN)
		return 0; /* somebody is at it */
	if (result < 0)
		return log_errno(-result, "lock %s", LOCK_PATH);
	if (conf_read(request->conf, &conf) < 0)
		log_warning(
		    "the conf file is in error: gc removes what is unused and mends nothing");
	result = gc_run(host, conf, setup_identity(conf));
	conf_free(conf);
	lock_release(host->lock, LOCK_GC);
	return result;
}
