/* What the conf file wants of a network; see host/wanted.h. */
#include "host/wanted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "net/ipv6.h"
#include "base/log.h"
#include "base/paths.h"
#include "state/lease.h"
#include "state/state.h"

/* LEASES_DIR/NETWORK/subnet and subnet6 -> what "auto" became: "10.203.0.0_16". */
static const char *subnet_name(sa_family_t family)
{
	return family == AF_INET ? "subnet" : "subnet6";
}

/* The subnet chosen on an earlier boot: so a user keeps the same address. */
static int subnet_remembered(const char *network, sa_family_t family, struct prefix *subnet)
{
	char path[sizeof(LEASES_DIR "//subnet6") + CONF_NAME_MAX], text[ADDRESS_TEXT_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), LEASES_DIR "/%s/%s", network, subnet_name(family));
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0 && errno != ENOENT)
		return log_errno(errno, "read %s", path);
	if (length < 0)
		return -ENOENT;
	text[length] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '_')
			*p = '/';
	return prefix_parse(text, subnet) < 0 || subnet->address.family != family ? -ENOENT : 0;
}

int network_subnet_remember(const char *network, const struct prefix *subnet)
{
	const char *name = subnet_name(subnet->address.family);
	CLEANUP_FD int leases = lease_folder_open();
	CLEANUP_FD int made = leases < 0 ? -errno : files_make_dir(leases, network, 0755);
	CLEANUP_FD int dir = made < 0 ? -1 : openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[ADDRESS_TEXT_MAX];

	if (dir < 0)
		return log_errno(made < 0 ? -made : errno, "make %s/%s", LEASES_DIR, network);
	/* The text of a link must not look like a path. */
	prefix_format(subnet, text);
	text[strcspn(text, "/")] = '_';
	(void)unlinkat(dir, name, 0);
	if (symlinkat(text, dir, name) < 0 || fsync(dir) < 0)
		return log_errno(errno, "remember subnet %s in %s", text, LEASES_DIR);
	return 0;
}

int network_subnet_find(const struct network *conf, sa_family_t family, struct prefix *out)
{
	enum conf_source source = family == AF_INET ? conf->subnet_source : conf->subnet6_source;

	*out = (struct prefix){0};
	if (source == SOURCE_GIVEN)
		*out = family == AF_INET ? conf->subnet : conf->subnet6;
	return source == SOURCE_AUTO ? subnet_remembered(conf->name, family, out) : 0;
}

struct prefix network_subnet(const struct network *conf, sa_family_t family)
{
	struct prefix subnet;

	if (network_subnet_find(conf, family, &subnet) < 0)
		memset(&subnet, 0, sizeof(subnet));
	return subnet;
}

void network_wanted_with(const struct network *conf, const struct prefix *subnet,
			 const struct prefix *subnet6, struct network_state *out)
{
	*out = (struct network_state){.conf = conf, .subnet = *subnet};
	if (!ipv6_disabled())
		out->subnet6 = *subnet6;
	snprintf(out->name, sizeof(out->name), "%s", conf->name);
	memcpy(out->bridge, conf->bridge, sizeof(out->bridge));
}

void network_wanted(const struct network *conf, struct network_state *out)
{
	struct prefix subnet = network_subnet(conf, AF_INET);
	struct prefix subnet6 = network_subnet(conf, AF_INET6);

	network_wanted_with(conf, &subnet, &subnet6, out);
}

static void change_add(char text[NETWORK_CHANGE_MAX], const char *key, const char *from,
		       const char *to)
{
	size_t used = strlen(text);

	snprintf(text + used, NETWORK_CHANGE_MAX - used, "%s%s from %s to %s", used ? ", " : "",
		 key, from, to);
}

static void change_subnet(char text[NETWORK_CHANGE_MAX], const char *key, const struct prefix *from,
			  const struct prefix *to, const char *none)
{
	char old[ADDRESS_TEXT_MAX], new[ADDRESS_TEXT_MAX];

	if (address_equal(&from->address, &to->address) && from->length == to->length)
		return;
	change_add(text, key, from->address.family ? prefix_format(from, old) : "none",
		   to->address.family ? prefix_format(to, new) : none);
}

bool network_changed(const struct network_state *up, const struct network *conf,
		     const struct network_state *wanted, char text[NETWORK_CHANGE_MAX])
{
	text[0] = '\0';
	if (strcmp(up->bridge, wanted->bridge) != 0)
		change_add(text, "bridge", up->bridge, wanted->bridge);
	change_subnet(text, "subnet", &up->subnet, &wanted->subnet, "auto");
	if (up->subnet6.address.family &&
	    (wanted->subnet6.address.family || conf->subnet6_source == SOURCE_NONE))
		change_subnet(text, "subnet6", &up->subnet6, &wanted->subnet6, "none");
	return text[0];
}

#define KICKS_MAX 8 /* number of users with a command each */

/* A name that a shell takes literally, else the uid. */
static void kick_add(char kick[NETWORK_CHANGE_MAX], const struct user_state *state)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t used = strlen(kick), room = NETWORK_CHANGE_MAX - used, size = strlen(state->account);

	if (size && size < 32 && strspn(state->account, plain) == size && *state->account != '-')
		snprintf(kick + used, room, "pam-netns kick %s && ", state->account);
	else
		snprintf(kick + used, room, "pam-netns kick '#%u' && ", state->uplink.uid);
}

int network_users(int run, const char *network, char kick[NETWORK_CHANGE_MAX])
{
	CLEANUP_FREE uid_t *uids = NULL;
	struct user_state state;
	size_t count = 0;
	int users = 0, result = state_list(run, &uids, &count);

	if (kick)
		*kick = '\0';
	for (size_t i = 0; i < count && result == 0; i++) {
		result = state_read(run, uids[i], &state);
		if (result == 0 && strcmp(state.network, network) == 0 && users++ < KICKS_MAX &&
		    kick)
			kick_add(kick, &state);
		if (state_absent(result))
			result = 0;
	}
	if (kick && users > KICKS_MAX)
		snprintf(kick, NETWORK_CHANGE_MAX,
			 "(end the sessions of all %d active users first: pam-netns list, "
			 "pam-netns kick USER) ",
			 users);
	return result < 0 ? result : users;
}

int network_refuses(int run, const struct network *conf, char what[NETWORK_TEXT_MAX],
		    char remedy[NETWORK_TEXT_MAX])
{
	char change[NETWORK_CHANGE_MAX], kick[NETWORK_CHANGE_MAX];
	struct network_state up, wanted;
	int active;

	if (run < 0 || network_state_read(run, conf->name, &up) < 0)
		return 0;
	network_wanted(conf, &wanted);
	if (!network_changed(&up, conf, &wanted, change))
		return 0;
	active = network_users(run, conf->name, kick);
	if (!active || (active < 0 && active != -EACCES))
		return 0;
	/* An ordinary user must not read the number of active users. */
	if (active < 0)
		snprintf(what, NETWORK_TEXT_MAX,
			 "network %s: the conf file changes %s, so all logins to it are refused "
			 "while users are active",
			 conf->name, change);
	else
		snprintf(
		    what, NETWORK_TEXT_MAX,
		    "network %s: the conf file changes %s, but %d user%s active, so all logins to "
		    "it are refused until they have logged out, or it is changed back",
		    conf->name, change, active, active == 1 ? " is" : "s are");
	snprintf(remedy, NETWORK_TEXT_MAX, "%spam-netns up", kick);
	return active < 0 ? 1 : active;
}
