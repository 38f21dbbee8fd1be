/* pam-netns doctor: errors in the conf file, and settings that cannot do what they seem to. Each
 * finding names the line of its section. */
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <syslog.h>

#include "../command.h"
#include "conf/match.h"
#include "call/identity.h"
#include "base/log.h"
#include "base/paths.h"
#include "lines.h"

/* Groups of administrators on some distributions. A missing one is not a mistake. */
static const char *const admin_groups[] = {"sudo", "wheel", "admin"};
#define ADMIN_GROUPS (sizeof(admin_groups) / sizeof(*admin_groups))

unsigned conf_section_line(const char *kind, const char *wanted)
{
	CLEANUP_FILE FILE *file = lines_open(CONF_PATH);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	for (unsigned number = 1; file && getline(&line, &room, file) > 0; number++) {
		char word[CONF_NAME_MAX], name[CONF_NAME_MAX];

		if (sscanf(line, " [ %31[a-z] %31[^] \t\n] ]", word, name) == 2 &&
		    strcmp(word, kind) == 0 && strcmp(name, wanted) == 0)
			return number;
	}
	return 0;
}

static bool is_admin_group(const char *name)
{
	for (size_t i = 0; i < ADMIN_GROUPS; i++)
		if (strcmp(name, admin_groups[i]) == 0)
			return true;
	return false;
}

/* After a lookup that found nothing: true only if the name service is sure. An LDAP server that does
 * not answer is not a typing mistake. */
static bool absence_is_sure(void)
{
	return errno == 0 || errno == ENOENT || errno == ESRCH;
}

static bool group_absent(const char *name)
{
	errno = 0;
	return !getgrnam(name) && absence_is_sure();
}

static bool name_absent(const struct match *match)
{
	errno = 0;
	if (match->kind == MATCH_USER)
		return !getpwnam(match->name) && absence_is_sure();
	return match->kind == MATCH_GROUP && !is_admin_group(match->name) &&
	       group_absent(match->name);
}

static void check_names(struct doctor *doctor, const struct profile *profile)
{
	for (size_t i = 0; i < profile->match_count; i++) {
		const struct match *match = &profile->match[i];

		if (name_absent(match))
			doctor_at(doctor, LEVEL_WARNING, CONF_PATH,
				  conf_section_line("profile", profile->name),
				  "match of [profile %s] names %s '%s', which does not exist and "
				  "matches no user -> correct the name, or remove it",
				  profile->name, match->kind == MATCH_USER ? "user" : "group",
				  match->name);
	}
}

static void check_watchers(struct doctor *doctor, const struct profile *profile)
{
	if (profile->watchers && group_absent(profile->watchers))
		doctor_at(
		    doctor, LEVEL_PROBLEM, CONF_PATH, conf_section_line("profile", profile->name),
		    "processes of [profile %s] names group '%s', which does not exist, so its "
		    "logins are refused -> correct the name, or write processes = own",
		    profile->name, profile->watchers);
}

static bool matches_all(const struct profile *profile)
{
	for (size_t i = 0; i < profile->match_count; i++)
		if (profile->match[i].kind == MATCH_ALL ||
		    (profile->match[i].kind == MATCH_UIDS && profile->match[i].first == 0 &&
		     profile->match[i].last >= (uid_t)-2))
			return true;
	return false;
}

/* The profile that an account gets, or NULL. *told becomes false if the account
 * cannot be looked up. */
static const struct profile *account_profile(const struct conf *conf, const char *name, bool *told)
{
	CLEANUP_WHO struct who who = {0};

	*told = identity_resolve(name, &who) == 0;
	return *told ? conf_match(conf, &who) : NULL;
}

/* Does the earlier profile match everything that this item matches? For users,
 * conf_match() decides. */
static bool item_covered(const struct match *item, const struct profile *earlier)
{
	for (size_t i = 0; i < earlier->match_count; i++) {
		const struct match *other = &earlier->match[i];

		if (item->kind == other->kind &&
		    (item->kind == MATCH_UIDS
			 ? other->first <= item->first && item->last <= other->last
			 : item->kind == MATCH_GROUP && strcmp(item->name, other->name) == 0))
			return true;
	}
	return false;
}

static bool item_shadowed(const struct conf *conf, size_t profile, const struct match *item)
{
	const struct profile *gets;
	bool told;

	if (item->kind == MATCH_USER) {
		if (!getpwnam(item->name))
			return false; /* check_names() reports it */
		gets = account_profile(conf, item->name, &told);
		return told && gets && gets < &conf->profiles[profile];
	}
	for (size_t i = 0; i < profile; i++)
		if (item_covered(item, &conf->profiles[i]))
			return true;
	return false;
}

static bool profile_shadowed(const struct conf *conf, size_t profile)
{
	const struct profile *this = &conf->profiles[profile];

	for (size_t i = 0; i < this->match_count; i++)
		if (!item_shadowed(conf, profile, &this->match[i]))
			return false;
	return this->match_count > 0;
}

static void check_reachable(struct doctor *doctor)
{
	const struct profile *all = NULL;

	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		if (all)
			doctor_at(doctor, LEVEL_WARNING, CONF_PATH,
				  conf_section_line("profile", profile->name),
				  "[profile %s] is never used, because [profile %s] before it "
				  "matches all users -> move it up, or remove it",
				  profile->name, all->name);
		else if (profile_shadowed(doctor->conf, i))
			doctor_at(doctor, LEVEL_WARNING, CONF_PATH,
				  conf_section_line("profile", profile->name),
				  "[profile %s] is never used, because profiles before it match "
				  "everything that it matches -> move it up, or remove it",
				  profile->name);
		else if (matches_all(profile))
			all = profile;
	}
}

/* Can the account log in if isolation fails? If it cannot be looked up, the answer is yes. */
static bool account_exempt(const struct conf *conf, const char *name)
{
	bool told;
	const struct profile *profile = account_profile(conf, name, &told);

	return !told || (profile && !profile->isolate);
}

/* If the helper fails, only an account that logs in without it can repair the host. */
static void check_admins(struct doctor *doctor)
{
	bool root = account_exempt(doctor->conf, "root"), any = root;

	for (size_t i = 0; i < ADMIN_GROUPS && !any; i++) {
		const struct group *group = getgrnam(admin_groups[i]);
		char *members[64];
		size_t count = 0;

		/* Lookups of accounts overwrite what getgrnam(3) returned. */
		for (; group && group->gr_mem[count] && count < 64; count++)
			members[count] = strdup(group->gr_mem[count]);
		for (size_t m = 0; m < count; m++) {
			any |= members[m] && account_exempt(doctor->conf, members[m]);
			free(members[m]);
		}
	}
	if (!any)
		doctor_at(
		    doctor, LEVEL_PROBLEM, CONF_PATH, 0,
		    "no administrator is exempt: root and all members of sudo, wheel and admin are "
		    "isolated, so if isolation fails, no account can log in to repair it -> put "
		    "'[profile staff]' with 'match = root, @sudo' and 'isolate = no' first");
	else if (!root)
		doctor_at(
		    doctor, LEVEL_WARNING, CONF_PATH, 0,
		    "root is isolated, or no profile matches root: if isolation fails, root cannot "
		    "log in to repair it -> put root into a profile with 'isolate = no'");
}

void doctor_policy(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		check_names(doctor, &doctor->conf->profiles[i]);
		check_watchers(doctor, &doctor->conf->profiles[i]);
	}
	check_reachable(doctor);
	check_admins(doctor);
}

/* Turns each error that conf_read() logs, "FILE:LINE: WHAT" or "FILE: WHAT", into a finding. */
static void report_error(void *context, int level, const char *text)
{
	enum level as = level <= LOG_ERR ? LEVEL_PROBLEM : LEVEL_WARNING;
	static const char file[] = CONF_PATH ": ";
	unsigned line = 0;
	int length = 0;

	if (level > LOG_WARNING)
		return;
	if (sscanf(text, CONF_PATH ":%u: %n", &line, &length) != 1)
		length = strncmp(text, file, strlen(file)) ? 0 : (int)strlen(file);
	doctor_at(context, as, CONF_PATH, line, "%s", text + length);
}

void doctor_conf(struct doctor *doctor)
{
	struct conf *conf = NULL;
	int error;

	if (geteuid() != 0 && access(CONF_PATH, R_OK) < 0 && errno == EACCES) {
		doctor_note(doctor, "this user cannot read " CONF_PATH " -> sudo pam-netns doctor");
		return;
	}
	log_set_sink(report_error, doctor);
	error = conf_read(CONF_PATH, &conf);
	log_set_sink(log_to_terminal, NULL);
	if (error)
		doctor_at(doctor, LEVEL_PROBLEM, CONF_PATH, 0,
			  "not usable, so all logins are refused -> correct the errors above");
	doctor->conf = conf;
}
