/*
 * Decides which process changes the host's set-up; see setup_internal.h.
 *
 * The process that is about to change it holds LOCK_SETUP. Others that want a change wait for that
 * one, go on all at once, and check again: mostly the change has been made. If a thousand first
 * logins queued for LOCK_HOST instead, they would go on one by one.
 */
#include <errno.h>
#include <stdlib.h>

#include "state/lock.h"
#include "base/log.h"
#include "setup_internal.h"

#define SETUP_ROUNDS 16

/* A wanted change: a network as the conf says (bridges 0), or with this number of bridges. */
struct change {
	const struct conf *conf;
	uint64_t version;
	const struct network *network; /* NULL: all, and in any case */
	unsigned bridges;
};

/* 1, 0, or -errno. */
static int change_made(struct host *host, const struct change *c)
{
	struct setup setup = {.conf = c->conf, .version = c->version, .network = c->network};

	if (!c->network)
		return 0;
	if (!c->bridges) {
		int intact = setup_intact(host, &setup);

		return intact == 1 ? setup_ipv6_follows(c->network, &setup.state) : intact;
	}
	return network_state_read(host->run, c->network->name, &setup.state) == 0 &&
	       setup.state.bridges >= c->bridges;
}

/* As many as ports are reserved on: a login with a reserved port is about to ask. */
static unsigned bridges_reserved(const struct host *host, const struct network *network)
{
	uint32_t counts[NETWORK_BRIDGES_MAX];
	unsigned bridges = 1;

	ports_read(host->run, network->name, counts);
	for (unsigned i = 0; i < NETWORK_BRIDGES_MAX; i++)
		if (counts[i])
			bridges = i + 1;
	return bridges;
}

/* Logs the differences of the networks that are up, and of the wanted one;
 * not if memory is short. */
static struct setup *change_look(struct host *host, const struct change *c)
{
	struct setup *found = calloc(c->conf->networks_count + 1, sizeof(*found)), *next = found;

	for (size_t i = 0; found && i < c->conf->networks_count; i++) {
		*next = (struct setup){
		    .conf = c->conf, .version = c->version, .network = &c->conf->networks[i]};
		if (setup_intact(host, next) == 0 &&
		    (next->differs != PART_NETWORK || next->network == c->network))
			next++;
	}
	if (found)
		next->network = NULL;
	return found;
}

static int change_make(struct host *host, const struct change *c)
{
	CLEANUP_FREE struct setup *found = NULL;
	unsigned bridges = c->bridges;
	int result = lock_take(host->lock, host->proc, LOCK_HOST);

	if (result < 0)
		return result;
	result = change_made(host, c);
	if (result == 0) {
		found = change_look(host, c);
		if (bridges && bridges < bridges_reserved(host, c->network))
			bridges = bridges_reserved(host, c->network);
		result = setup_apply_locked(host, c->conf, c->version, c->network, bridges ?: 1);
	}
	lock_release(host->lock, LOCK_HOST);
	for (const struct setup *s = found; result == 0 && s && s->network; s++)
		setup_tell(s, true);
	return result < 0 ? result : 0;
}

static int change_want(struct host *host, const struct change *c)
{
	int result = lock_try(host->lock, LOCK_SETUP);

	if (result == -EAGAIN) {
		result = lock_share(host->lock, host->proc, LOCK_SETUP);
		lock_release(host->lock, LOCK_SETUP);
		result = result ?: change_made(host, c);
		if (result > 0)
			return 0;
		result = result ?: lock_take(host->lock, host->proc, LOCK_SETUP);
	}
	if (result < 0)
		return result;
	result = change_make(host, c);
	lock_release(host->lock, LOCK_SETUP);
	return result;
}

int setup_apply(struct host *host, const struct conf *conf, uint64_t version,
		const struct network *network)
{
	const struct change change = {conf, version, network, 0};

	return change_want(host, &change);
}

int setup_grow(struct host *host, const struct setup *setup, unsigned bridge)
{
	const struct change change = {setup->conf, setup->version, setup->network, bridge + 1};

	return change_want(host, &change);
}

/*
 * No lock protects the last look. Another login may change the set-up for its own network just then,
 * so each round waits for that one's lock; a program that changes it back all the time is refused.
 */
int setup_ensure(struct host *host, struct setup *setup)
{
	int result = setup_intact(host, setup);

	for (int round = 0; !result && round < SETUP_ROUNDS; round++) {
		result = setup_apply(host, setup->conf, setup->version, setup->network);
		result = result ?: setup_intact(host, setup);
	}
	if (result)
		return result < 0 ? result : 0;
	return log_errno(EAGAIN,
			 "set up network %s: another program changes it back (see pam-netns check)",
			 setup->network->name);
}

int setup_follow_ipv6(struct host *host, struct setup *setup)
{
	const struct network *network = setup->network;
	int result;

	if (setup_ipv6_follows(network, &setup->state))
		return 0;
	result = setup_apply(host, setup->conf, setup->version, network);
	return result < 0 ? result : network_state_read(host->run, network->name, &setup->state);
}
