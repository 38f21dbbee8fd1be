/*
 * pam-netns doctor: profiles with linger = no, next to a logind that leaves programs alone at logout. Such
 * a program keeps the user's manager, which is a session of the user, so the last logout does not come.
 */
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "base/paths.h"
#include "output.h"

#define LOGIND_CONF "/etc/systemd/logind.conf.d/pam-netns.conf"

static const struct profile *linger_no(const struct conf *conf)
{
	for (size_t i = 0; i < conf->profiles_count; i++)
		if (conf->profiles[i].isolate && conf->profiles[i].linger == LINGER_NO)
			return &conf->profiles[i];
	return NULL;
}

void doctor_linger(struct doctor *doctor)
{
	const struct profile *profile = linger_no(doctor->conf);
	char *const words[] = {(char[]){"/usr/bin/busctl"},
			       (char[]){"get-property"},
			       (char[]){"org.freedesktop.login1"},
			       (char[]){"/org/freedesktop/login1"},
			       (char[]){"org.freedesktop.login1.Manager"},
			       (char[]){"KillUserProcesses"},
			       NULL};
	char value[64];

	if (!profile || access("/run/systemd/seats", F_OK) != 0)
		return;
	if (!output_read(words, value, sizeof(value))) {
		doctor_at(
		    doctor, LEVEL_SKIPPED, NULL, 0,
		    "%s does not tell whether logind lets programs go on after logout -> look at "
		    "the error of loginctl",
		    words[0]);
		return;
	}
	if (strncmp(value, "b false", strlen("b false")) != 0)
		return;
	doctor_at(doctor, LEVEL_WARNING, CONF_PATH, conf_section_line("profile", profile->name),
		  "[profile %s] has linger = no, but logind lets programs go on after logout, and "
		  "they keep the user's manager and the user active -> mkdir -p "
		  "/etc/systemd/logind.conf.d && printf '[Login]\\nKillUserProcesses=yes\\n' "
		  ">" LOGIND_CONF " && systemctl restart systemd-logind # it ends other users' "
		  "programs at logout too, but those of root and KillExcludeUsers",
		  profile->name);
}
