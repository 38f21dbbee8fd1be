/* `pam-netns up` and `pam-netns down`. */
#include <errno.h>
#include <stdlib.h>

#include "helper.h"
#include "log.h"
#include "lock.h"

static void foreign_report(void *context, const char *line)
{
	(void)context;
	log_warning("%s", line);
}

/* Rules of others that would drop our traffic: said, never touched. */
static void foreign_warn(const struct conf *conf)
{
	CLEANUP_FREE char *text = nft_list();

	if (text && conf->networks_count)
		(void)ruleset_foreign(text, conf->networks[0].bridge, foreign_report, NULL);
}

/* The conf names an IPv6 prefix that this host cannot have. */
static int ipv6_check(const struct host *host, const struct conf *conf)
{
	struct network_state state;
	int result = 0;

	for (size_t i = 0; i < conf->networks_count && result == 0; i++)
		if (network_state_read(host->run, conf->networks[i].name, &state) == 0)
			result = setup_has_ipv6(&conf->networks[i], &state);
	return result;
}

int verb_up(struct host *host, const struct request *request, struct reply *reply)
{
	const struct network *network = NULL;
	struct conf *conf = NULL;
	int result = conf_read(request->conf, &conf);

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
	if (result == 0)
		result = setup_apply(host, conf, setup_identity(request->conf), network);
	if (result == 0)
		foreign_warn(conf);
	if (result == 0)
		result = ipv6_check(host, conf);
	reply->outcome = OUTCOME_DONE;
	conf_free(conf);
	return result;
}

int verb_down(struct host *host, const struct request *request, struct reply *reply)
{
	reply->outcome = OUTCOME_DONE;
	return setup_remove(host, request->network, request->flags & REQUEST_FORCE);
}
