/*
 * pam-netns doctor: PAM stacks that authselect(8) writes. It replaces a file of a profile that it ships
 * whenever a feature is changed or the package is upgraded, and a line of ours is lost.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "lines.h"
#include "pam_stack.h"

#define FOLDER "/etc/authselect"
#define CUSTOM "custom/"

/* The first line of its conf file is the profile, each further line is a feature: " FEATURE FEATURE". */
static bool profile_read(char profile[128], char features[512])
{
	CLEANUP_FILE FILE *file = lines_open(FOLDER "/authselect.conf");
	char feature[64];
	size_t used = 0;

	if (!file || fscanf(file, "%127s", profile) != 1)
		return false;
	*features = '\0';
	while (used + sizeof(feature) < 512 && fscanf(file, "%63s", feature) == 1)
		used += (size_t)snprintf(features + used, 512 - used, " %s", feature);
	return true;
}

static void file_check(struct doctor *doctor, const char *path, const char *profile,
		       const char *features)
{
	CLEANUP_FILE FILE *file = lines_open(path);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	for (unsigned number = 1; file && getline(&line, &room, file) > 0; number++) {
		if (line[strspn(line, " \t")] == '#' || !strstr(line, PAM_MODULE))
			continue;
		doctor_at(doctor, LEVEL_WARNING, path, number,
			  "authselect overwrites this file at the next change or upgrade, and then "
			  "logins are on the host's network -> authselect create-profile pam-netns "
			  "-b %s && sed -i '$a session required " PAM_MODULE "' " FOLDER
			  "/custom/pam-netns/system-auth " FOLDER
			  "/custom/pam-netns/password-auth && authselect select custom/pam-netns%s "
			  "--force",
			  profile, features);
		return;
	}
}

void doctor_authselect(struct doctor *doctor)
{
	char profile[128], features[512];
	glob_t files = {0};

	if (!profile_read(profile, features) || strncmp(profile, CUSTOM, strlen(CUSTOM)) == 0)
		return;
	/* One finding: its remedy is for all files. */
	if (glob(FOLDER "/*-auth", 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc && !doctor->found; i++)
			file_check(doctor, files.gl_pathv[i], profile, features);
	globfree(&files);
	if (!doctor->found)
		file_check(doctor, FOLDER "/postlogin", profile, features);
}
