/* `pam-netns up` and `pam-netns down`. */
#include <errno.h>
#include <stdlib.h>

#include "net/conntrack.h"
#include "gc.h"
#include "helper.h"
#include "base/log.h"
#include "state/lock.h"
#include "host/obstacle.h"

static void obstacle_warn(void *context, const char *what, const char *remedy)
{
	(void)context;
	log_warning("%s: %s", what, remedy);
}

/* Warns of rules and addresses of other programs that are in the way. They stay as they are. */
static void obstacles_warn(struct host *host, const struct conf *conf)
{
	CLEANUP_FREE char *rules = nft_list();

	if (rules)
		(void)!obstacle_firewalls(host->run, conf, rules, obstacle_warn, NULL);
	(void)!obstacle_overlaps(host->run, &host->route, conf, obstacle_warn, NULL);
}

/* Warns of an IPv6 prefix in the conf that this host cannot use. */
static int ipv6_check(const struct host *host, const struct conf *conf,
		      const struct network *network)
{
	struct network_state state;
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++)
		if ((!network || network == &conf->networks[i]) &&
		    network_state_read(host->run, conf->networks[i].name, &state) == 0)
			result = setup_has_ipv6(&conf->networks[i], &state);
	return result;
}

/* Ends the connections of one network, or (NULL) of all that are up. Those that the policy allows
 * can be opened again. */
static int connections_drop(struct host *host, const struct conf *conf,
			    const struct network *network)
{
	CLEANUP_FREE struct prefix *prefixes =
	    calloc(2 * conf->networks_count + 1, sizeof(*prefixes));
	struct network_state state;
	size_t count = 0;
	int result;

	if (!prefixes)
		return log_errno(ENOMEM, "list the networks");
	for (size_t i = 0; i < conf->networks_count; i++) {
		if ((network && network != &conf->networks[i]) ||
		    network_state_read(host->run, conf->networks[i].name, &state) < 0)
			continue;
		prefixes[count++] = state.subnet;
		if (state.subnet6.address.family)
			prefixes[count++] = state.subnet6;
	}
	result = conntrack_drop(&host->netfilter, prefixes, count);
	if (result < 0)
		return result;
	log_info("ended %d connections of users", result);
	return 0;
}

int verb_up(struct host *host, const struct request *request, struct reply *reply)
{
	const struct network *network = NULL;
	struct conf *conf = NULL;
	int result = conf_read(request->conf, &conf);

	host->thorough = true;
	if (result < 0)
		return result;
	if (*request->network) {
		network = conf_network(conf, request->network);
		if (!network) {
			log_error("there is no [network %s] in %s", request->network,
				  request->conf);
			result = -ENOENT;
		}
	}
	host->by_hand = true;
	result = result ?: setup_apply(host, conf, setup_version(conf), network);
	if (result == 0 && (request->flags & REQUEST_DROP))
		result = connections_drop(host, conf, network);
	if (result == 0)
		obstacles_warn(host, conf);
	result = result ?: ipv6_check(host, conf, network);
	reply->outcome = OUTCOME_DONE;
	conf_free(conf);
	return result;
}

int verb_down(struct host *host, const struct request *request, struct reply *reply)
{
	bool force = request->flags & REQUEST_FORCE;

	reply->outcome = OUTCOME_DONE;
	/* A leftover is no active user. One that cannot be removed counts as active. */
	if (!force)
		(void)!gc_users(host);
	return setup_remove(host, request->network, force);
}
