/* Many users: active ones during other measurements, and simultaneous logins and logouts. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call/call.h"
#include "call/identity.h"
#include "base/log.h"
#include "base/paths.h"

#define BURST_FIRST_UID 90000
#define STORM_FIRST_UID 50000
#define MEANWHILE_UID	40000
#define LOGINS_AT_ONCE	16

static unsigned crowd;	/* active users */
static unsigned others; /* ports of other users */

static struct actor user_start(uid_t uid)
{
	char name[32];

	snprintf(name, sizeof(name), "user%u", uid);
	return actor_start(&actor_helper, name, uid);
}

/*
 * This process leads all sessions of the crowd, since 5,000 sleeping processes would measure the process
 * table. They log in one at a time; crowd_burst measures simultaneous logins.
 */
static void crowd_call(const char *verb, uid_t uid)
{
	struct request *request = calloc(1, sizeof(*request));
	struct reply *reply = calloc(1, sizeof(*reply));

	char name[16];

	snprintf(name, sizeof(name), "user%u", uid);
	if (!who_set(&request->who, uid, name))
		errx(1, "%s", name);
	/* A user without an account has no home, which an image needs. */
	(void)!identity_home(name, &request->home, &request->shell);
	request->conf = strdup(CONF_PATH);
	snprintf(request->service, sizeof(request->service), "bench");
	if (helper_call(verb, request, 60000, reply) < 0 || reply->outcome == OUTCOME_REFUSED)
		errx(1, "%s of uid %u: %s", verb, uid, reply->cause);
	reply_close(reply);
	free(reply);
	request_free(request);
	free(request);
}

void crowd_grow(unsigned users)
{
	if (!crowd)
		others = leftovers_count().links;
	for (; crowd < users; crowd++)
		crowd_call("open", CROWD_FIRST_UID + crowd);
}

void crowd_leave(void)
{
	while (crowd > 0) {
		crowd_call("close", CROWD_FIRST_UID + --crowd);
		if (crowd % 32 == 0) /* no storm */
			user_wait_gone(CROWD_FIRST_UID + crowd, NULL);
	}
	for (int i = 0; i < 600 && leftovers_count().links > others; i++)
		sleep_ms(100);
}

unsigned crowd_size(void)
{
	return crowd;
}

void crowd_burst(unsigned at_once, struct samples *samples)
{
	struct actor *actors = calloc(at_once, sizeof(*actors));
	char port[IFNAMSIZ];
	int64_t start;

	for (unsigned i = 0; i < at_once; i++)
		actors[i] = user_start(BURST_FIRST_UID + i);
	sleep_ms(50);
	start = now_ns();
	for (unsigned i = 0; i < at_once; i++)
		actor_tell(&actors[i], 'o');
	for (unsigned i = 0; i < at_once; i++) {
		(void)actor_wait(&actors[i]);
		samples_add(samples, actors[i].slot->end - start);
	}
	sleep_ms(20);
	for (unsigned i = 0; i < at_once; i++) {
		(void)actor_do(&actors[i], 'c');
		memcpy(port, actors[i].slot->port, sizeof(port));
		actor_end(&actors[i]);
		if (i % 8 == 7 || i + 1 == at_once)
			user_wait_gone(BURST_FIRST_UID + i, port);
	}
	for (unsigned i = 0; i < at_once; i++)
		user_wait_gone(BURST_FIRST_UID + i, NULL);
	free(actors);
}

int64_t crowd_storm(unsigned users, struct samples *logouts, struct samples *meanwhile)
{
	struct actor *actors = calloc(users, sizeof(*actors));
	unsigned number = 0;
	int64_t start, end;

	for (unsigned i = 0; i < users; i++) {
		actors[i] = user_start(STORM_FIRST_UID + i);
		(void)actor_do(&actors[i], 'o');
	}
	sleep_ms(200);
	start = now_ns();
	for (unsigned i = 0; i < users; i++)
		actor_tell(&actors[i], 'c');
	/* Further logins compete with all of these logouts, without a pause until all is removed. */
	while (users_in_or_going(STORM_FIRST_UID, users)) {
		struct actor actor = user_start(MEANWHILE_UID + number);

		samples_add(meanwhile, actor_do(&actor, 'o'));
		(void)actor_do(&actor, 'c');
		actor_end(&actor);
		number++;
		sleep_ms(20);
	}
	end = now_ns();
	for (unsigned i = 0; i < users; i++) {
		samples_add(logouts, actor_wait(&actors[i]));
		actor_end(&actors[i]);
	}
	free(actors);
	return end - start;
}
