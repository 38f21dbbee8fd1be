/* pam-netns doctor: the conf file; what it says and cannot mean. Each finding names the line of
 * its section. */
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "conf_match.h"
#include "identity.h"
#include "paths.h"

/* Groups of administrators on some distributions: one that is missing here is no mistake. */
static const char *const admin_groups[] = {"sudo", "wheel", "admin"};
#define ADMIN_GROUPS (sizeof(admin_groups) / sizeof(*admin_groups))

unsigned conf_section_line(const char *kind, const char *wanted)
{
	CLEANUP_FILE FILE *file = fopen(CONF_PATH, "re");
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

/* True only where the name service is sure: an LDAP server that does not answer is no typing
 * mistake. */
static bool name_absent(const struct match *match)
{
	errno = 0;
	if (match->kind == MATCH_USER)
		return !getpwnam(match->name) && (errno == 0 || errno == ENOENT || errno == ESRCH);
	return match->kind == MATCH_GROUP && !is_admin_group(match->name) &&
	       !getgrnam(match->name) && (errno == 0 || errno == ENOENT || errno == ESRCH);
}

static void check_names(struct doctor *doctor, const struct profile *profile)
{
	for (size_t i = 0; i < profile->match_count; i++) {
		const struct match *match = &profile->match[i];

		if (name_absent(match))
			doctor_at(
			    doctor, LEVEL_WARNING, CONF_PATH,
			    conf_section_line("profile", profile->name),
			    "match of [profile %s] names %s '%s', which does not exist, so "
			    "that no user is matched by it -> correct the name or take it out",
			    profile->name, match->kind == MATCH_USER ? "user" : "group",
			    match->name);
	}
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

static void check_reachable(struct doctor *doctor)
{
	const struct profile *all = NULL;

	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		if (all)
			doctor_at(doctor, LEVEL_WARNING, CONF_PATH,
				  conf_section_line("profile", profile->name),
				  "[profile %s] is never used, because [profile %s] before it "
				  "matches all users -> move it up, or take it out",
				  profile->name, all->name);
		else if (matches_all(profile))
			all = profile;
	}
}

/* 1: the account stays on the host, 0: it is isolated or refused, -1: cannot be told. */
static int account_exempt(const struct conf *conf, const char *name)
{
	struct request who = {0};
	const struct profile *profile;

	if (identity_resolve(name, &who) < 0)
		return -1;
	const struct conf_subject subject = {.user = who.account,
					     .uid = who.uid,
					     .groups = (const char *const *)who.groups,
					     .groups_count = who.groups_count};

	profile = conf_match(conf, &subject);
	request_free(&who);
	return profile && !profile->isolate;
}

/* If the helper fails, only a login that does not need it can mend the host. */
static void check_admins(struct doctor *doctor)
{
	bool root = account_exempt(doctor->conf, "root") != 0, any = root;

	for (size_t i = 0; i < ADMIN_GROUPS && !any; i++) {
		const struct group *group = getgrnam(admin_groups[i]);
		char *members[64];
		size_t count = 0;

		/* The lookups of an account overwrite what getgrnam(3) returned. */
		for (; group && group->gr_mem[count] && count < 64; count++)
			members[count] = strdup(group->gr_mem[count]);
		for (size_t m = 0; m < count; m++) {
			any |= members[m] && account_exempt(doctor->conf, members[m]) != 0;
			free(members[m]);
		}
	}
	if (!any)
		doctor_at(
		    doctor, LEVEL_PROBLEM, CONF_PATH, 0,
		    "no administrator is exempt: root and all members of sudo, wheel and admin "
		    "are isolated, and if isolation fails, no login can mend it -> put "
		    "'[profile staff]' with 'match = root, @sudo' and 'isolate = no' first");
	else if (!root)
		doctor_at(
		    doctor, LEVEL_WARNING, CONF_PATH, 0,
		    "root is isolated, or matched by no profile: if isolation fails, root "
		    "cannot log in to mend it -> put root into a profile with 'isolate = no'");
}

void doctor_policy(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf->profiles_count; i++)
		check_names(doctor, &doctor->conf->profiles[i]);
	check_reachable(doctor);
	check_admins(doctor);
}

void doctor_conf(struct doctor *doctor)
{
	struct conf *conf = NULL;

	/* conf_read() logs each error with file and line. */
	if (conf_read(CONF_PATH, &conf))
		doctor_at(
		    doctor, LEVEL_PROBLEM, CONF_PATH, 0,
		    "not usable: no login goes through with it -> pam-netns check " CONF_PATH);
	doctor->conf = conf;
}
