/* Leftovers of users who are logged out, and completeness of active users; see inject.h. */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/guard.h"
#include "net/netlink.h"
#include "state/network.h"
#include "base/paths.h"
#include "ns/pins.h"
#include "state/state.h"
#include "net/uplink.h"

#define BRIDGE "pnbr0"

static struct netlink route = {.fd = -1}, netfilter = {.fd = -1};
static int run_dir = -1;
static char *baseline;

static bool exists(const char *prefix, uid_t uid)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%u", prefix, uid);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- the kernel's entries of a user --- */

struct search {
	const struct user_state *state;
	unsigned bridge;
	int addresses; /* of this user */
	int others;    /* of users other than the bystander */
};

static struct user_state bystander;

static int address_seen(void *context, const struct address *address)
{
	struct search *s = context;

	if (s->state && (address_equal(address, &s->state->uplink.address) ||
			 address_equal(address, &s->state->uplink.address6)))
		s->addresses++;
	else if (!address_equal(address, &bystander.uplink.address) &&
		 !address_equal(address, &bystander.uplink.address6))
		s->others++;
	return 0;
}

static int neighbour_seen(void *context, struct nlmsghdr *answer)
{
	struct search *s = context;
	const struct ndmsg *header = netlink_payload(answer);
	const struct nlattr *attributes[NDA_MAX + 1];
	struct address address = {.family = header->ndm_family};

	if (answer->nlmsg_type != RTM_NEWNEIGH || !(header->ndm_state & NUD_PERMANENT) ||
	    (unsigned)header->ndm_ifindex != s->bridge ||
	    !netlink_parse(answer, sizeof(*header), attributes, NDA_MAX) || !attributes[NDA_DST])
		return 0;
	attribute_copy(attributes[NDA_DST], address.bytes, sizeof(address.bytes));
	return address_seen(s, &address);
}

static struct search neighbours_search(const struct user_state *state, unsigned bridge)
{
	struct search s = {.state = state, .bridge = bridge};

	for (int i = 0; i < 2; i++) {
		struct ndmsg header = {.ndm_family = i ? AF_INET6 : AF_INET};

		if (netlink_query(
			&route, netlink_request(RTM_GETNEIGH, NLM_F_DUMP, &header, sizeof(header)),
			"list the neighbours", neighbour_seen, &s) < 0)
			errx(2, "cannot list the neighbours");
	}
	return s;
}

static int route_seen(void *context, unsigned link, const struct address *address)
{
	const struct search *s = context;

	return link == s->bridge ? address_seen(context, address) : 0;
}

static struct search routes_search(const struct user_state *state, unsigned bridge)
{
	struct search s = {.state = state, .bridge = bridge};

	if (uplink_each_host_route(&route, route_seen, &s) < 0)
		errx(2, "cannot list the routes");
	return s;
}

struct element_search {
	const char *port;
	bool found;
};

static int element_seen(void *context, const struct uplink *uplink)
{
	struct element_search *s = context;

	s->found |= strcmp(uplink->port, s->port) == 0;
	return 0;
}

static bool guarded(const char *port)
{
	bool both = true;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct element_search s = {.port = port};

		both = guard_each(&netfilter, ipv6, element_seen, &s) == 0 && s.found && both;
	}
	return both;
}

static bool named(const char *netns)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", netns);
	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* In a user's mount namespace: what of the keys that tests/fault/run sets is missing. */
static bool view_whole(dev_t host_proc)
{
	struct statvfs usr;
	struct stat proc;

	return stat("/proc", &proc) == 0 && proc.st_dev != host_proc &&
	       access("/srv/secret/file", F_OK) < 0 &&
	       access("/srv/secret/shown/file", F_OK) == 0 && statvfs("/usr", &usr) == 0 &&
	       (usr.f_flag & ST_RDONLY);
}

/* Another process looks at it: this one stays where it is. */
static bool view_intact(int mnt)
{
	struct stat host_proc;
	int status = -1;
	pid_t child;

	if (stat("/proc", &host_proc) < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(setns(mnt, CLONE_NEWNS) == 0 && view_whole(host_proc.st_dev) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

const char *user_network_intact(uid_t uid)
{
	struct user_state state;
	struct namespaces pins;
	unsigned bridge = link_find(&route, BRIDGE);
	static char text[128];
	const char *what = NULL;

	if (state_read(run_dir, uid, &state) < 0)
		what = "record";
	else if (pins_open(uid, state.namespaces, &pins) < 0)
		what = "pins";
	else {
		if (state.view && !view_intact(pins.fd[KIND_MNT]))
			what = "hidden processes and paths";
		namespaces_close(&pins);
	}
	if (!what && link_up(&route, state.uplink.ifindex, state.uplink.port) != 1)
		what = "port";
	if (!what && routes_search(&state, bridge).addresses != 2)
		what = "routes";
	if (!what && neighbours_search(&state, bridge).addresses != 2)
		what = "neighbours";
	if (!what && !guarded(state.uplink.port))
		what = "guard elements";
	if (!what && !named(state.netns))
		what = "a name in /run/netns";
	if (!what)
		return "";
	snprintf(text, sizeof(text), "%s is in without %s", user_name(uid), what);
	return text;
}

const char *user_intact(uid_t uid)
{
	struct session *sessions = NULL;
	size_t count = 0;
	bool recorded = session_list(run_dir, uid, &sessions, &count) == 0 && count;

	free(sessions);
	if (!*user_network_intact(uid) && !recorded)
		return "an active user has no record of a session";
	return user_network_intact(uid);
}

const char *residue_find(uid_t uid)
{
	unsigned bridge = link_find(&route, BRIDGE);
	const char *what = exists(PINS_DIR "/", uid) || exists(PINS_DIR "/.", uid) ? "pins"
			   : exists(USERS_DIR "/", uid)				   ? "a record"
			   : exists(CLOSING_DIR "/", uid)			   ? "a note"
										   : NULL;

	if (!what && access("/run/netns/alice", F_OK) == 0 && uid == TARGET_UID)
		what = "a name in /run/netns";
	if (!what && bridge && routes_search(NULL, bridge).others)
		what = "routes";
	if (!what && bridge && neighbours_search(NULL, bridge).others)
		what = "neighbours";
	return what ?: "";
}

/* --- all objects, as text --- */

static char *snapshot(void)
{
	static const char command[] =
	    "find " RUN_DIR " /run/netns " LIB_DIR " -xdev | sort;"
	    "ls -A " PINS_DIR "; awk '{ print \"mount\", $5 }' /proc/self/mountinfo | sort;"
	    "ip -o link show | awk -F '[:@ ]+' '{ print \"link\", $2 }' | sort;"
	    "{ ip route show table all; ip -6 route show table all; } | sed 's/ "
	    "linkdown//;s/^/route /' "
	    "| sort; ip neigh show nud permanent | sort; bridge fdb show | sort;"
	    "nft list ruleset | grep -o '\"pnu[0-9a-z]*\"' | sort;"
	    "cat " NETWORKS_DIR "/default/ports";
	FILE *pipe = popen(command, "re"), *out;
	char *text = NULL, line[1024];
	size_t size;

	out = open_memstream(&text, &size);
	if (!pipe || !out)
		err(2, "snapshot");
	while (fgets(line, sizeof(line), pipe))
		fputs(line, out);
	pclose(pipe);
	fclose(out);
	return text;
}

/* The first different line. */
static const char *difference(const char *a, const char *b)
{
	static char text[512];
	size_t start = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '\n')
			start = i + 1;
	snprintf(text, sizeof(text), "'%.*s' is now '%.*s'", (int)strcspn(a + start, "\n"),
		 a + start, (int)strcspn(b + start, "\n"), b + start);
	return text;
}

/* The kernel removes namespaces with their ports one after another, for the whole machine. */
const char *residue_find_all(void)
{
	const char *text = "";

	for (int i = 0; i < 100; i++) {
		char *now = snapshot();
		bool clean = strcmp(baseline, now) == 0;

		text = clean ? "" : difference(baseline, now);
		free(now);
		if (clean)
			break;
		usleep(50000);
	}
	return text;
}

/* A port of a user who is logged out, whose namespace still exists. */
static bool port_going(const char *text)
{
	while ((text = strstr(text, "link pnu"))) {
		text += strlen("link ");
		if (strcspn(text, "\n") != strlen(bystander.uplink.port) ||
		    strncmp(text, bystander.uplink.port, strlen(bystander.uplink.port)) != 0)
			return true;
	}
	return false;
}

void residue_init(void)
{
	if (run_dir >= 0) {
		close(run_dir);
		netlink_close(&route);
		netlink_close(&netfilter);
		free(baseline);
	}
	run_dir = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (run_dir < 0 || netlink_open(&route, NETLINK_ROUTE) < 0 ||
	    netlink_open(&netfilter, NETLINK_NETFILTER) < 0)
		err(2, "look at the host");
	if (state_read(run_dir, BYSTANDER_UID, &bystander) < 0)
		errx(2, "the bystander is not in");
	baseline = snapshot();
	for (int i = 0; i < 100 && port_going(baseline); i++) {
		usleep(50000);
		free(baseline);
		baseline = snapshot();
	}
}

/* --- damage --- */

void setup_void(void)
{
	(void)unlink(NETWORKS_DIR "/host");
}

void setup_destroy(void)
{
	setup_void();
	if (system("nft 'delete table inet pam_netns; delete table bridge pam_netns' 2>/dev/null;"
		   "ip link delete " BRIDGE " 2>/dev/null;"
		   "ip route flush type unreachable 10.203.0.0/16 2>/dev/null;"
		   "umount -l " PINS_DIR "/template.default 2>/dev/null") < 0)
		err(2, "system");
}

/* Damage by time, disks and administrators, which no helper makes. */
void leftovers_worsen(uid_t uid, unsigned long how)
{
	char path[128];

	switch (how % 4) {
	case 1:
		snprintf(path, sizeof(path), USERS_DIR "/%u/state", uid);
		(void)unlink(path);
		break;
	case 2:
		snprintf(path, sizeof(path), PINS_DIR "/%u/mnt", uid);
		(void)umount2(path, MNT_DETACH);
		break;
	case 3:
		(void)unlink("/run/netns/alice");
		break;
	default:
		break;
	}
}
