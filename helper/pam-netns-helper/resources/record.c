/*
 * The record: what the log, the command and a later removal know of the user.
 *
 * It is written when all the rest is there (user_publish()), and removed when all the rest is gone.
 */
#include "../resource.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

/* A host name that does not resolve makes sudo wait 10 s: then the user's /etc/hosts has it. */
static int hostname_choose(struct user *user)
{
	const struct who *who = &user->request->who;
	const struct profile *p = user->profile;
	struct user_state *s = &user->state;
	char host[CONF_HOSTNAME_MAX];
	int error;

	if (gethostname(host, sizeof(host)) < 0)
		return log_errno(errno, "read the host's name");
	if (!(p->namespaces & NAMESPACE_UTS)) {
		memcpy(s->hostname, host, sizeof(s->hostname));
		return 0;
	}
	error = conf_hostname(p, who->user, who->uid, who->group, host, s->hostname);
	if (error)
		return log_errno(-error, "make a host name of \"%s\"", p->hostname);
	if (strcmp(s->hostname, host) == 0 || !(p->namespaces & NAMESPACE_MNT))
		return 0;
	user->own_hosts = true;
	return setup_hosts(user->host, who->uid, s->hostname);
}

static int record_make(struct user *user)
{
	const struct who *who = &user->request->who;
	const struct profile *p = user->profile;
	struct user_state *s = &user->state;

	*s = (struct user_state){
	    .uplink = {.uid = who->uid, .gid = who->gid},
	    .namespaces = p->namespaces,
	    .linger = p->linger,
	    .limits = p->limits,
	    .since = time(NULL),
	};
	memcpy(s->user, who->user, sizeof(s->user));
	memcpy(s->account, who->account, sizeof(s->account));
	memcpy(s->netns, who->account, sizeof(s->netns));
	memcpy(s->profile, p->name, sizeof(s->profile));
	memcpy(s->network, p->network->name, sizeof(s->network));
	user->recorded = false; /* the record of a user who was found to have no network */
	user->network = user->setup->state;
	user->network.conf = p->network;
	return hostname_choose(user);
}

static int record_undo(struct user *user)
{
	return state_remove(user->host->run, user->uid);
}

/* -ENOENT only if there is certainly no record: the user may have processes. */
static int record_check(struct user *user)
{
	int error = state_read(user->host->run, user->uid, &user->state);

	user->recorded = !error;
	return state_absent(error) ? -ENOENT : error;
}

static void record_tell(const struct user *user, FILE *out)
{
	fprintf(out, " profile=%s network=%s", user->state.profile, user->state.network);
}

static void record_end(const struct user *user, FILE *out)
{
	time_t now = time(NULL), since = user->state.since;

	/* The clock may have been set back since. */
	fprintf(out, " seconds=%lld", (long long)(now > since ? now - since : 0));
}

const struct resource resource_record = {
    .name = "record",
    .make = record_make,
    .undo = record_undo,
    .check = record_check,
    .tell = record_tell,
    .end = record_end,
};
