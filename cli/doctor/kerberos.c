/*
 * pam-netns doctor: Kerberos tickets in /tmp, for NFS with Kerberos. The kernel asks rpc.gssd for a user's
 * ticket, and rpc.gssd looks into the host's /tmp. With a private /tmp the ticket is not there, and the
 * user cannot read their home directory.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "lines.h"

#define KRB5_CONF    "/etc/krb5.conf"
#define SHARED	     "KEYRING:persistent:%%{uid}"
#define INCLUDES_MAX 4 /* one in another */

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

/* Where the name of the ticket file comes from. */
struct ccache {
	char file[256], value[256];
	unsigned line;
};

/* libkrb5 leaves out other files of a folder. */
static bool is_included(const char *path)
{
	const char *name = strrchr(path, '/') + 1, *end = name;

	while (isalnum((unsigned char)*end) || *end == '-' || *end == '_')
		end++;
	return !*end || (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".conf") == 0);
}

static void ccache_find(const char *path, int depth, struct ccache *found);

static void folder_find(const char *folder, int depth, struct ccache *found)
{
	char pattern[256 + sizeof("/*")];
	glob_t files = {0};

	snprintf(pattern, sizeof(pattern), "%s/*", folder);
	if (glob(pattern, 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			if (is_included(files.gl_pathv[i]))
				ccache_find(files.gl_pathv[i], depth, found);
	globfree(&files);
}

/* The first line "default_ccache_name = FILE:/tmp/krb5cc_%{uid}" counts, in the order of includes. */
static void ccache_find(const char *path, int depth, struct ccache *found)
{
	CLEANUP_FILE FILE *file = depth < INCLUDES_MAX ? lines_open(path) : NULL;
	CLEANUP_FREE char *line = NULL;
	char name[256];
	size_t room = 0;

	for (unsigned number = 1; file && !found->line && getline(&line, &room, file) > 0;
	     number++) {
		if (sscanf(line, " default_ccache_name = %255s", found->value) == 1) {
			snprintf(found->file, sizeof(found->file), "%s", path);
			found->line = number;
		} else if (sscanf(line, "includedir %255s", name) == 1) {
			folder_find(name, depth + 1, found);
		} else if (sscanf(line, "include %255s", name) == 1) {
			ccache_find(name, depth + 1, found);
		}
	}
}

static bool in_tmp(const char *value)
{
	return strncmp(value, "FILE:/tmp/", strlen("FILE:/tmp/")) == 0 ||
	       strncmp(value, "DIR:/tmp/", strlen("DIR:/tmp/")) == 0 ||
	       strncmp(value, "/tmp/", strlen("/tmp/")) == 0;
}

void doctor_kerberos(struct doctor *doctor)
{
	const struct profile *profile = private_tmp(doctor->conf);
	struct ccache found = {.file = KRB5_CONF, .value = "FILE:/tmp/krb5cc_%{uid}"};
	char remedy[512];

	if (!profile || !gssd_runs())
		return;
	ccache_find(KRB5_CONF, 0, &found);
	if (!in_tmp(found.value))
		return;
	if (found.line)
		snprintf(remedy, sizeof(remedy), "sed -i '%us|=.*|= " SHARED "|' %s", found.line,
			 found.file);
	else
		snprintf(remedy, sizeof(remedy),
			 "printf '\\n[libdefaults]\\n\\tdefault_ccache_name = %%s\\n' '" SHARED
			 "' >>" KRB5_CONF);
	doctor_at(
	    doctor, LEVEL_WARNING, found.file, found.line,
	    "Kerberos keeps tickets in %s, but /tmp is private in [profile %s]: rpc.gssd does "
	    "not find them, and NFS with Kerberos refuses the user -> %s",
	    found.value, profile->name, remedy);
}
