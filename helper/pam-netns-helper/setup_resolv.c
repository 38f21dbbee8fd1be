/* The networks' resolv.conf and users' hosts files; see helper.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/files.h"
#include "helper.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "ns/resolv.h"
#include "state/folder.h"
#include "ns/mntns.h"

#define HOST_ROOT AT_FDCWD /* entering the host's mount namespace led to its / */

int setup_resolv(const struct host *host, const struct network *network)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FD int dir = network_state_dir(host->run, network->name);
	int result;

	if (dir < 0)
		return dir;
	/* If the file exists, from before the conf said so, mount namespaces that
	 * lack it would get it. */
	if (network->dns == SOURCE_NONE)
		return unlinkat(dir, "resolv.conf", 0) < 0 && errno != ENOENT
			   ? log_errno(errno, "remove %s/%s/resolv.conf", NETWORKS_DIR,
				       network->name)
			   : 0;
	result = resolv_text(HOST_ROOT, network, &text);
	if (result < 0 && result != -ENOENT)
		return log_errno(-result, "write resolv.conf of network %s", network->name);
	bool same = resolv_same(dir, "resolv.conf", text);

	/* Without an upstream name server the file lists none. No login is refused for that, and
	 * not every login logs it. */
	if (result == -ENOENT && (host->by_hand || !same))
		resolv_warn_missing(network);
	if (same)
		return 0;
	result = lock_take(host->lock, host->proc, LOCK_RESOLV);
	if (result < 0)
		return result;
	result = resolv_update(dir, "resolv.conf", text);
	lock_release(host->lock, LOCK_RESOLV);
	return result < 0
		   ? log_errno(-result, "write %s/%s/resolv.conf", NETWORKS_DIR, network->name)
		   : 0;
}

int setup_follow_resolver(const struct host *host, const struct conf *conf)
{
	struct network_state state;
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++)
		if (network_state_read(host->run, conf->networks[i].name, &state) == 0)
			result = setup_resolv(host, &conf->networks[i]);
	return result;
}

int setup_hosts(const struct host *host, uid_t uid, const char *hostname)
{
	CLEANUP_FREE char *text = NULL;
	int result = hosts_text(HOST_ROOT, hostname, &text);
	if (result < 0)
		return log_errno(-result, "read /etc/hosts");
	CLEANUP_FD int dir = state_folder_make(host->run, uid);

	if (dir < 0)
		return dir;
	result = resolv_update(dir, MNTNS_HOSTS_NAME, text);
	return result < 0 ? log_errno(-result, "write %s/%u/hosts", USERS_DIR, uid) : 0;
}
