/*
 * pam-netns doctor: files of sysctl.d(5) that disable forwarding or IPv6 whenever they are applied:
 * at a boot, and by `sysctl --system` while users are active.
 */
#include "sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../command.h"
#include "doctor.h"
#include "net/ipv6.h"
#include "lines.h"

#define LAST "/etc/sysctl.conf"

static const char *const folders[] = {"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d",
				      "/usr/lib/sysctl.d", "/lib/sysctl.d"};
#define FOLDERS (sizeof(folders) / sizeof(*folders))

/* "net.ipv4.ip_forward = 0", with dots or slashes, with or without a leading "-". */
static bool line_sets(char *line, const char *setting, long *value)
{
	char *sign = strchr(line, '='), *end;
	char *name = line + strspn(line, " \t-");

	if (*name == '#' || *name == ';' || !sign)
		return false;
	*sign = '\0';
	name[strcspn(name, " \t")] = '\0';
	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '.';
	if (strcmp(name, setting) != 0)
		return false;
	*value = strtol(sign + 1, &end, 10);
	return end != sign + 1;
}

static bool file_search(const char *path, const char *setting, struct sysctl_line *out)
{
	CLEANUP_FILE FILE *file = lines_open(path);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	bool found = false;

	for (unsigned number = 1; file && getline(&line, &room, file) > 0; number++) {
		if (!line_sets(line, setting, &out->value))
			continue;
		snprintf(out->file, sizeof(out->file), "%s", path);
		out->line = number;
		found = true;
	}
	return found;
}

static int name_is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Does an earlier folder have a file of this name? */
static bool name_is_masked(const char *name, size_t folder)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < folder; i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

bool sysctl_line_find(const char *setting, struct sysctl_line *out)
{
	char last[NAME_MAX + 1] = "", path[PATH_MAX];
	struct sysctl_line line;
	bool found = false;

	for (size_t f = 0; f < FOLDERS; f++) {
		struct dirent **entries;
		int count = scandir(folders[f], &entries, name_is_conf, alphasort);

		for (int i = 0; i < count; i++) {
			const char *name = entries[i]->d_name;

			snprintf(path, sizeof(path), "%s/%s", folders[f], name);
			if (!name_is_masked(name, f) && strcmp(name, last) >= 0 &&
			    file_search(path, setting, &line)) {
				*out = line;
				snprintf(last, sizeof(last), "%s", name);
				found = true;
			}
			free(entries[i]);
		}
		if (count >= 0)
			free(entries);
	}
	if (file_search(LAST, setting, &line)) {
		*out = line;
		found = true;
	}
	return found;
}

static void setting_check(struct doctor *doctor, const char *setting, bool wrong_if_zero,
			  const char *consequence)
{
	struct sysctl_line line;

	if (sysctl_line_find(setting, &line) && (line.value == 0) == wrong_if_zero)
		doctor_at(doctor, LEVEL_WARNING, line.file, line.line,
			  "whenever this file is applied (at a boot, by sysctl --system), %s until "
			  "the next login or gc: %s = %ld -> sed -i '%us/^/#/' %s",
			  consequence, setting, line.value, line.line, line.file);
}

void doctor_sysctl(struct doctor *doctor)
{
	bool ipv6 = false;

	for (size_t i = 0; i < doctor->conf->networks_count; i++)
		ipv6 |= doctor->conf->networks[i].subnet6_source != SOURCE_NONE;
	if (!doctor->conf->networks_count)
		return;
	setting_check(doctor, "net.ipv4.ip_forward", true, "users cannot reach the outside");
	setting_check(doctor, "net.ipv4.conf.all.forwarding", true,
		      "users cannot reach the outside");
	/* Another check reports IPv6 that is disabled now. */
	if (!ipv6 || ipv6_disabled())
		return;
	setting_check(doctor, "net.ipv6.conf.all.forwarding", true,
		      "users cannot reach the outside over IPv6");
	setting_check(doctor, "net.ipv6.conf.all.disable_ipv6", false, "users have no IPv6");
	setting_check(doctor, "net.ipv6.conf.default.disable_ipv6", false,
		      "new links have no IPv6");
}
