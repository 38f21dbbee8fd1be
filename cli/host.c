/* pam-netns up, down, kick, gc: root asks the helper. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "base/characters.h"
#include "call/call.h"
#include "command.h"
#include "doctor/doctor.h"
#include "base/log.h"
#include "state/network.h"
#include "base/paths.h"
#include "users.h"

/* The repair of 5,000 users takes seconds. A login's own deadline is in the conf file. */
#define DEADLINE_MS 120000

static int helper_ask(const char *verb, struct request *request)
{
	struct reply reply = {0};

	if (request_set_conf(request, CONF_PATH))
		return STATUS_FAILED;
	if (helper_call(verb, request, DEADLINE_MS, &reply))
		return STATUS_FAILED;
	reply_close(&reply);
	if (reply.outcome == OUTCOME_DONE)
		return STATUS_FINE;
	/* The helper has logged the cause already: it is the last of its lines. */
	if (!*reply.cause)
		log_error(
		    "%s failed, and the helper gave no reason: the log (authpriv) may have it",
		    verb);
	return STATUS_FAILED;
}

static int network_ask(const char *verb, const struct arguments *arguments)
{
	CLEANUP_REQUEST struct request request = {.flags = (arguments->force ? REQUEST_FORCE : 0) |
							   (arguments->drop ? REQUEST_DROP : 0)};

	if (!text_set(request.network, sizeof(request.network), arguments->operand)) {
		log_error("'%s' is not a valid name of a network; see pam_netns.conf(5)",
			  arguments->operand);
		return STATUS_FAILED;
	}
	return helper_ask(verb, &request);
}

static void print_nat(const struct network *network)
{
	char text[ADDRESS_TEXT_MAX];

	if (!network->nat)
		fputs(", no NAT", stdout);
	else
		fputs(", NAT", stdout);
	if (network->nat_address.family)
		printf(" to %s", address_format(&network->nat_address, text));
	if (network->nat_address6.family)
		printf("%s%s", network->nat_address.family ? " and " : " to ",
		       address_format(&network->nat_address6, text));
}

/* "network default: bridge pnbr0, 10.203.0.0/16 and fd12:3456::/64, NAT" */
static void print_network(const struct network *network, const struct network_state *state)
{
	char text[ADDRESS_TEXT_MAX];

	printf("network %s: bridge%s %s", network->name, state->bridges > 1 ? "s" : "",
	       state->bridge);
	if (state->bridges > 1)
		printf(" to %s.%u", state->bridge, state->bridges - 1);
	printf(", %s", prefix_format(&state->subnet, text));
	if (state->subnet6.address.family)
		printf(" and %s", prefix_format(&state->subnet6, text));
	print_nat(network);
	putchar('\n');
}

static void print_forwarding(const struct host_state *host, bool ipv6)
{
	printf("forwarding: IPv4%s", host->forwarding_ours ? " only for these networks" : "");
	if (ipv6)
		printf(", IPv6%s", host->forwarding6_ours ? " only for these networks" : "");
	putchar('\n');
}

/* Prints what is set up now. */
static void print_set_up(void)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct conf *conf = NULL;
	struct host_state host;
	bool ipv6 = false;

	if (run < 0 || conf_read(CONF_PATH, &conf))
		return;
	for (size_t i = 0; i < conf->networks_count; i++) {
		struct network_state state;

		if (network_state_read(run, conf->networks[i].name, &state))
			continue;
		print_network(&conf->networks[i], &state);
		ipv6 |= state.subnet6.address.family != 0;
	}
	if (host_state_read(run, &host) == 0)
		print_forwarding(&host, ipv6);
	conf_free(conf);
}

int command_up(const struct arguments *arguments)
{
	int status = network_ask("up", arguments);

	if (status != STATUS_FINE)
		return status;
	print_set_up();
	fflush(stdout);
	doctor_after_up();
	return status;
}

int command_down(const struct arguments *arguments)
{
	return network_ask("down", arguments);
}

int command_gc(const struct arguments *arguments)
{
	absent_look();
	return network_ask("gc", arguments);
}

/* The helper needs only the uid. The name is for its messages. */
int command_kick(const struct arguments *arguments)
{
	CLEANUP_REQUEST struct request request = {0};
	uid_t uid;

	if (users_uid(arguments->operand, &uid))
		return STATUS_FAILED;
	if (!who_set(&request.who, uid, arguments->operand))
		return STATUS_FAILED;
	return helper_ask("kick", &request);
}
