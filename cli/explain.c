/* pam-netns explain: the profile of a user's login, the reason for it, and its meaning. */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "conf/conf.h"
#include "conf/match.h"
#include "conf/kind.h"
#include "conf/profile.h"
#include "call/identity.h"
#include "explain.h"
#include "keys.h"
#include "ns/persistent.h"
#include "base/log.h"
#include "base/paths.h"
#include "state/state.h"
#include "text.h"
#include "users.h"
#include "ns/mntns.h"

void explain_services_exempt(const struct subject *subject)
{
	CLEANUP_FREE char *value = conf_key_print(&conf_keys[KEY_services_exempt], subject->conf);

	explain_label("services_exempt");
	text_print(stdout, value ?: "out of memory");
	puts(subject->conf->services_exempt_count ? ": logins of these stay on the host"
						  : ": no login stays on the host");
}

/* The first item of match = that applies to the user. */
void explain_match(const struct subject *subject)
{
	const struct profile *profile = subject->profile;
	const struct match *match = profile->match;

	while (match < profile->match + profile->match_count && !match_who(match, &subject->who))
		match++;
	if (match == profile->match + profile->match_count)
		return;
	switch (match->kind) {
	case MATCH_ALL:
		explain_line("matched by", "* (every user that no earlier profile matches)");
		break;
	case MATCH_USER:
		explain_line("matched by", "the user name %s", match->name);
		break;
	case MATCH_GROUP:
		explain_line("matched by", "membership in group %s", match->name);
		break;
	case MATCH_UIDS:
		explain_line("matched by", "uid %u in %u-%u", subject->who.uid, match->first,
			     match->last);
		break;
	}
}

/* The record of an active user; false: there is none. */
static bool user_recorded(uid_t uid, struct user_state *state)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return run >= 0 && state_read(run, uid, state) == 0;
}

/* The record has it for an active user, the template for others. */
void explain_hostname(const struct subject *subject)
{
	char host[CONF_HOSTNAME_MAX + 1] = "", name[CONF_HOSTNAME_MAX];
	struct user_state state;

	if (user_recorded(subject->who.uid, &state) && *state.hostname) {
		explain_line("hostname", "%s", state.hostname);
		return;
	}
	if (gethostname(host, sizeof(host) - 1) ||
	    conf_hostname(subject->profile, subject->who.user, subject->who.uid, subject->who.group,
			  host, name))
		explain_line("hostname", "none: nothing valid is left of '%s'",
			     subject->profile->hostname);
	else
		explain_line("hostname", "%s", name);
}

/* The number of active users, from the folders of their records. */
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
		if (persistent_path(profile->private_dirs[i]) != kept)
			continue;
		if (any)
			putchar(' ');
		else
			explain_label(name);
		text_print(stdout, profile->private_dirs[i]);
		any = true;
	}
	return any;
}

void explain_private(const struct subject *subject)
{
	const struct profile *profile = subject->profile;
	struct user_state state;
	uint64_t users = users_active() + !user_recorded(subject->who.uid, &state);
	uint64_t bytes = mntns_private_bytes(profile, users);
	bool fixed = profile->private_bytes || profile->private_percent;
	bool in_memory = private_list(profile, "private", false);
	char size[TEXT_SIZE_MAX];

	if (in_memory)
		printf(" (in memory, together at most %s and %llu files%s)\n",
		       size_text(bytes, size), (unsigned long long)mntns_private_inodes(bytes),
		       fixed ? "" : " if made now");
	if (private_list(profile, in_memory ? "" : "private", true))
		puts(" (on disk, kept between logins)");
	else if (!in_memory)
		explain_line("private", "none: all directories are shared with the host");
}

void explain_processes(const struct subject *subject)
{
	const struct profile *profile = subject->profile;

	if (profile->processes == PROCESSES_ALL)
		explain_line("processes", "all: users see the processes of all users");
	else if (!profile->watchers)
		explain_line("processes", "own: users see only their own processes");
	else
		explain_line("processes",
			     "own: users see only their own processes, and members of group %s "
			     "see all",
			     profile->watchers);
}

/* The value, and what it means for users. */
static void paths_explain(const struct subject *subject, enum conf_key_id id, size_t count,
			  const char *some, const char *none)
{
	CLEANUP_FREE char *value = conf_key_print(&conf_keys[id], subject->profile);

	explain_label(conf_keys[id].name);
	text_print(stdout, value ?: "out of memory");
	printf(": %s\n", count ? some : none);
}

void explain_hide(const struct subject *subject)
{
	paths_explain(subject, KEY_hide, subject->profile->hide.count,
		      "empty and read-only for users, except their own home",
		      "users see all paths of the host");
}

void explain_read_only(const struct subject *subject)
{
	paths_explain(subject, KEY_read_only, subject->profile->read_only.count,
		      "users cannot change what is there, whatever its mode is",
		      "the mode of files decides what users can change");
}

void explain_root(const struct subject *subject)
{
	const char *root = subject->profile->root;

	explain_line(
	    "root",
	    !root ? "/: users have the programs and files of the host"
	    : subject->profile->root_changes
		? "image:%s: / of users is this directory, with changes of each user's own, and "
		  "the host's /dev, /proc, /run, /sys and their home"
		: "%s: / of users is this directory, read-only, with the host's /dev, /proc, "
		  "/run, /sys and their home",
	    root);
}

/* A line for each, with the user's names in the paths. */
void explain_bind(const struct subject *subject)
{
	const struct path_list *words = &subject->profile->bind;
	struct bind bind;

	if (!words->count)
		explain_line("bind", "none: users find files where the host has them");
	for (size_t i = 0; i < words->count; i++)
		if (conf_bind(words->words[i], &subject->who, &bind))
			explain_line(i ? "" : "bind", "%s: a name of the user is no part of a path",
				     words->words[i]);
		else
			explain_line(i ? "" : "bind", "%s shows what the host has in %s%s%s",
				     bind.target, bind.source, bind.read_only ? ", read-only" : "",
				     bind.optional ? ", if both exist" : "");
}

/* An active user keeps the present network until the last logout, even if the conf file changes. */
static void explain_active(const struct subject *subject)
{
	const struct profile *profile = subject->profile;
	const char *further = "and so is each login until the last logout";
	struct user_state state;
	char names[NAMESPACES_TEXT_MAX];

	if (!user_recorded(subject->who.uid, &state) ||
	    (profile->isolate && !strcmp(state.profile, profile->name) &&
	     !strcmp(state.network, profile->network->name) &&
	     state.namespaces == profile->namespaces))
		return;
	if (!profile->isolate)
		further = "and new logins stay on the host";
	else if (!conf_network(subject->conf, state.network))
		further = "but the conf file has no such network: each login is refused until the "
			  "last logout";
	explain_line("active", "in network %s by profile %s with namespaces %s, %s", state.network,
		     state.profile, namespaces_text(state.namespaces, names), further);
}

void explain_isolate(const struct subject *subject)
{
	const struct profile *profile = subject->profile;

	explain_label("isolated");
	if (!profile->isolate)
		printf("no: profile %s has isolate = no, the login stays on the host",
		       profile->name);
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if (profile->namespaces & namespace_kinds[i].bit)
			printf("%s%s", i ? ", " : "yes: own ", namespace_kinds[i].title);
	putchar('\n');
	explain_active(subject);
}

/* Prints its value and meaning. */
static void key_explain(const struct subject *subject, enum conf_key_id id, const void *target)
{
	const struct conf_key *key = &conf_keys[id];
	const struct profile *profile = subject->profile;
	const char *lacks = profile ? conf_key_lacks(key, profile->namespaces) : NULL;
	CLEANUP_FREE char *value = NULL;
	int word;

	if (lacks) {
		explain_line(key->name, "no effect: namespaces has no %s", lacks);
		return;
	}
	if (key_texts[id].tell) {
		key_texts[id].tell(subject);
		return;
	}
	value = conf_key_print(key, target);
	explain_label(key->name);
	text_print(stdout, value ?: "out of memory");
	word = value ? conf_word_index(key, value) : -1;
	printf(word < 0 ? "\n" : ": %s\n", word < 0 ? "" : key_texts[id].says[word]);
}

/* All keys of the section that have an effect in such a profile. */
static void section_explain(const struct subject *subject, enum conf_section_kind section,
			    const void *target)
{
	enum conf_only other = subject->profile->isolate ? CONF_ON_HOST : CONF_ISOLATED;

	for (enum conf_key_id id = 0; id < CONF_KEYS_COUNT; id++)
		if (conf_keys[id].section == section && conf_keys[id].only != other) {
			key_explain(subject, id, target);
			explain_notes(subject->profile, id);
		}
}

static void explain(const struct subject *subject)
{
	const struct profile *profile = subject->profile;

	text_print(stdout, subject->who.user);
	printf(" (uid %u, group ", subject->who.uid);
	text_print(stdout, subject->who.group);
	puts(")");
	if (!profile) {
		explain_line("profile",
			     "none matches, so the login is refused; add one with match = *");
		key_explain(subject, KEY_services_exempt, subject->conf);
		return;
	}
	explain_line("profile", "%s", profile->name);
	section_explain(subject, CONF_PROFILE, profile);
	if (!profile->isolate)
		return;
	section_explain(subject, CONF_NETWORK, profile->network);
	section_explain(subject, CONF_DEFAULTS, subject->conf);
}

/* The name of the operand's user, or without one of the caller. NULL after a message. */
static const char *explain_whom(const char *operand)
{
	const struct passwd *entry;
	uid_t uid = getuid();

	if (operand && users_uid(operand, &uid))
		return NULL;
	if (getuid() != 0 && uid != getuid()) {
		log_error("only root may see other users: run it with sudo");
		return NULL;
	}
	if (operand && *operand != '#')
		return operand;
	entry = getpwuid(uid);
	if (!entry)
		log_error("no user has uid %u, so no profile can be found", uid);
	return entry ? entry->pw_name : NULL;
}

int command_explain(const struct arguments *arguments)
{
	const char *user = explain_whom(arguments->operand);
	struct subject subject = {0};
	struct conf *conf = NULL;
	int status = STATUS_FAILED;

	if (user && !identity_resolve(user, &subject.who) && !conf_read(CONF_PATH, &conf)) {
		subject.conf = conf;
		subject.profile = conf_match(conf, &subject.who);
		explain(&subject);
		status = STATUS_FINE;
	}
	conf_free(conf);
	who_free(&subject.who);
	return status;
}
