/* pam-netns doctor: paths in profiles that logins would not find on this host. */
#include "doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/resolve.h"
#include "ns/root.h"
#include "root.h"

/* A path of a key of a profile. */
struct named {
	struct doctor *doctor;
	const struct profile *profile;
	const char *key;
	bool optional;
};

static void path_finding(const struct named *named, const char *path, const char *what,
			 const char *remedy)
{
	doctor_at(named->doctor, LEVEL_PROBLEM, CONF_PATH,
		  conf_section_line("profile", named->profile->name),
		  "%s of [profile %s] names %s, which %s, so its logins are refused -> %s",
		  named->key, named->profile->name, path, what, remedy);
}

/* With an image, paths of users are in it, except those of the host's directories. */
static bool in_image(const struct profile *profile, const char *path)
{
	return profile->root && !image_shares(path) && !path_below(path, "/home");
}

/* The mode of what is there; 0: there is nothing, or it was reported. */
static mode_t path_check(const struct named *named, const char *path, bool users)
{
	bool image = users && in_image(named->profile, path);
	int old = image ? image_begin(named->profile->root) : -1;
	struct resolved at;
	struct stat st = {.st_mode = 0};
	int error;

	if (image && old < 0)
		return 0; /* reported as root's */
	error = path_resolve(path, 0, NULL, NULL, &at);
	if (image)
		image_end(old);
	if (error && !(path_is_missing(error) && named->optional))
		path_finding(named, path, path_resolve_error(error), path_resolve_remedy(error));
	if (error)
		return 0;
	if (fstat(at.fd, &st) < 0)
		st.st_mode = 0;
	cleanup_fd(&at.fd);
	return st.st_mode;
}

static void check_list(struct doctor *doctor, const struct profile *profile, const char *key,
		       const struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct named named = {doctor, profile, key, false};
		char path[CONF_PATH_MAX];

		named.optional = conf_path_word(list->words[i], path);
		(void)path_check(&named, path, true);
	}
}

/* Is it below a hidden folder? Then logins make it. */
static bool target_is_made(const struct profile *profile, const char *target)
{
	char path[CONF_PATH_MAX];

	for (size_t i = 0; i < profile->hide.count; i++) {
		(void)conf_path_word(profile->hide.words[i], path);
		if (path_below(target, path))
			return true;
	}
	return false;
}

/* The part of a path above the first name that differs between users. text: as it is in the word. */
static const char *common_part(const char *path, const char *text, size_t length,
			       char part[CONF_BIND_MAX])
{
	const char *escape = memchr(text, '%', length);

	if (!escape)
		return path;
	snprintf(part, CONF_BIND_MAX, "%.*s", (int)(escape - text), text);
	*(strrchr(part, '/') ?: part) = '\0';
	return *part ? part : "/";
}

static void check_bind(struct doctor *doctor, const struct profile *profile, const char *word)
{
	static const struct who sample = {.uid = 1000, .user = "user", .group = "group"};
	struct named named = {doctor, profile, "bind", false};
	char source[CONF_BIND_MAX], target[CONF_BIND_MAX];
	size_t length = strcspn(word, ":");
	const char *text;
	mode_t from, to;
	struct bind bind;

	if (conf_bind(word, &sample, &bind))
		return;
	named.optional = bind.optional;
	from = path_check(
	    &named, common_part(bind.source, word + bind.optional, length - bind.optional, source),
	    false);
	if ((!strcmp(bind.source, bind.target) && !in_image(profile, bind.target)) ||
	    target_is_made(profile, bind.target))
		return;
	text = word[length] == ':' ? word + length + 1 : word + bind.optional;
	to = path_check(&named, common_part(bind.target, text, strlen(text), target), true);
	if (!strchr(word, '%') && from && to && S_ISDIR(from) != S_ISDIR(to))
		path_finding(&named, bind.target,
			     S_ISDIR(to) ? "is a directory, and its source is not"
					 : "is no directory, and its source is one",
			     "name two files, or two directories");
}

static void check_private(struct doctor *doctor, const struct profile *profile)
{
	const struct named named = {doctor, profile, "private", false};

	for (size_t i = 0; i < profile->private_count; i++)
		(void)path_check(&named, profile->private_dirs[i], true);
}

void doctor_paths(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		check_private(doctor, profile);
		check_list(doctor, profile, "hide", &profile->hide);
		check_list(doctor, profile, "read_only", &profile->read_only);
		for (size_t j = 0; j < profile->bind.count; j++)
			check_bind(doctor, profile, profile->bind.words[j]);
	}
}
