/* pam-netns doctor: paths in profiles that logins would not find on this host. */
#include "doctor.h"

#include <errno.h>

#include "base/paths.h"
#include "base/resolve.h"

static void check_hide(struct doctor *doctor, const struct profile *profile, const char *word)
{
	char path[CONF_PATH_MAX];
	struct resolved at;
	bool optional = conf_hide_path(word, path);
	int error = path_resolve(path, 0, NULL, NULL, &at);
	bool missing = error == -ENOENT || error == -ENOTDIR;
	CLEANUP_FD int fd = at.fd;

	if (!error || (missing && optional))
		return;
	doctor_at(doctor, LEVEL_PROBLEM, CONF_PATH, conf_section_line("profile", profile->name),
		  "hide of [profile %s] names %s, which %s, so its logins are refused -> %s%s",
		  profile->name, path, path_resolve_error(error),
		  missing ? "correct the path, or let it be missing: ?"
			  : "write the path without links",
		  missing ? word : "");
}

void doctor_paths(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		for (size_t j = 0; j < profile->hide.count; j++)
			check_hide(doctor, profile, profile->hide.words[j]);
	}
}
