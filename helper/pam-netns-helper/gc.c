/*
 * gc: what crashes, power cuts and vanished files left, found by looking and put right.
 *
 * For everyone at once, so it looks at all processes once, and takes a user's lock only to remove
 * what it has found to be unused. Users, ports, guard elements, routes, name servers, leases.
 */
#include "gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lease.h"
#include "lock.h"
#include "log.h"
#include "paths.h"
#include "pins.h"
#include "view.h"

#define CLOSING_WAIT_S 10 /* as long as the reaper waits for processes to end by themselves */
#define GC_PAUSE_MS    50

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

bool gc_user_recorded(const struct host *host, uid_t uid, struct user_state *state)
{
	return !state_absent(state_read(host->run, uid, state));
}

/* One user: torn down if nobody is in, ended first with linger = no. */
static int user_collect(struct host *host, uid_t uid, const struct in_use *in_use)
{
	struct user_state state;
	bool recorded = gc_user_recorded(host, uid, &state);
	bool kill = recorded && state.linger == LINGER_NO;
	bool live = false;
	int result = session_prune(host->run, host->proc, uid, &live);

	if (live || (result < 0 && result != -ENOENT))
		return 0;
	if (in_use_user(in_use, uid) && !kill)
		return REAPER_IN_USE;
	return reap(host, uid, kill ? 5000 : 0, kill);
}

static int users_collect(struct host *host)
{
	CLEANUP_FREE uid_t *uids = NULL;
	CLEANUP_IN_USE struct in_use in_use = {0};
	size_t count = 0;
	int result = users_list(host, &uids, &count);

	if (result == 0)
		result = in_use_find(host, &in_use);
	for (size_t i = 0; i < count && result >= 0; i++)
		result = user_collect(host, uids[i], &in_use);
	return result < 0 ? result : 0;
}

/*
 * Users whose last session closed a moment ago (notes in CLOSING_DIR): their last processes are
 * given the time that the reaper would give them. Returns whether any is still to be waited for.
 */
static bool closing_pending(struct host *host)
{
	CLEANUP_FD int fd = openat(host->run, "closing", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool pending = false;

	if (!dir)
		return false;
	(void)steal_fd(&fd);
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long uid = strtoul(entry->d_name, &end, 10);
		struct stat st;

		if (end == entry->d_name || *end || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0)
			continue;
		if (time(NULL) - st.st_mtime > CLOSING_WAIT_S || !pins_exist((uid_t)uid))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
		else
			pending = true;
	}
	return pending;
}

static int networks_ensure(struct host *host, const struct conf *conf, uint64_t identity)
{
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++) {
		struct setup setup = {
		    .conf = conf, .conf_identity = identity, .network = &conf->networks[i]};

		if (network_state_read(host->run, conf->networks[i].name, &setup.state) == 0)
			result = setup_ensure(host, &setup);
	}
	return result;
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
						 host->mnt);
	}
	for (size_t i = 0; i < count && result == 0; i++) {
		CLEANUP_PINS struct pins pins;
		struct user_state state;
		char hosts[64];

		pins_init(&pins);
		if (!gc_user_recorded(host, uids[i], &state) ||
		    pins_open(uids[i], state.namespaces & NAMESPACE_MNT, &pins) < 0 ||
		    pins.fd[PIN_KINDS - 1] < 0)
			continue;
		snprintf(hosts, sizeof(hosts), "users/%u/" VIEW_HOSTS_NAME, uids[i]);
		bool own_hosts = faccessat(host->run, hosts, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

		if (own_hosts)
			result = setup_hosts(host, uids[i], state.hostname);
		if (result == 0)
			result = view_mend_files(state.network, uids[i], own_hosts,
						 pins.fd[PIN_KINDS - 1], host->mnt);
	}
	return result;
}

static int leases_repair(struct host *host, const struct conf *conf)
{
	CLEANUP_FD int leases = open(LEASES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result = lock_take(host->lock, host->proc, LOCK_LEASES);

	for (size_t i = 0; leases >= 0 && i < conf->networks_count && result >= 0; i++) {
		struct network_state state;

		if (network_state_read(host->run, conf->networks[i].name, &state) < 0)
			continue;
		struct uplink_network network = network_state_uplink(&state);

		result = lease_repair(leases, state.name, &network.subnet);
		if (result > 0)
			log_info("removed %d torn leases of network %s", result, state.name);
	}
	lock_release(host->lock, LOCK_LEASES);
	return result < 0 ? result : 0;
}

static int gc_run(struct host *host, const struct conf *conf, uint64_t identity)
{
	int result = users_collect(host), next;

	for (int i = 0; closing_pending(host) && i < CLOSING_WAIT_S * 1000 / GC_PAUSE_MS; i++) {
		const struct timespec pause = {0, GC_PAUSE_MS * 1000000L};

		nanosleep(&pause, NULL);
		next = users_collect(host);
		result = result < 0 ? result : next;
	}
	if (conf) {
		next = networks_ensure(host, conf, identity);
		result = result < 0 ? result : next;
		next = setup_follow_resolver(host, conf);
		result = result < 0 ? result : next;
		next = views_mend(host, conf);
		result = result < 0 ? result : next;
		next = leases_repair(host, conf);
		result = result < 0 ? result : next;
		next = gc_routes(host, conf);
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
	uint64_t identity = setup_conf_identity(request->conf);
	int result = lock_try(host->lock, LOCK_GC);

	reply->outcome = OUTCOME_DONE;
	if (result == -EAGAIN)
		return 0; /* somebody is at it */
	if (result < 0)
		return log_errno(-result, "lock %s", LOCK_PATH);
	if (conf_read(request->conf, &conf) < 0)
		log_warning(
		    "the conf file is in error: gc removes what is unused and mends nothing");
	result = gc_run(host, conf, identity);
	conf_free(conf);
	lock_release(host->lock, LOCK_GC);
	return result;
}
