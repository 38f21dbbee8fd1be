/* Firewalls in the way of the conf file's networks; see obstacle.h. */
#include "host/obstacle.h"

#include "state/network.h"

int obstacle_firewalls(int run, const struct conf *conf, const char *rules, ruleset_report *report,
		       void *context)
{
	int count = 0;

	for (size_t i = 0; i < conf->networks_count; i++) {
		const struct network *network = &conf->networks[i];
		struct network_state state = {.bridges = 1};
		int result;

		if (run < 0 || network_state_read(run, network->name, &state) < 0)
			state.bridges = 1;
		result = ruleset_foreign(rules, network, state.bridges, report, context);
		if (result < 0)
			return result;
		count += result;
		result = ruleset_foreign_input(rules, network, state.bridges, report, context);
		if (result < 0)
			return result;
		count += result;
	}
	return count;
}
