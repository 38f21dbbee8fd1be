/* [profile NAME]: what a group of users gets. See conf/profile.h. */
#include "conf/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/resolve.h"
#include "conf/kind.h"
#include "conf/match.h"
#include "conf/view.h"

#define HOSTNAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.%"

/*
 * sudo's tickets name a process by its number and start, which a time namespace lets happen again.
 * So they end with the namespace, and none is valid both inside and outside.
 */
#define TICKETS "/run/sudo" /* at a boot sudo has not made the folder ts in it yet */

static int namespace_unknown(const char *name, struct conf_reason *why)
{
	char known[NAMESPACES_TEXT_MAX], shown[64];

	return conf_wrong(why, "unknown namespace '%s'; known: %s",
			  conf_printable(name, shown, sizeof(shown)),
			  namespaces_text(NAMESPACES_ALL, known));
}

static int namespace_add(const char *name, unsigned *set, struct conf_reason *why)
{
	enum namespace_kind kind = namespace_find(name);

	if (kind == NAMESPACE_KINDS)
		return namespace_unknown(name, why);
	if (*set & namespace_kinds[kind].bit)
		return conf_wrong(why, "names %s twice; once is enough", name);
	*set |= namespace_kinds[kind].bit;
	return 0;
}

int conf_namespaces_parse(const struct conf_key *key, void *target, const char *value,
			  struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct profile *profile = target;
	unsigned set = 0;
	int error = conf_words_split(value, &words);

	(void)key;
	for (size_t i = 0; !error && i < words.count; i++)
		error = namespace_add(words.words[i], &set, why);
	if (error)
		return error;
	if (!(set & NAMESPACE_NET))
		return conf_wrong(
		    why, "must have net; to leave users on the host's network, write isolate = no");
	/* A queue of the host's that a process opens by its file in /dev/mqueue works. */
	if ((set & NAMESPACE_IPC) && !(set & NAMESPACE_MNT))
		return conf_wrong(why, "ipc needs mnt, because the host's message queues would "
				       "stay in /dev/mqueue; add mnt, or remove ipc");
	if ((set & NAMESPACE_PID) && !(set & NAMESPACE_MNT))
		return conf_wrong(why,
				  "pid needs mnt, for a /proc that shows the user's processes; "
				  "add mnt, or remove pid");
	if ((set & NAMESPACE_CGROUP) && !(set & NAMESPACE_MNT))
		return conf_wrong(why, "cgroup needs mnt, because /sys/fs/cgroup would show the "
				       "host's groups; add mnt, or remove cgroup");
	if ((set & NAMESPACE_TIME) && !(set & NAMESPACE_MNT))
		return conf_wrong(why, "time needs mnt, so that sudo's tickets in " TICKETS
				       " can be private; add mnt, or remove time");
	profile->namespaces = set;
	return 0;
}

int conf_hostname_parse(const struct conf_key *key, void *target, const char *value,
			struct conf_reason *why)
{
	struct profile *profile = target;
	char sample[CONF_HOSTNAME_MAX];

	(void)key;
	if (strlen(value) >= sizeof(profile->hostname))
		return conf_wrong(why, "the template has more than %zu characters",
				  sizeof(profile->hostname) - 1);
	if (value[strspn(value, HOSTNAME_CHARS)])
		return conf_wrong(
		    why, "a template has letters, digits, '-', '.', %%u, %%U, %%g, %%h and %%%%");
	strcpy(profile->hostname, value);
	if (conf_hostname(profile, "user", 1000, "group", "host", sample))
		return conf_wrong(why,
				  "makes no host name; use %%u user, %%U uid, %%g group, %%h host, "
				  "such as %%u-%%h");
	return 0;
}

int conf_processes_parse(const struct conf_key *key, void *target, const char *value,
			 struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct profile *profile = target;
	int error = conf_words_split(value, &words), word;

	if (error)
		return error;
	word = words.count ? conf_word_index(key, words.words[0]) : -1;
	if (word < 0 || words.count > 1U + (word == PROCESSES_OWN))
		return conf_wrong(why, "must be all, own, or own and the group that sees all "
				       "processes, such as own adm");
	if (words.count == 2 && !match_name_valid(words.words[1]))
		return conf_wrong(why, "the word after own must be the name of a group");
	profile->processes = (enum conf_processes)word;
	if (words.count == 2)
		profile->watchers = strdup(words.words[1]);
	return words.count < 2 || profile->watchers ? 0 : -ENOMEM;
}

int conf_root_parse(const struct conf_key *key, void *target, const char *value,
		    struct conf_reason *why)
{
	struct profile *profile = target;

	if (conf_word_index(key, value) >= 0)
		return 0;
	profile->root_changes = strncmp(value, ROOT_IMAGE, strlen(ROOT_IMAGE)) == 0;
	value += profile->root_changes ? strlen(ROOT_IMAGE) : 0;
	if (value[strspn(value, CONF_PATH_CHARS)] || strlen(value) >= CONF_PATH_MAX ||
	    !conf_path_normal(value))
		return conf_wrong(why,
				  "must be / for the host's, or the absolute path of a directory, "
				  "without '.', '..', '//' or a '/' at its end, such as "
				  "/srv/images/lab or image:/srv/images/lab");
	profile->root = strdup(value);
	return profile->root ? 0 : -ENOMEM;
}

/* Directories that cannot be private, because logins or the system need the host's. */
static const struct {
	char path[20];
	bool below; /* and all directories below these */
} shared[] = {
    {"/", false},	  {"/proc", true},	    {"/sys", true},
    {"/dev", false},	  {"/dev/pts", true},	    {"/run", false},
    {"/run/netns", true}, {"/run/pam-netns", true}, {"/run/user", true},
    {"/etc", false},	  {"/usr", false},	    {"/bin", false},
    {"/sbin", false},	  {"/lib", false},	    {"/lib64", false},
    {"/var", false},	  {"/var/lib", false},	    {"/var/lib/pam-netns", true},
    {"/var/log", false},  {"/var/run", true},	    {"/home", false},
};

int conf_directory_check(const char *dir, char *const *others, size_t count,
			 struct conf_reason *why)
{
	if (dir[strspn(dir, CONF_PATH_CHARS)] || strlen(dir) >= CONF_PATH_MAX)
		return conf_wrong(why,
				  "a directory's path has letters, digits and '/._-+@', and "
				  "less than %d characters",
				  CONF_PATH_MAX);
	if (strcmp(dir, "/") != 0 && !conf_path_normal(dir))
		return conf_wrong(
		    why,
		    "'%s' must be an absolute path without '.', '..', '//' or a '/' at "
		    "its end",
		    dir);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (!strcmp(dir, shared[i].path) ||
		    (shared[i].below && path_below(dir, shared[i].path)))
			return conf_wrong(why,
					  "'%s' cannot be private, because logins need the host's; "
					  "choose directories such as /tmp",
					  dir);
	for (size_t i = 0; i < count; i++)
		if (path_below(dir, others[i]) || path_below(others[i], dir))
			return conf_wrong(why, "'%s' and '%s' overlap; keep one", dir, others[i]);
	return 0;
}

static void paths_forget(struct profile *profile)
{
	for (size_t i = 0; i < profile->private_count; i++)
		free(profile->private_dirs[i]);
	free(profile->private_dirs);
	profile->private_dirs = NULL;
	profile->private_count = 0;
	conf_view_forget(profile);
}

const char *conf_key_lacks(const struct conf_key *key, unsigned namespaces)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if (namespace_kinds[i].bit & key->needs & ~namespaces)
			return namespace_kinds[i].name;
	return NULL;
}

/* Reports a key that has no effect because of another key. */
static void key_refuse(const struct conf_section *section, const struct conf_key *key,
		       const char *why, struct conf_report *report)
{
	const struct conf_place place = conf_section_place(section, key->name);

	if (place.value)
		conf_report_add(report, &place, "%s", why);
}

/* The keys that have no effect in a profile that isolates, or in one that does not. */
static void keys_refuse(const struct conf_section *section, enum conf_only only, const char *why,
			struct conf_report *report)
{
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++)
		if (conf_keys[i].section == CONF_PROFILE && conf_keys[i].only == only)
			key_refuse(section, &conf_keys[i], why, report);
}

static void host_profile_check(const struct conf_section *section, struct profile *profile,
			       struct conf_report *report)
{
	keys_refuse(section, CONF_ISOLATED,
		    "has no effect if isolate = no; remove the line, or write isolate = yes",
		    report);
	paths_forget(profile);
	profile->network_name[0] = '\0';
	profile->namespaces = 0;
}

static void tickets_check(const struct conf_section *section, const struct profile *profile,
			  struct conf_report *report)
{
	const struct conf_place place = conf_section_place(section, "namespaces");

	if (!(profile->namespaces & NAMESPACE_TIME))
		return;
	for (size_t i = 0; i < profile->private_count; i++)
		if (path_below(TICKETS "/ts", profile->private_dirs[i]))
			return;
	conf_report_add(
	    report, &place,
	    "time needs private tickets of sudo, because a ticket names a process by a start "
	    "time that comes again in a time namespace; add " TICKETS " to private, or "
	    "remove time");
}

static void isolated_profile_check(const struct conf_section *section, struct profile *profile,
				   struct conf_report *report)
{
	keys_refuse(section, CONF_ON_HOST, "has an effect only if isolate = no; remove the line",
		    report);
	if (!profile->namespaces)
		return;
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];
		const char *name = conf_key_lacks(key, profile->namespaces);
		char why[96];

		if (key->section != CONF_PROFILE || !name)
			continue;
		snprintf(why, sizeof(why),
			 "needs the %s namespace; add %s to namespaces, or remove the line", name,
			 name);
		key_refuse(section, key, why, report);
	}
	if (!(profile->namespaces & NAMESPACE_MNT))
		paths_forget(profile);
	tickets_check(section, profile, report);
	conf_view_check(section, profile, report);
}

int conf_profile_read(const struct conf_section *section, struct profile *out,
		      struct conf_report *report)
{
	const struct conf_entry *isolate = conf_section_entry(section, "isolate");
	int error = conf_section_read(section, CONF_PROFILE, out, report);

	if (error)
		return error;
	if (out->isolate)
		isolated_profile_check(section, out, report);
	else if (isolate && !strcmp(isolate->value, "no"))
		host_profile_check(section, out, report);
	return 0;
}

void conf_profile_free(struct profile *profile)
{
	match_free(profile->match, profile->match_count);
	paths_forget(profile);
}
