/* [profile NAME]: who gets what. See conf/profile.h. */
#include "conf/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/match.h"

#define PRIVATE_DIRS_MAX 32
#define PRIVATE_CHARS	 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"
#define HOSTNAME_CHARS	 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.%"

static int set_match(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	return match_parse(value, &profile->match, &profile->match_count, why);
}

static int set_isolate(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	return conf_value_bool(value, &profile->isolate, why);
}

static int set_network(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	return conf_value_name(value, profile->network_name, why);
}

/* Kinds that have a name already but no support. */
static bool namespace_is_planned(const char *name)
{
	static const char *const planned[] = {"ipc", "pid", "cgroup", "time"};

	for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++)
		if (!strcmp(planned[i], name))
			return true;
	return false;
}

static int namespace_add(const char *name, unsigned *set, struct conf_reason *why)
{
	enum namespace_kind kind = namespace_find(name);

	if (kind == NAMESPACE_KINDS && namespace_is_planned(name))
		return conf_wrong(why, "%s is not supported by this version; use net mnt uts",
				  name);
	if (kind == NAMESPACE_KINDS)
		return conf_wrong(why, "must be a list of net, mnt and uts");
	if (*set & namespace_kinds[kind].bit)
		return conf_wrong(why, "names %s twice; once is enough", name);
	*set |= namespace_kinds[kind].bit;
	return 0;
}

static int set_namespaces(void *target, const char *value, struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct profile *profile = target;
	unsigned set = 0;
	int error = conf_words_split(value, &words);

	for (size_t i = 0; !error && i < words.count; i++)
		error = namespace_add(words.words[i], &set, why);
	if (error)
		return error;
	if (!(set & NAMESPACE_NET))
		return conf_wrong(why,
				  "must have net; isolate = no is what leaves users on the host's "
				  "network");
	profile->namespaces = set;
	return 0;
}

static int set_hostname(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;
	char sample[CONF_HOSTNAME_MAX];

	if (strlen(value) >= sizeof(profile->hostname))
		return conf_wrong(why, "the template has more than %zu characters",
				  sizeof(profile->hostname) - 1);
	if (value[strspn(value, HOSTNAME_CHARS)])
		return conf_wrong(
		    why, "a host name is letters, digits, '-' and '.', and in the template "
			 "%%u, %%U, %%g, %%h or %%%%");
	strcpy(profile->hostname, value);
	if (conf_hostname(profile, "user", 1000, "group", "host", sample))
		return conf_wrong(why,
				  "makes no host name; use %%u user, %%U uid, %%g group, %%h host, "
				  "such as %%u-%%h");
	return 0;
}

/* What a private directory may not be, because logins or the system need the host's. */
static const struct {
	const char *path;
	bool below; /* nor may it be anywhere below */
} shared[] = {
    {"/", false},	  {"/proc", true},	    {"/sys", true},
    {"/dev", false},	  {"/dev/pts", true},	    {"/run", false},
    {"/run/netns", true}, {"/run/pam-netns", true}, {"/run/user", true},
    {"/etc", false},	  {"/usr", false},	    {"/bin", false},
    {"/sbin", false},	  {"/lib", false},	    {"/lib64", false},
    {"/var", false},	  {"/var/lib", false},	    {"/var/lib/pam-netns", true},
    {"/var/log", false},  {"/var/run", true},	    {"/home", false},
};

/* Whether path is dir or lies below it. */
static bool path_within(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (!path[length] || path[length] == '/');
}

static bool path_normal(const char *path)
{
	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (!length || (length == 1 && *path == '.') ||
		    (length == 2 && !strncmp(path, "..", 2)))
			return false;
		path += length;
	}
	return true;
}

static int private_check(const char *dir, const struct profile *profile, struct conf_reason *why)
{
	if (dir[strspn(dir, PRIVATE_CHARS)] || strlen(dir) >= 256)
		return conf_wrong(
		    why, "a directory is letters, digits and '/._-+@', and shorter than 256 "
			 "characters");
	if (strcmp(dir, "/") != 0 && !path_normal(dir))
		return conf_wrong(
		    why,
		    "'%s' must be an absolute path without '.', '..', '//' or a '/' at "
		    "its end",
		    dir);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (!strcmp(dir, shared[i].path) ||
		    (shared[i].below && path_within(dir, shared[i].path)))
			return conf_wrong(why,
					  "'%s' cannot be private, logins need the host's; choose "
					  "directories such as /tmp",
					  dir);
	for (size_t i = 0; i < profile->private_count; i++)
		if (path_within(dir, profile->private_dirs[i]) ||
		    path_within(profile->private_dirs[i], dir))
			return conf_wrong(why, "'%s' and '%s' lie in each other; keep one", dir,
					  profile->private_dirs[i]);
	return 0;
}

static int set_private(void *target, const char *value, struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct profile *profile = target;
	int error;

	if (!strcmp(value, "none"))
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (!words.count || words.count > PRIVATE_DIRS_MAX)
		return conf_wrong(why, "must be none, or from 1 to %d directories",
				  PRIVATE_DIRS_MAX);
	profile->private_dirs = calloc(words.count, sizeof(*profile->private_dirs));
	if (!profile->private_dirs)
		return -ENOMEM;
	for (size_t i = 0; i < words.count; i++) {
		error = private_check(words.words[i], profile, why);
		if (error)
			return error;
		profile->private_dirs[i] = strdup(words.words[i]);
		if (!profile->private_dirs[i])
			return -ENOMEM;
		profile->private_count++;
	}
	return 0;
}

/* "25%" of memory, "512M", or "auto", which leaves both at 0. */
static int set_private_size(void *target, const char *value, struct conf_reason *why)
{
	static const char units[] = "%KMG";
	struct profile *profile = target;
	size_t digits = strspn(value, "0123456789");
	const char *unit = strchr(units, value[digits]);
	char number[16] = "";
	uint64_t count;

	if (!strcmp(value, "auto"))
		return 0;
	if (digits < sizeof(number))
		memcpy(number, value, digits);
	if (!value[digits] || !unit || value[digits + 1] || !conf_digits(number, 1 << 30, &count) ||
	    !count || (*unit == '%' && count > 100))
		return conf_wrong(
		    why, "must be auto, a share of memory from 1%% to 100%%, or a size with "
			 "K, M or G, such as 512M");
	if (*unit == '%')
		profile->private_percent = (unsigned)count;
	else
		profile->private_bytes = count << (10 * (unit - units));
	return 0;
}

static int set_private_exec(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;
	bool exec;

	profile->private_exec = EXEC_AUTO;
	if (!strcmp(value, "auto"))
		return 0;
	if (conf_value_bool(value, &exec, why))
		return conf_wrong(why, "must be auto (as the host's directory is), yes or no");
	profile->private_exec = exec ? EXEC_YES : EXEC_NO;
	return 0;
}

static int set_linger(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	profile->linger = !strcmp(value, "no") ? LINGER_NO : LINGER_PROCESSES;
	if (profile->linger == LINGER_NO || !strcmp(value, "processes"))
		return 0;
	return conf_wrong(why, "must be processes (until the user's last process has ended) or no");
}

static int set_nested(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	profile->nested = !strcmp(value, "host") ? NESTED_HOST : NESTED_STAY;
	if (profile->nested == NESTED_HOST || !strcmp(value, "stay"))
		return 0;
	return conf_wrong(why, "must be stay or host");
}

static int set_net_admin(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;
	int error = conf_value_bool(value, &profile->net_admin, why);

	if (!error && profile->net_admin)
		return conf_wrong(why, "is not supported by this version; write no");
	return error;
}

static int set_low_ports(void *target, const char *value, struct conf_reason *why)
{
	struct profile *profile = target;

	return conf_value_bool(value, &profile->low_ports, why);
}

static const struct conf_key profile_keys[] = {
    {"match", NULL, set_match},
    {"isolate", "yes", set_isolate},
    {"network", "default", set_network},
    {"namespaces", "net mnt uts", set_namespaces},
    {"hostname", "%h", set_hostname},
    {"private", "/tmp /var/tmp /dev/shm", set_private},
    {"private_size", "auto", set_private_size},
    {"private_exec", "auto", set_private_exec},
    {"linger", "processes", set_linger},
    {"low_ports", "no", set_low_ports},
    {"net_admin", "no", set_net_admin},
    {"nested", "stay", set_nested},
};

static void private_forget(struct profile *profile)
{
	for (size_t i = 0; i < profile->private_count; i++)
		free(profile->private_dirs[i]);
	free(profile->private_dirs);
	profile->private_dirs = NULL;
	profile->private_count = 0;
}

/* Reports a key that has no effect beside what another key says. */
static void key_refuse(const struct conf_section *section, const char *key, const char *why,
		       struct conf_report *report)
{
	const struct conf_place place = conf_section_place(section, key);

	if (place.value)
		conf_report_add(report, &place, "%s", why);
}

static void host_profile_check(const struct conf_section *section, struct profile *profile,
			       struct conf_report *report)
{
	for (size_t i = 0; i < sizeof(profile_keys) / sizeof(profile_keys[0]); i++) {
		const char *key = profile_keys[i].name;

		if (strcmp(key, "match") && strcmp(key, "isolate") && strcmp(key, "nested"))
			key_refuse(section, key,
				   "has no effect where isolate = no; remove the line, or write "
				   "isolate = yes",
				   report);
	}
	private_forget(profile);
	profile->network_name[0] = '\0';
	profile->namespaces = 0;
}

static void isolated_profile_check(const struct conf_section *section, struct profile *profile,
				   struct conf_report *report)
{
	key_refuse(section, "nested", "has an effect only where isolate = no; remove the line",
		   report);
	if (profile->namespaces && !(profile->namespaces & NAMESPACE_UTS))
		key_refuse(
		    section, "hostname",
		    "needs a namespace of its own; add uts to namespaces, or remove the line",
		    report);
	if (profile->namespaces && !(profile->namespaces & NAMESPACE_MNT)) {
		static const char *const keys[] = {"private", "private_size", "private_exec"};

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			key_refuse(section, keys[i],
				   "needs a namespace of its own; add mnt to namespaces, or remove "
				   "the line",
				   report);
		private_forget(profile);
	}
}

int conf_profile_read(const struct conf_section *section, struct profile *out,
		      struct conf_report *report)
{
	const struct conf_entry *isolate = conf_section_entry(section, "isolate");
	int error = conf_section_read(section, profile_keys,
				      sizeof(profile_keys) / sizeof(profile_keys[0]), out, report);

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
	private_forget(profile);
}
