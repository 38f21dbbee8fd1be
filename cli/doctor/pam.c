/*
 * pam-netns doctor: PAM's stacks. Each finding names file and line.
 *
 * The check reads each service's session stack as PAM does. If one stack has our line, then every
 * stack that lets users log in must have it (T7), in a form that refuses the login if isolation
 * fails (T1), and no line before it may end the stack with success.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pam_stack.h"
#include "base/paths.h"

#define SERVICES_MAX 512
#define REPORTED_MAX 256

/* Services that let users log in, if they have a file of that name. */
static const char *const login_services[] = {
    "atd",	  "cockpit",	  "cron",   "crond",	    "kde",
    "login",	  "mosh",	  "ppp",    "remote",	    "rexec",
    "rlogin",	  "rsh",	  "sshd",   "su",	    "su-l",
    "sudo",	  "sudo-i",	  "sudo-l", "gdm-password", "gdm-autologin",
    "lightdm",	  "sddm",	  "xdm",    "greetd",	    "lxdm",
    "other",	  "systemd-user", "vlock",  "xrdp-sesman",  "rstudio",
    "jupyterhub", "x2goserver",
};

/* These modules need the host's network or mounts when a session opens, so they
 * come before our line. */
static const char *const before_us[] = {
    "pam_unix.so",

    "pam_mount.so",	   "pam_mkhomedir.so", "pam_oddjob_mkhomedir.so", "pam_krb5.so",
    "pam_sss.so",	   "pam_ldap.so",      "pam_winbind.so",	  "pam_namespace.so",
    "pam_afs_session.so",  "pam_ecryptfs.so",  "pam_fscrypt.so",	  "pam_zfs_key.so",
    "pam_systemd_home.so",
};

static bool listed(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] && strcmp(list[i], name) == 0)
			return true;
	return false;
}
#define LISTED(list, name) listed(list, sizeof(list) / sizeof(*(list)), name)

struct pam_check {
	struct doctor *doctor;
	char *services[SERVICES_MAX];
	size_t services_count;
	char *reported[REPORTED_MAX]; /* "ID FILE:LINE" */
	size_t reported_count;
	unsigned stacks;     /* with our line */
	unsigned unreadable; /* for this user */
};

/* Was the finding reported before? Many services include the same file. */
static bool reported(struct pam_check *pam, char *text)
{
	if (listed((const char *const *)pam->reported, pam->reported_count, text) ||
	    pam->reported_count == REPORTED_MAX) {
		free(text);
		return true;
	}
	pam->reported[pam->reported_count++] = text;
	return false;
}

__attribute__((format(printf, 6, 7))) static void pam_finding(struct pam_check *pam, const char *id,
							      enum level level, const char *file,
							      unsigned number, const char *format,
							      ...)
{
	const char *former = pam->doctor->id;
	char *text, what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (asprintf(&text, "%s %s:%u", id, file, number) < 0 || reported(pam, text))
		return;
	pam->doctor->id = id;
	doctor_at(pam->doctor, level, file, number, "%s", what);
	pam->doctor->id = former;
}

static bool is_ours(const struct pam_line *line)
{
	return strcmp(pam_line_module(line), PAM_MODULE) == 0;
}

static bool has_argument(const struct pam_line *line, const char *argument)
{
	for (char **a = line->arguments; *a; a++)
		if (strcmp(*a, argument) == 0)
			return true;
	return false;
}

static bool opens(const struct pam_line *line)
{
	return is_ours(line) && (has_argument(line, "open") || !has_argument(line, "close"));
}

/* The number of characters to insert, delete or change (Levenshtein distance). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t width = strlen(b);

	if (width >= sizeof(row) / sizeof(*row) || strlen(a) > 64)
		return UINT32_MAX;
	for (unsigned i = 0; i <= width; i++)
		row[i] = i;
	for (; *a; a++) {
		unsigned corner = row[0]++;

		for (size_t i = 1; i <= width; i++) {
			unsigned best = corner + (*a != b[i - 1]);

			corner = row[i];
			if (row[i] + 1 < best)
				best = row[i] + 1;
			if (row[i - 1] + 1 < best)
				best = row[i - 1] + 1;
			row[i] = best;
		}
	}
	return row[width];
}

static bool is_misspelt(const struct pam_line *line)
{
	const char *name = pam_line_module(line);

	return !is_ours(line) && (strstr(name, "netns") || distance(name, PAM_MODULE) <= 2);
}

static void check_arguments(struct pam_check *pam, const struct pam_line *line)
{
	static const char *const words[] = {"debug", "open", "close", "host"};

	for (char **a = line->arguments; *a; a++) {
		bool is_conf = strncmp(*a, "conf=/", 6) == 0;

		if (!is_conf && !LISTED(words, *a))
			pam_finding(
			    pam, "pam-argument", LEVEL_PROBLEM, line->file, line->number,
			    "unknown argument '%s': every login through this line is refused -> "
			    "remove it; the module takes conf=/PATH, debug, open, close, host",
			    *a);
		else if (is_conf && access(*a + 5, R_OK) != 0)
			pam_finding(pam, "pam-argument", LEVEL_PROBLEM, line->file, line->number,
				    "%s: %s: every login through this line is refused -> make the "
				    "file, or remove the argument",
				    *a, strerror(errno));
	}
}

static void check_line(struct pam_check *pam, const struct pam_line *line)
{
	if (is_misspelt(line))
		pam_finding(pam, "pam-name", LEVEL_PROBLEM, line->file, line->number,
			    "there is no module %s: logins through this line fail, or are not "
			    "isolated -> the name is " PAM_MODULE,
			    line->module);
	if (!is_ours(line))
		return;
	check_arguments(pam, line);
	if (!has_argument(line, "host") && !pam_line_required(line))
		pam_finding(pam, "pam-control", LEVEL_PROBLEM, line->file, line->number,
			    "with '%s' a login that cannot be isolated continues on the host's "
			    "network -> write 'session required pam_netns.so'",
			    line->control);
	if (line->optional)
		pam_finding(pam, "pam-control", LEVEL_WARNING, line->file, line->number,
			    "with '-' before the type, logins continue on the host's network if "
			    "the module is not installed -> remove the '-'");
	if (has_argument(line, "host") && strcmp(line->control, "requisite") != 0)
		pam_finding(
		    pam, "pam-control", LEVEL_PROBLEM, line->file, line->number,
		    "with '%s' a user can make this line fail, and is then asked for the password "
		    "in their own network -> write 'auth requisite pam_netns.so host'",
		    line->control);
}

/* Checks the lines before the line that opens the session, and after it. */
static void check_place(struct pam_check *pam, const struct pam_stack *stack, size_t ours)
{
	const struct pam_line *line = &stack->lines[ours];

	for (size_t i = 0; i < ours; i++) {
		const struct pam_line *other = &stack->lines[i];

		enum pam_skip skip = pam_line_skips(stack, i, ours);

		if (skip == SKIP_SUCCESS)
			pam_finding(pam, "pam-skipped", LEVEL_PROBLEM, other->file, other->number,
				    "with '%s' the success of %s ends the stack before %s:%u, so "
				    "the login is not isolated -> move the line of " PAM_MODULE
				    " before it, or write 'required' here",
				    other->control, other->module, line->file, line->number);
		else if (skip == SKIP_RESULT)
			pam_finding(pam, "pam-skipped", LEVEL_WARNING, other->file, other->number,
				    "with '%s' some logins jump past %s:%u, as %s decides, and are "
				    "not isolated -> write a smaller number, or write isolate = no "
				    "in " CONF_PATH " for these logins",
				    other->control, line->file, line->number, other->module);
	}
	for (size_t i = ours + 1; i < stack->count; i++) {
		const struct pam_line *other = &stack->lines[i];

		if (LISTED(before_us, pam_line_module(other)))
			pam_finding(
			    pam, "pam-place", LEVEL_WARNING, line->file, line->number,
			    "the line comes before %s (%s:%u), which then works in the user's "
			    "network and mounts -> move the line to the end of the session lines",
			    other->module, other->file, other->number);
	}
}

/* openSUSE's pam-config writes these files, to which others are symbolic links. */
static void check_pam_config(struct pam_check *pam, const struct pam_line *line)
{
	char target[PATH_MAX];

	if (realpath(line->file, target) &&
	    fnmatch("/etc/pam.d/common-*-pc", target, FNM_PATHNAME) == 0)
		pam_finding(
		    pam, "pam-config", LEVEL_WARNING, line->file, line->number,
		    "the next run of pam-config removes the line, and then logins are on the "
		    "host's network -> make %.*s a file of your own that includes this one, "
		    "and has the line",
		    (int)(strlen(target) - strlen("-pc")), target);
}

static void check_session(struct pam_check *pam, const struct pam_stack *stack)
{
	size_t first = stack->count;

	for (size_t i = 0; i < stack->count; i++) {
		const struct pam_line *line = &stack->lines[i];

		check_line(pam, line);
		if (!opens(line))
			continue;
		if (first < stack->count)
			pam_finding(pam, "pam-twice", LEVEL_WARNING, line->file, line->number,
				    "the line is there twice, first in %s:%u -> remove one",
				    stack->lines[first].file, stack->lines[first].number);
		if (first == stack->count)
			first = i;
	}
	if (first == stack->count)
		return;
	pam->stacks++;
	check_pam_config(pam, &stack->lines[first]);
	check_place(pam, stack, first);
}

static void services_find(struct pam_check *pam)
{
	for (size_t i = 0; i < PAM_STACK_FOLDERS; i++) {
		CLEANUP_DIR DIR *dir = opendir(pam_folders[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir)) && pam->services_count < SERVICES_MAX) {
			const char *name = entry->d_name;
			char *copy;

			/* Backups of editors and packages are not services. */
			if (*name == '.' || strpbrk(name, "~#") || strstr(name, ".dpkg-") ||
			    strstr(name, ".rpm") || strstr(name, ".ucf-") || strstr(name, ".bak") ||
			    listed((const char *const *)pam->services, pam->services_count, name))
				continue;
			copy = strdup(name);
			if (copy)
				pam->services[pam->services_count++] = copy;
		}
	}
}

/* With pam_slurm_adopt a login becomes a part of the user's job on this node. */
static void check_slurm(struct pam_check *pam, const struct pam_stack *account,
			const struct pam_stack *session)
{
	for (size_t ours = 0; ours < session->count; ours++)
		for (size_t i = 0; opens(&session->lines[ours]) && i < account->count; i++)
			if (strcmp(pam_line_module(&account->lines[i]), "pam_slurm_adopt.so") == 0)
				pam_finding(
				    pam, "pam-slurm", LEVEL_NOTE, account->lines[i].file,
				    account->lines[i].number,
				    "logins become parts of Slurm's jobs, whose nodes reach each "
				    "other "
				    "by the host's network, but %s:%u gives them another -> write "
				    "isolate = no for compute nodes in " CONF_PATH,
				    session->lines[ours].file, session->lines[ours].number);
}

static void stacks_check(struct pam_check *pam)
{
	for (size_t i = 0; i < pam->services_count; i++) {
		CLEANUP_PAM_STACK struct pam_stack session = {0}, auth = {0}, account = {0};

		int error = pam_stack_read(pam->services[i], "session", &session);

		pam->unreadable += error == -EACCES;
		if (error == 0)
			check_session(pam, &session);
		if (error == 0 && pam_stack_read(pam->services[i], "account", &account) == 0)
			check_slurm(pam, &account, &session);
		if (pam_stack_read(pam->services[i], "auth", &auth) == 0)
			for (size_t line = 0; line < auth.count; line++)
				check_line(pam, &auth.lines[line]);
	}
}

/* If "other" has only pam_deny.so, no login of an unknown service succeeds. */
static bool denies(const struct pam_line *line)
{
	return strcmp(pam_line_module(line), "pam_deny.so") == 0;
}

/*
 * The file to change: the one of Debian's two common files that the stack includes, else the
 * service's own, else the file that its lines come from ("other").
 */
static const char *file_to_mend(const struct pam_stack *stack, const char *service, char path[512])
{
	for (size_t i = 0; i < stack->count; i++)
		if (strstr(stack->lines[i].file, "/common-session"))
			return stack->lines[i].file;
	for (size_t i = 0; i < stack->count; i++)
		if (strcmp(strrchr(stack->lines[i].file, '/') + 1, service) == 0)
			return stack->lines[i].file;
	if (stack->count)
		return stack->lines[0].file;
	snprintf(path, 512, "%s/%s", pam_folders[0], service);
	return path;
}

/* If one stack has our line and another lacks it, users can escape: by cron, or
 * systemd --user (T7). */
static void missing_check(struct pam_check *pam)
{
	for (size_t i = 0; i < pam->services_count; i++) {
		const char *service = pam->services[i], *file;
		CLEANUP_PAM_STACK struct pam_stack stack = {0};
		char path[512];
		size_t line = 0;

		if (!LISTED(login_services, service) ||
		    (pam->doctor->conf && conf_service_exempt(pam->doctor->conf, service)) ||
		    pam_stack_read(service, "session", &stack) < 0)
			continue;
		while (line < stack.count && !opens(&stack.lines[line]) &&
		       !(strcmp(service, "other") == 0 && denies(&stack.lines[line])))
			line++;
		if (line < stack.count)
			continue;
		file = file_to_mend(&stack, service, path);
		pam_finding(pam, "pam-missing", LEVEL_WARNING, file, 0,
			    "no session line with " PAM_MODULE
			    ", but other stacks have one: programs that %s%s starts run on the "
			    "host's network -> %s%sadd 'session required pam_netns.so' as the last "
			    "session line",
			    service,
			    strstr(file, "/common-session-noninteractive")
				? " (like cron jobs and users' systemd services)"
				: "",
			    access("/usr/sbin/pam-auth-update", X_OK) == 0
				? "run 'pam-auth-update --enable pam-netns', or "
				: "",
			    strncmp(file, "/usr/", strlen("/usr/")) == 0
				? "copy the file to /etc/pam.d and "
				: "");
	}
}

static bool module_exists(void)
{
	glob_t found;
	bool exists = pam_modules_find(&found) > 0;

	globfree(&found);
	return exists;
}

void doctor_pam(struct doctor *doctor)
{
	struct pam_check pam = {.doctor = doctor};

	services_find(&pam);
	stacks_check(&pam);
	if (pam.unreadable)
		doctor_note(
		    doctor,
		    "this user cannot read the PAM stacks of %u services -> sudo pam-netns doctor",
		    pam.unreadable);
	else if (!pam.stacks)
		doctor_warning(
		    doctor,
		    "no stack in %s has a session line with " PAM_MODULE
		    ", so no user is isolated -> %s",
		    pam_folders[0],
		    access("/usr/share/pam-configs/pam-netns", F_OK) == 0 &&
			    access("/usr/sbin/pam-auth-update", X_OK) == 0
			? "pam-auth-update --enable pam-netns # read pam_netns(8) first; if "
			  "it finds local modifications, add the line by hand"
			: "see pam_netns(8)");
	if (pam.stacks)
		missing_check(&pam);
	if (pam.stacks && !module_exists())
		doctor_problem(doctor,
			       PAM_MODULE " is named in %s but is not installed: logins fail -> "
					  "%s",
			       pam_folders[0], install_again());
	for (size_t i = 0; i < pam.services_count; i++)
		free(pam.services[i]);
	for (size_t i = 0; i < pam.reported_count; i++)
		free(pam.reported[i]);
}
