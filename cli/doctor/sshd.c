/*
 * pam-netns doctor: does sshd open PAM sessions? With `UsePAM no` it does not, and every ssh login
 * is on the host's network (T7). sshd itself answers (sshd -T). Its files give the line to change,
 * and the setting if sshd does not start. sshd's own default is no.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "doctor.h"
#include "lines.h"
#include "output.h"

#define SSHD	     "/usr/sbin/sshd"
#define SSHD_CONFIG  "/etc/ssh/sshd_config"
#define INCLUDES_MAX 16
#define OUTPUT_MAX   32768

struct found {
	char file[512];
	unsigned line;
	bool said, yes;
};

static void config_read(const char *path, struct found *found, unsigned depth);

/* Include takes patterns, relative to /etc/ssh. */
static void include_read(char *patterns, struct found *found, unsigned depth)
{
	char *pattern;

	while ((pattern = strsep(&patterns, " \t\""))) {
		char path[512];
		glob_t files = {0};

		if (!*pattern)
			continue;
		snprintf(path, sizeof(path), "%s%s", *pattern == '/' ? "" : "/etc/ssh/", pattern);
		if (glob(path, 0, NULL, &files) == 0)
			for (size_t i = 0; i < files.gl_pathc && !found->said; i++)
				config_read(files.gl_pathv[i], found, depth + 1);
		globfree(&files);
	}
}

/* The first line that sets it is in effect. It may not be in a Match block, which continues to
 * the end of the file. */
static void config_read(const char *path, struct found *found, unsigned depth)
{
	CLEANUP_FILE FILE *file = lines_open(path);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	if (depth >= INCLUDES_MAX)
		return;
	for (unsigned number = 1; file && !found->said && getline(&line, &room, file) > 0;
	     number++) {
		char *rest = line + strspn(line, " \t"), *key;

		rest[strcspn(rest, "\n")] = '\0';
		key = strsep(&rest, " \t=");
		if (strcasecmp(key, "Match") == 0)
			return;
		if (!rest)
			continue;
		if (strcasecmp(key, "Include") == 0)
			include_read(rest, found, depth);
		if (strcasecmp(key, "UsePAM") != 0)
			continue;
		rest += strspn(rest, " \t=\"");
		found->said = true;
		found->yes = strncasecmp(rest, "yes", 3) == 0;
		found->line = number;
		snprintf(found->file, sizeof(found->file), "%s", path);
	}
}

/* "usepam yes" as sshd reads its own files, or NULL: sshd does not start. */
static const char *sshd_says(char *text, size_t size)
{
	char *const words[] = {(char[]){SSHD}, (char[]){"-T"}, NULL};
	const char *line = output_read(words, text, size) ? strstr(text, "usepam ") : NULL;

	return line && (line == text || line[-1] == '\n') ? line : NULL;
}

void doctor_sshd(struct doctor *doctor)
{
	struct found found = {0};
	char text[OUTPUT_MAX];
	const char *says;

	if (access(SSHD, X_OK) != 0)
		return;
	config_read(SSHD_CONFIG, &found, 0);
	says = sshd_says(text, sizeof(text));
	if (says ? strncmp(says, "usepam no", strlen("usepam no")) != 0 : found.said && found.yes)
		return;
	if (found.said && !found.yes)
		doctor_at(
		    doctor, LEVEL_PROBLEM, found.file, found.line,
		    "UsePAM is no: ssh logins are on the host's network -> write 'UsePAM yes' "
		    "and reload sshd");
	else
		doctor_at(doctor, LEVEL_PROBLEM, SSHD_CONFIG, 0,
			  "%s: ssh logins are on the host's network -> add 'UsePAM yes' as the "
			  "first line and reload sshd",
			  found.said ? "UsePAM is no, as sshd -T says"
				     : "UsePAM is not set, and sshd's default is no");
}
