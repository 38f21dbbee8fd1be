/*
 * pam-netns doctor: Kerberos tickets in /tmp, for NFS with Kerberos. The kernel asks rpc.gssd for a user's
 * ticket, and rpc.gssd looks into the host's /tmp. With a private /tmp the ticket is not there, and the
 * user cannot read their home directory.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "lines.h"

#define KRB5_CONF "/etc/krb5.conf"

/* rpc.gssd runs if the host has a key. */
static bool gssd_runs(void)
{
	return access("/usr/sbin/rpc.gssd", X_OK) == 0 && access("/etc/krb5.keytab", F_OK) == 0;
}

static const struct profile *private_tmp(const struct conf *conf)
{
	for (size_t i = 0; i < conf->profiles_count; i++)
		for (size_t k = 0; k < conf->profiles[i].private_count; k++)
			if (strcmp(conf->profiles[i].private_dirs[k], "/tmp") == 0)
				return &conf->profiles[i];
	return NULL;
}

/* Copies "FILE:/tmp/krb5cc_%{uid}" of "default_ccache_name = FILE:/tmp/krb5cc_%{uid}". */
static void ccache_read(const char *path, char value[256])
{
	CLEANUP_FILE FILE *file = lines_open(path);
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		(void)sscanf(line, " default_ccache_name = %255s", value);
}

void doctor_kerberos(struct doctor *doctor)
{
	const struct profile *profile = private_tmp(doctor->conf);
	char value[256] = "FILE:/tmp/krb5cc_%{uid}";
	glob_t files = {0};

	if (!profile || !gssd_runs())
		return;
	if (glob(KRB5_CONF ".d/*", 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			ccache_read(files.gl_pathv[i], value);
	globfree(&files);
	ccache_read(KRB5_CONF, value);
	if (strncmp(value, "FILE:/tmp/", strlen("FILE:/tmp/")) == 0 ||
	    strncmp(value, "DIR:/tmp/", strlen("DIR:/tmp/")) == 0 || *value == '/')
		doctor_at(
		    doctor, LEVEL_WARNING, KRB5_CONF, 0,
		    "Kerberos keeps tickets in %s, but /tmp is private in [profile %s]: rpc.gssd "
		    "does not find them, and NFS with Kerberos refuses the user -> sed -i -e "
		    "'/default_ccache_name/d' -e '/^\\[libdefaults\\]/a default_ccache_name = "
		    "KEYRING:persistent:%%{uid}' " KRB5_CONF,
		    value, profile->name);
}
