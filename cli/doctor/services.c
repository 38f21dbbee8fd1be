/*
 * pam-netns doctor: services that run users' programs or let users log in without a PAM session
 * (T7, T36). Their programs run on the host's network.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "lines.h"

#define PROGRAM_MAX (64 << 20) /* bytes; larger programs are not searched */

/* A program that opens a session has the function's name in its symbol table. */
static const struct {
	const char *path, *what;
} programs[] = {
    {"/usr/sbin/cron", "users' cron jobs"},	   {"/usr/sbin/crond", "users' cron jobs"},
    {"/usr/sbin/fcron", "users' cron jobs"},	   {"/usr/sbin/dcron", "users' cron jobs"},
    {"/usr/sbin/bcron-exec", "users' cron jobs"},  {"/usr/bin/bcron-exec", "users' cron jobs"},
    {"/usr/sbin/incrond", "users' incron jobs"},   {"/usr/sbin/atd", "users' at jobs"},
    {"/usr/sbin/dropbear", "users' ssh sessions"}, {"/usr/sbin/tinysshd", "users' ssh sessions"},
};

static bool program_has(const char *path, const char *word)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_FREE char *content = NULL;
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > PROGRAM_MAX)
		return true; /* unknown */
	content = malloc((size_t)st.st_size);
	got = content ? read(fd, content, (size_t)st.st_size) : -1;
	return got != st.st_size || memmem(content, (size_t)got, word, strlen(word));
}

static bool has_word(const char *line, const char *word)
{
	return strstr(line, word) != NULL;
}

/* The first line, in the files that match a pattern, for which found() is true. 0: none.
 * Comments are skipped. */
static unsigned line_find(const char *pattern, bool (*found)(const char *line, const char *word),
			  const char *word, char path[256])
{
	glob_t files = {0};
	unsigned at = 0;

	if (glob(pattern, 0, NULL, &files) != 0)
		files.gl_pathc = 0;
	for (size_t i = 0; i < files.gl_pathc && !at; i++) {
		CLEANUP_FILE FILE *file = lines_open(files.gl_pathv[i]);
		CLEANUP_FREE char *line = NULL;
		size_t room = 0;

		snprintf(path, 256, "%s", files.gl_pathv[i]);
		for (unsigned number = 1; !at && file && getline(&line, &room, file) > 0;
		     number++) {
			const char *text = line + strspn(line, " \t");

			if (*text != '#' && found(text, word))
				at = number;
		}
	}
	globfree(&files);
	return at;
}

/* JupyterHub opens sessions in a thread of the hub, if it opens any. */
static bool opens_sessions(const char *line, const char *word)
{
	const char *value = strstr(line, word);

	value = value ? strchr(value, '=') : NULL;
	return value && strncmp(value + 1 + strspn(value + 1, " "), "True", 4) == 0;
}

/* These start notebooks in containers or batch jobs. */
static bool spawns_elsewhere(const char *line, const char *word)
{
	static const char *const spawners[] = {"docker", "swarm", "kube", "batch", "slurm", "yarn"};

	for (size_t i = 0; i < sizeof(spawners) / sizeof(*spawners); i++)
		if (strstr(line, word) && strcasestr(line, spawners[i]))
			return true;
	return false;
}

static void jupyterhub_check(struct doctor *doctor)
{
	static const char *const folders[] = {"/etc", "/srv", "/opt", "/opt/jupyterhub/etc"};
	char pattern[64], path[256];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		unsigned line;

		snprintf(pattern, sizeof(pattern), "%s/jupyterhub/jupyterhub_config.py",
			 folders[i]);
		if (access(pattern, F_OK) != 0)
			continue;
		if (access(pattern, R_OK) != 0) {
			doctor_at(doctor, LEVEL_SKIPPED, pattern, 0, "only root can check this");
			continue;
		}
		line = line_find(pattern, opens_sessions, "PAMAuthenticator.open_sessions", path);
		if (line)
			doctor_at(
			    doctor, LEVEL_PROBLEM, path, line,
			    "JupyterHub opens PAM sessions in the hub's own process: logins are "
			    "refused, or parts of the hub get into a user's network -> sed -i "
			    "'%us/True/False/' %s && systemctl restart jupyterhub",
			    line, path);
		else if (!line_find(pattern, spawns_elsewhere, "spawner_class", path))
			doctor_at(
			    doctor, LEVEL_WARNING, pattern, 0,
			    "JupyterHub runs users' notebooks without a PAM session, on the "
			    "host's network -> let it start them in containers or batch jobs, "
			    "or on a host without isolated users");
	}
}

void doctor_services(struct doctor *doctor)
{
	jupyterhub_check(doctor);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (access(programs[i].path, X_OK) == 0 &&
		    !program_has(programs[i].path, "pam_open_session"))
			doctor_at(doctor, LEVEL_WARNING, programs[i].path, 0,
				  "%s run on the host's network, because this program opens no PAM "
				  "session -> replace it by one that does (cron, cronie, at, "
				  "openssh-server with PAM), or remove it",
				  programs[i].what);
	}
}

/* "UserDir public_html", but not "UserDir disabled"; or a virtual host's own user. */
static bool names_users(const char *line, const char *word)
{
	char directory[32];

	(void)word;
	return strncmp(line, "SuexecUserGroup", strlen("SuexecUserGroup")) == 0 ||
	       (sscanf(line, "UserDir %31s", directory) == 1 &&
		strcasecmp(directory, "disabled") != 0);
}

static const char *const apache_modules[] = {"/etc/apache2/mods-enabled/*.load",
					     "/etc/httpd/conf.modules.d/*.conf",
					     "/etc/httpd/conf/httpd.conf", NULL};
static const char *const apache_sites[] = {
    "/etc/apache2/mods-enabled/userdir.conf", "/etc/apache2/*-enabled/*.conf",
    "/etc/httpd/conf.d/*.conf", "/etc/httpd/conf/httpd.conf", NULL};

static unsigned apache_find(const char *const *patterns,
			    bool (*found)(const char *line, const char *word), const char *word,
			    char path[256])
{
	unsigned line = 0;

	for (; *patterns && !line; patterns++)
		line = line_find(*patterns, found, word, path);
	return line;
}

/* These modules run programs of web pages as the user who owns the page. */
void doctor_web(struct doctor *doctor)
{
	static const char *const modules[] = {"suexec_module", "mpm_itk_module", "suphp_module",
					      "ruid2_module"};
	char path[256], site[256];

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		unsigned line = apache_find(apache_modules, has_word, modules[i], path);

		/* suexec does nothing until users have pages, or a site has a user. */
		if (line && i == 0 && !apache_find(apache_sites, names_users, NULL, site))
			line = 0;
		if (line)
			doctor_at(doctor, LEVEL_WARNING, path, line,
				  "Apache's %s runs programs of web pages as the users who own "
				  "them, on the host's network -> remove the line (Debian: "
				  "a2dismod %.*s), and restart Apache",
				  modules[i], (int)(strlen(modules[i]) - strlen("_module")),
				  modules[i]);
	}
}
