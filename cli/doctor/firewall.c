/*
 * pam-netns doctor: firewalls of other programs that drop users' packets, and programs whose packets
 * this host does not forward.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "host/obstacle.h"
#include "rules/dump.h"
#include "rules/nft_path.h"
#include "state/network.h"
#include "base/paths.h"
#include "legacy.h"
#include "output.h"

#define RULES_MAX    (64U << 20) /* bytes; a longer output cannot be read */
#define FORWARD_CONF "/etc/sysctl.d/60-forwarding.conf"

static void report_obstacle(void *context, const char *what, const char *remedy)
{
	doctor_warning(context, "%s -> %s", what, remedy);
}

/* All rules as text, or NULL. The caller frees it. */
static char *rules_read(void)
{
	CLEANUP_FREE char *text = malloc(RULES_MAX);
	char *const words[] = {(char *)nft_path(), (char[]){"list"}, (char[]){"ruleset"}, NULL};
	char *result = NULL;

	if (words[0] && text && output_read(words, text, RULES_MAX)) {
		result = text;
		text = NULL;
	}
	return result;
}

/* Rules of other programs that would drop users' packets. */
void doctor_firewall(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE char *text = rules_read();

	if (!nft_path())
		doctor_problem(doctor, "nft is missing: logins are refused -> install nftables");
	else if (!text)
		doctor_warning(doctor, "cannot read the firewall's rules -> look at the error of "
				       "nft list ruleset");
	else if (obstacle_firewalls(run, doctor->conf, text, report_obstacle, doctor) < 0)
		doctor_warning(doctor,
			       "cannot evaluate the firewall's rules: out of memory -> free some");
	legacy_check(doctor);
}

static bool span_begins(struct span span, const char *prefix)
{
	return span.length >= strlen(prefix) && memcmp(span.at, prefix, strlen(prefix)) == 0;
}

/* Does the chain translate the source addresses of packets that the host forwards? */
static bool chain_translates(const struct chain *chain)
{
	struct span rest = chain->body, line;

	if (span_is(chain->table, RULESET_TABLE) || span_is(chain->family, "ip6"))
		return false;
	while (next_line(&rest, &line))
		if (line_has(line, "masquerade") || line_has(line, "snat"))
			return true;
	return false;
}

/*
 * Forwarding was off before us, so this host forwards only for our networks. A program that was
 * started later, and translates addresses of its own networks, needs forwarding too.
 */
void doctor_forwarding(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	const struct chain *other = NULL;
	struct chains chains = {0};
	struct host_state state;
	bool docker = false;

	if (run < 0 || host_state_read(run, &state) < 0 || !state.forwarding_ours)
		return;
	text = rules_read();
	if (!text || chains_read(text, &chains) < 0) {
		doctor_at(doctor, LEVEL_SKIPPED, NULL, 0,
			  "cannot read the firewall's rules, see the finding firewall");
		return;
	}
	for (size_t i = 0; i < chains.count; i++) {
		docker |= span_begins(chains.chain[i].name, "DOCKER");
		if (chain_translates(&chains.chain[i]))
			other = &chains.chain[i];
	}
	if (other && docker)
		doctor_warning(doctor,
			       "Docker's containers cannot reach the outside: forwarding was "
			       "off before 'pam-netns up', so this host forwards only for "
			       "networks of " CONF_PATH
			       " -> pam-netns down && systemctl restart docker && "
			       "pam-netns up # while no users are active; containers restart");
	else if (other)
		doctor_warning(
		    doctor,
		    "%.*s %.*s, chain %.*s, translates addresses of other networks, but "
		    "forwarding was off before 'pam-netns up', so this host forwards only "
		    "for networks of " CONF_PATH " -> echo net.ipv4.ip_forward=1 >" FORWARD_CONF
		    " && pam-netns down && sysctl -p " FORWARD_CONF " && pam-netns up # while no "
		    "users are active",
		    (int)other->family.length, other->family.at, (int)other->table.length,
		    other->table.at, (int)other->name.length, other->name.at);
	free(chains.chain);
}
