/* pam-netns doctor: sudo rules that list hosts. A changed host name would change their meaning. */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "lines.h"

#define SUDOERS "/etc/sudoers"

/* Calls found() for each line of a file until it returns true. Comments are skipped. */
static bool file_scan(const char *path, bool (*found)(char *line))
{
	CLEANUP_FILE FILE *file = lines_open(path);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		line[strcspn(line, "#\n")] = '\0';
		if (found(line))
			return true;
	}
	return false;
}

/*
 * A user specification, "WHO HOSTS = …", with hosts other than ALL. This is approximate: continued
 * lines are skipped.
 */
static bool is_host_rule(char *line)
{
	static const char *const other[] = {"Defaults",	  "User_Alias", "Runas_Alias", "Host_Alias",
					    "Cmnd_Alias", "Cmd_Alias",	"@include"};
	char *equals = strchr(line, '=');

	line += strspn(line, " \t");
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		if (!strncmp(line, other[i], strlen(other[i])))
			return false;
	}
	if (!equals || equals <= line)
		return false;
	while (equals > line && isspace((unsigned char)equals[-1]))
		equals--;
	*equals = '\0';
	line = strpbrk(line, " \t"); /* after WHO */
	return line && strcmp(line + strspn(line, " \t"), "ALL") != 0;
}

static bool hostname_changes(const struct conf *conf)
{
	for (size_t i = 0; i < conf->profiles_count; i++) {
		const struct profile *profile = &conf->profiles[i];

		if (profile->isolate && (profile->namespaces & NAMESPACE_UTS) &&
		    strcmp(profile->hostname, "%h") != 0)
			return true;
	}
	return false;
}

void doctor_sudoers(struct doctor *doctor)
{
	glob_t files = {0};

	if (!hostname_changes(doctor->conf))
		return;
	if (file_scan(SUDOERS, is_host_rule))
		doctor_warning(doctor, SUDOERS
			       " lists hosts, and a profile changes the host name: sudo compares "
			       "the new name -> list the new name too, or use ALL");
	if (glob(SUDOERS ".d/*", 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++) {
			if (file_scan(files.gl_pathv[i], is_host_rule))
				doctor_warning(
				    doctor,
				    "%s lists hosts, and a profile changes the host name: sudo "
				    "compares the new name -> list the new name too, or use ALL",
				    files.gl_pathv[i]);
		}
	}
	globfree(&files);
}
