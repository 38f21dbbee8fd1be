/* The table of resources, and what goes through it; see resource.h. */
#include "resource.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "state/lock.h"

/*
 * In the order of making. The record is first: it tells the other resources what to undo, so its
 * own undo is the last one. The guard comes before the uplink, which brings the port up.
 */
static const struct resource *const resources[] = {
    &resource_record,
    &resource_lease,
    &resource_limits,
    &resource_port,
    &resource_name,
    &resource_namespaces,
    &resource_cgroup_namespace,
    &resource_mount_namespace,
    &resource_init,
    &resource_veth,
    &resource_guard,
    &resource_uplink,
};
#define RESOURCES (sizeof(resources) / sizeof(resources[0]))

void user_init(struct user *user, struct host *host, uid_t uid)
{
	*user = (struct user){
	    .host = host, .uid = uid, .init = -1, .init_pidfd = -1, .inside = {.fd = -1}};
	namespaces_init(&user->pins);
}

void user_close(struct user *user)
{
	netlink_close(&user->inside);
	namespaces_close(&user->pins);
	cleanup_fd(&user->init);
	cleanup_fd(&user->init_pidfd);
	user->init = user->init_pidfd = -1;
}

static bool resource_wanted(const struct resource *resource, const struct user *user)
{
	return !resource->wanted || resource->wanted(user);
}

static int resources_undo(struct user *user)
{
	int result = 0;

	for (size_t i = RESOURCES; i-- > 0;) {
		int error = resources[i]->undo ? resources[i]->undo(user) : 0;

		result = result ?: error;
	}
	return result;
}

/* Nothing that was made is seen by others before its last step, which renames the pins. */
static int user_publish(struct user *user)
{
	int error = state_write(user->host->run, &user->state);

	if (error)
		return log_errno(-error, "write the user's state");
	user->recorded = true;
	return pins_publish(user->uid);
}

static int resources_make(struct user *user)
{
	for (size_t i = 0; i < RESOURCES; i++) {
		const struct resource *resource = resources[i];
		int error = 0;

		if (resource->make && resource_wanted(resource, user))
			error = resource->make(user);
		if (error)
			return error;
	}
	return user_publish(user);
}

int user_make(struct user *user)
{
	struct host *host = user->host;
	int error = resources_make(user);

	if (!error)
		return 0; /* LOCK_HOST, taken by the port, is released with the user's lock */
	lock_release(host->lock, LOCK_HOST);
	user_close(user);
	if (host_return(host, NAMESPACES_ALL) < 0 || user_remove(host, user->uid, &user->state) < 0)
		log_warning("leftovers of a failed login of uid %u: pam-netns gc removes them",
			    user->uid);
	return error;
}

/*
 * Which resources can tell that a user has no network. If another finds that an object is missing,
 * that is an error: the user may be active, and must not get a second network.
 */
static bool tells_absence(const struct resource *resource)
{
	return resource == &resource_record || resource == &resource_namespaces ||
	       resource == &resource_cgroup_namespace || resource == &resource_init;
}

int user_check(struct user *user)
{
	int result = 0;

	for (size_t i = 0; i < RESOURCES && (!result || user->host->thorough); i++) {
		const struct resource *resource = resources[i];
		int error = 0;

		if (resource->check && resource_wanted(resource, user))
			error = resource->check(user);
		if (error == -ENOENT && !tells_absence(resource))
			error = -EIO;
		/* Without the record, nothing is known of the others. */
		if (error && i == 0)
			return error;
		result = result ?: error;
	}
	/* Taken by the veth pair, if it needs work; a login releases it with the user's lock. */
	if (user->host->thorough)
		lock_release(user->host->lock, LOCK_HOST);
	if (user->address6.family)
		user->state.uplink.address6 = user->address6;
	if (!result && user->changed)
		result = state_write(user->host->run, &user->state);
	return result;
}

int user_remove(struct host *host, uid_t uid, const struct user_state *known)
{
	CLEANUP_USER struct user user;
	char name[32];
	int result;

	user_init(&user, host, uid);
	snprintf(name, sizeof(name), "closing/%u", uid);
	(void)unlinkat(host->run, name, 0);
	snprintf(name, sizeof(name), "users/%u", uid);
	if (!known && !pins_exist(uid) && faccessat(host->run, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* A set-up that has read the record would make the routes again behind us. */
	bool shared = lock_share(host->lock, host->proc, LOCK_HOST) == 0;

	pins_withdraw(uid);
	if (known)
		user.state = *known;
	user.recorded = known || state_read(host->run, uid, &user.state) == 0;
	result = resources_undo(&user);
	if (shared)
		lock_release(host->lock, LOCK_HOST);
	return result;
}

int users_sweep(struct host *host, const struct conf *conf)
{
	int result = 0;

	for (size_t i = 0; i < RESOURCES; i++) {
		int error = resources[i]->sweep ? resources[i]->sweep(host, conf) : 0;

		result = result ?: error;
	}
	return result;
}

/* The words of all resources, without the blank before the first. */
static void words_collect(const struct user *user, bool end, char *text, size_t size)
{
	CLEANUP_FREE char *words = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&words, &length);

	*text = '\0';
	if (!out)
		return;
	for (size_t i = 0; i < RESOURCES; i++) {
		void (*tell)(const struct user *, FILE *) =
		    end ? resources[i]->end : resources[i]->tell;

		if (tell && resource_wanted(resources[i], user))
			tell(user, out);
	}
	if (fclose(out) == 0 && length)
		snprintf(text, size, "%s", words + 1);
}

void user_tell(const struct user *user, char *text, size_t size)
{
	words_collect(user, false, text, size);
}

void user_end(const struct user *user, char *text, size_t size)
{
	words_collect(user, true, text, size);
}
