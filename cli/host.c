/* pam-netns up, down, kick, gc: what the helper does, asked for by root. */
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "call.h"
#include "command.h"
#include "identity.h"
#include "log.h"
#include "paths.h"
#include "users.h"

/* A mend of 5,000 users takes seconds; a login's own deadline is the conf file's. */
#define DEADLINE_MS 120000

static void cleanup_request(struct request *request)
{
	request_free(request);
}
#define CLEANUP_REQUEST __attribute__((cleanup(cleanup_request)))

static int helper_ask(const char *verb, struct request *request)
{
	struct reply reply = {0};

	if (!request_set(request->conf, sizeof(request->conf), CONF_PATH))
		return STATUS_FAILED;
	if (helper_call(verb, request, DEADLINE_MS, &reply))
		return STATUS_FAILED;
	reply_close(&reply);
	if (reply.outcome == OUTCOME_DONE)
		return STATUS_FINE;
	/* The cause is the last of the helper's lines, which are out already. */
	if (!*reply.cause)
		log_error("%s failed without a reason", verb);
	return STATUS_FAILED;
}

static int network_ask(const char *verb, const struct arguments *arguments)
{
	CLEANUP_REQUEST struct request request = {.flags = (arguments->force ? REQUEST_FORCE : 0) |
							   (arguments->drop ? REQUEST_DROP : 0)};

	if (!request_set(request.network, sizeof(request.network), arguments->operand)) {
		log_error("'%s' cannot be the name of a network", arguments->operand);
		return STATUS_FAILED;
	}
	return helper_ask(verb, &request);
}

int command_up(const struct arguments *arguments)
{
	return network_ask("up", arguments);
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

/* Somebody whom NSS no longer knows may still be in. */
int command_kick(const struct arguments *arguments)
{
	CLEANUP_REQUEST struct request request = {0};
	const char *name = arguments->operand;
	uid_t uid;

	if (name[0] != '#')
		return identity_resolve(name, &request) ? STATUS_FAILED
							: helper_ask("kick", &request);
	if (users_uid(name, &uid))
		return STATUS_FAILED;
	request.uid = uid;
	request.gid = uid;
	if (!request_set(request.user, sizeof(request.user), name) ||
	    !request_set(request.account, sizeof(request.account), name) ||
	    !request_set(request.group, sizeof(request.group), name + 1))
		return STATUS_FAILED;
	return helper_ask("kick", &request);
}
