/* pam-netns explain: which profile a user's login gets, why, and what that means. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "conf.h"
#include "conf_match.h"
#include "identity.h"
#include "kept.h"
#include "lease.h"
#include "log.h"
#include "network_state.h"
#include "network_wanted.h"
#include "paths.h"
#include "state.h"
#include "text.h"
#include "view.h"

struct subject {
	struct request who;
	const struct conf *conf;
	const struct profile *profile;
};

static void label(const char *name)
{
	printf("  %-12s ", name);
}

static void line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *name, const char *format, ...)
{
	char value[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	label(name);
	text_print(stdout, value);
	putchar('\n');
}

static struct conf_subject subject_conf(const struct request *who)
{
	return (struct conf_subject){
	    .user = who->account,
	    .uid = who->uid,
	    .groups = who->groups,
	    .groups_count = who->groups_count,
	};
}

/* The item of match = that is true of the user first. */
static void explain_match(const struct subject *subject)
{
	struct conf_subject who = subject_conf(&subject->who);
	const struct profile *profile = subject->profile;
	const struct match *match = profile->match;

	while (match < profile->match + profile->match_count && !match_subject(match, &who))
		match++;
	if (match == profile->match + profile->match_count)
		return;
	switch (match->kind) {
	case MATCH_ALL:
		line("matched by", "* (everybody whom no profile before it matches)");
		break;
	case MATCH_USER:
		line("matched by", "the user name %s", match->name);
		break;
	case MATCH_GROUP:
		line("matched by", "membership in group %s", match->name);
		break;
	case MATCH_UIDS:
		line("matched by", "uid %u in %u-%u", who.uid, match->first, match->last);
		break;
	}
}

/* The prefix that set-up decided, where the conf file says auto; family 0: not decided yet. */
static struct prefix network_prefix(const struct network *network, int family)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct network_state state;
	enum conf_source source =
	    family == AF_INET ? network->subnet_source : network->subnet6_source;

	if (source == SOURCE_GIVEN)
		return family == AF_INET ? network->subnet : network->subnet6;
	if (source == SOURCE_NONE || run < 0 || network_state_read(run, network->name, &state))
		return (struct prefix){0};
	return family == AF_INET ? (struct prefix){state.subnet, state.subnet_length}
				 : (struct prefix){state.subnet6, state.subnet6_length};
}

static void explain_addresses(const struct network *network, uid_t uid)
{
	CLEANUP_FD int leases = open(LEASES_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct prefix subnet = network_prefix(network, AF_INET);
	struct prefix subnet6 = network_prefix(network, AF_INET6);
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	bool leased;
	uint32_t offset;

	if (!subnet.address.family) {
		line("address", "decided when the network is set up ('pam-netns up')");
		return;
	}
	leased = leases >= 0 && lease_find(leases, network->name, &subnet, uid, &offset) == 0;
	if (!leased)
		offset = prefix_preferred_offset(&subnet, uid);
	address = prefix_address(&subnet, offset);
	line("address", "%s (%s)", address_format(&address, text),
	     leased ? "leased, the same at every login"
		    : "asked for first; kept from the first login on");
	if (network->subnet6_source == SOURCE_NONE) {
		line("address6", "none");
	} else if (subnet6.address.family) {
		address = prefix_address(&subnet6, offset);
		line("address6", "%s", address_format(&address, text));
	} else {
		line("address6", "decided when the network is set up ('pam-netns up')");
	}
}

static void port_print(const struct port_rule *rule)
{
	if (!rule->protocol)
		return;
	printf(" %s/%u", rule->protocol == IPPROTO_TCP ? "tcp" : "udp", rule->first);
	if (rule->last != rule->first)
		printf("-%u", rule->last);
}

static bool is_catch_all(const struct egress_rule *rule)
{
	return !rule->port.protocol && !rule->destination.address.family;
}

static void explain_egress(const struct network *network)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < network->egress_count && !is_catch_all(&network->egress[i]); i++) {
		const struct egress_rule *rule = &network->egress[i];

		label(i ? "" : "egress");
		fputs(rule->allow ? "allow" : "deny", stdout);
		port_print(&rule->port);
		printf(" to %s\n", rule->destination.address.family
				       ? prefix_format(&rule->destination, text)
				       : "anywhere");
	}
	label(i ? "" : "egress");
	if (i < network->egress_count && network->egress[i].allow)
		puts(i ? "allow all else (the first line that fits counts)" : "any destination");
	else
		puts(i ? "deny all else (the first line that fits counts)"
		       : "none: nothing outside can be reached");
}

static void explain_host_access(const struct network *network)
{
	label("host access");
	if (network->host_all) {
		puts("all of the host's services");
		return;
	}
	if (!network->host_icmp && !network->host_dns && !network->host_ports_count)
		fputs("none", stdout);
	fputs(network->host_icmp ? "ping " : "", stdout);
	fputs(network->host_dns ? "dns" : "", stdout);
	for (size_t i = 0; i < network->host_ports_count; i++)
		port_print(&network->host_ports[i]);
	putchar('\n');
}

static void explain_dns(const struct network *network)
{
	char text[ADDRESS_TEXT_MAX];

	label("dns");
	if (network->dns == SOURCE_AUTO)
		fputs("the host's upstream servers", stdout);
	if (network->dns == SOURCE_NONE)
		fputs("none", stdout);
	for (size_t i = 0; network->dns == SOURCE_GIVEN && i < network->dns_count; i++)
		printf("%s%s", i ? " " : "", address_format(&network->dns_servers[i], text));
	putchar('\n');
}

/* Edited while users are active. */
static void explain_refusal(const struct network *network)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char what[NETWORK_TEXT_MAX], remedy[NETWORK_TEXT_MAX];

	if (network_refuses(run, network, what, remedy))
		line("login", "refused: %s (%s)", what, remedy);
}

static void explain_network(const struct network *network, uid_t uid)
{
	static const char *const peers[] = {
	    [PEERS_NO] = "no: other users of this network cannot be reached",
	    [PEERS_YES] = "yes: all users of this network reach each other",
	    [PEERS_GROUP] = "group: users with the same primary group reach each other",
	};
	struct prefix subnet = network_prefix(network, AF_INET);
	char text[ADDRESS_TEXT_MAX];

	line("network", "%s, bridge %s, %s", network->name, network->bridge,
	     subnet.address.family ? prefix_format(&subnet, text) : "subnet auto");
	explain_refusal(network);
	explain_addresses(network, uid);
	line("nat", network->nat ? "yes" : "no: the outside needs a route to the subnet");
	line("peers", "%s", peers[network->peers]);
	explain_host_access(network);
	explain_egress(network);
	explain_dns(network);
	line("connections", "at most %u at once", network->max_connections);
	if (network->new_connections)
		line("", "%u new ones a second, %u after a pause", network->new_connections,
		     network->new_connections_burst);
}

/* Of a user who is in, the state file knows; for others the template does. */
static void explain_hostname(const struct subject *subject)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char host[CONF_HOSTNAME_MAX + 1] = "", name[CONF_HOSTNAME_MAX];
	struct user_state state;

	if (run >= 0 && !state_read(run, subject->who.uid, &state) && *state.hostname) {
		line("hostname", "%s", state.hostname);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) ||
	    conf_hostname(subject->profile, subject->who.account, subject->who.uid,
			  subject->who.group, host, name))
		line("hostname", "none: nothing valid is left of '%s'", subject->profile->hostname);
	else
		line("hostname", "%s", name);
}

/* How many users are active, by the folders of their records. */
static uint64_t users_active(void)
{
	struct stat users;

	return stat(USERS_DIR, &users) < 0 || users.st_nlink < 2 ? 0 : users.st_nlink - 2;
}

/* Begins a line with the private directories that are kept, or with the others; false: none. */
static bool private_list(const struct profile *profile, const char *name, bool kept)
{
	bool any = false;

	for (size_t i = 0; i < profile->private_count; i++) {
		if (kept_path(profile->private_dirs[i]) != kept)
			continue;
		if (any)
			putchar(' ');
		else
			label(name);
		text_print(stdout, profile->private_dirs[i]);
		any = true;
	}
	return any;
}

static void explain_private(const struct profile *profile)
{
	/* A login makes one user more, if this one is not active already. */
	uint64_t bytes = view_private_bytes(profile, users_active() + 1);
	bool in_memory = private_list(profile, "private", false);
	char size[TEXT_SIZE_MAX];

	if (in_memory)
		printf(" (in memory, together at most %s and %llu files)\n", size_text(bytes, size),
		       (unsigned long long)view_private_inodes(bytes));
	if (private_list(profile, in_memory ? "" : "private", true))
		puts(" (on disk, kept between logins)");
	else if (!in_memory)
		line("private", "none: all directories are shared with the host");
	if (profile->private_count)
		line("", "programs can be run from there%s",
		     profile->private_exec == EXEC_NO ? ": no"
		     : profile->private_exec == EXEC_YES
			 ? ": yes"
			 : " unless the host's directory is noexec");
}

static void explain_isolation(const struct subject *subject)
{
	const struct profile *profile = subject->profile;

	line("isolated", "yes: own network%s%s",
	     profile->namespaces & NAMESPACE_MNT ? ", mount view" : "",
	     profile->namespaces & NAMESPACE_UTS ? ", hostname" : "");
	explain_network(profile->network, subject->who.uid);
	if (profile->namespaces & NAMESPACE_UTS)
		explain_hostname(subject);
	if (profile->namespaces & NAMESPACE_MNT)
		explain_private(profile);
	line("linger", "%s",
	     profile->linger == LINGER_NO
		 ? "no: what runs after the last logout is killed"
		 : "processes: all stays until the last process has ended");
}

static void explain_services(const struct conf *conf)
{
	label("services");
	for (size_t i = 0; i < conf->services_exempt_count; i++) {
		fputs(i ? " " : "", stdout);
		text_print(stdout, conf->services_exempt[i]);
	}
	puts(conf->services_exempt_count
		 ? " (through these PAM services the login stays on the host)"
		 : "all (no PAM service is exempt)");
}

static void explain(const struct subject *subject)
{
	text_print(stdout, subject->who.account);
	printf(" (uid %u, group ", subject->who.uid);
	text_print(stdout, subject->who.group);
	puts(")");
	if (!subject->profile) {
		line("profile", "none matches, so the login is refused; add one with match = *");
		return;
	}
	line("profile", "%s", subject->profile->name);
	explain_match(subject);
	if (subject->profile->isolate)
		explain_isolation(subject);
	else
		line("isolated", "no: profile %s has isolate = no, the login stays on the host%s",
		     subject->profile->name,
		     subject->profile->nested == NESTED_HOST
			 ? ", also from inside another user's session"
			 : "");
	explain_services(subject->conf);
	line("on failure", "%s",
	     subject->conf->on_error_host ? "the login is let in on the host (on_error = host)"
					  : "the login is refused (on_error = deny)");
}

/* An ordinary user's own name, or whom root asks about. NULL after a message. */
static const char *explain_whom(const char *operand)
{
	uid_t self = getuid();
	struct passwd *entry;

	if (self == 0 && operand)
		return operand;
	entry = getpwuid(self);
	if (!entry) {
		log_error("uid %u has no name", self);
		return NULL;
	}
	if (operand && strcmp(operand, entry->pw_name) != 0) {
		entry = getpwnam(operand);
		if (!entry || entry->pw_uid != self) {
			log_error("only root may ask about other users; run it with sudo");
			return NULL;
		}
	}
	return entry->pw_name;
}

int command_explain(const struct arguments *arguments)
{
	const char *user = explain_whom(arguments->operand);
	struct subject subject = {0};
	struct conf *conf = NULL;
	struct conf_subject who;
	int status = STATUS_FAILED;

	if (user && !identity_resolve(user, &subject.who) && !conf_read(CONF_PATH, &conf)) {
		who = subject_conf(&subject.who);
		subject.conf = conf;
		subject.profile = conf_match(conf, &who);
		explain(&subject);
		status = STATUS_FINE;
	}
	conf_free(conf);
	request_free(&subject.who);
	return status;
}
