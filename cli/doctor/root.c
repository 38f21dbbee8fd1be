/* pam-netns doctor: images of profiles (root = DIRECTORY) in which no login would work. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <syslog.h>

#include "base/log.h"
#include "base/paths.h"
#include "conf/file.h"
#include "ns/root.h"
#include "pam_stack.h"
#include "root.h"

struct image {
	struct doctor *doctor;
	const struct profile *profile;
	unsigned line; /* of the profile, looked up while / is the host's */
};

static void root_finding(void *context, const char *text)
{
	const struct image *image = context;
	const char *remedy = strstr(text, ": ");

	doctor_at(image->doctor, LEVEL_PROBLEM, CONF_PATH, image->line,
		  "root of [profile %s], whose logins are refused: the image %.*s -> %s",
		  image->profile->name, (int)(remedy ? remedy - text : (ssize_t)strlen(text)), text,
		  remedy ? remedy + 2 : "correct it");
}

static void log_finding(void *context, int level, const char *text)
{
	const struct image *image = context;

	if (level <= LOG_ERR)
		doctor_at(image->doctor, LEVEL_PROBLEM, CONF_PATH, image->line,
			  "root of [profile %s], whose logins are refused: %s",
			  image->profile->name, text);
}

int image_begin(const char *path)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return -errno;
	if (chroot(path) < 0 || chdir("/") < 0) {
		int error = -errno;

		image_end(old);
		return error;
	}
	return old;
}

void image_end(int old)
{
	/* Findings of the host must not be those of an image. */
	if (fchdir(old) < 0 || chroot(".") < 0)
		_exit(2);
	close(old);
}

/* Of the modules that distributions put behind ours, this one fails without its file. */
static bool limits_fail(const struct pam_line *line, const char *root)
{
	char path[CONF_PATH_MAX + 64];

	if (strcmp(pam_line_module(line), "pam_limits.so") != 0 || line->arguments[0])
		return false;
	snprintf(path, sizeof(path), "%s/etc/security/limits.conf", root);
	return access(path, F_OK) < 0;
}

/* PAM modules behind ours read the image's files. */
static void stack_check(const struct image *image, const char *service)
{
	const char *root = image->profile->root;
	CLEANUP_PAM_STACK struct pam_stack stack = {0};
	bool ours = false;

	if (pam_stack_read(service, "session", &stack) < 0)
		return;
	for (size_t i = 0; i < stack.count; i++) {
		ours |= strcmp(pam_line_module(&stack.lines[i]), PAM_MODULE) == 0;
		if (ours && limits_fail(&stack.lines[i], root))
			doctor_at(image->doctor, LEVEL_PROBLEM, stack.lines[i].file,
				  stack.lines[i].number,
				  "pam_limits.so comes after " PAM_MODULE " and reads the image of "
				  "[profile %s], which has no /etc/security/limits.conf, so %s "
				  "refuses its logins -> move the line before ours, or mkdir -p "
				  "%s/etc/security && touch %s/etc/security/limits.conf",
				  image->profile->name, service, root, root);
	}
}

/* The file system of LIB_DIR, which an overlay needs for users' changes, and which may not exist yet. */
static void changes_check(const struct image *image)
{
	struct statfs fs;

	if (!image->profile->root_changes ||
	    (statfs(LIB_DIR, &fs) < 0 && statfs("/var/lib", &fs) < 0) ||
	    (fs.f_type != OVERLAYFS_SUPER_MAGIC && fs.f_type != NFS_SUPER_MAGIC))
		return;
	doctor_at(image->doctor, LEVEL_PROBLEM, CONF_PATH, image->line,
		  "root of [profile %s], whose logins are refused: the file system of " LIB_DIR
		  " cannot hold users' changes, because it is %s -> mount another one there, for "
		  "example ext4",
		  image->profile->name, fs.f_type == NFS_SUPER_MAGIC ? "NFS" : "an overlay itself");
}

/* The home and the shell are examples: only a login knows the user's. */
static void image_inspect(const struct image *image)
{
	static const char *const services[] = {"sshd", "login", "su", "su-l", "sudo", "cron"};
	const struct profile *profile = image->profile;
	const struct mntns mntns = {
	    .profile = profile,
	    .home = "/home/user",
	    .shell = "/bin/sh",
	    .own_hosts =
		(profile->namespaces & NAMESPACE_UTS) && strcmp(profile->hostname, "%h") != 0,
	};
	int old, error;

	log_set_sink(log_finding, (void *)image);
	CLEANUP_FD int folder = conf_folder_open(profile->root);

	log_set_sink(NULL, NULL);
	if (folder < 0)
		return;
	old = image_begin(profile->root);
	if (old < 0)
		return;
	error = image_check(&mntns, root_finding, (void *)image);
	image_end(old);
	changes_check(image);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]) && !error; i++)
		stack_check(image, services[i]);
}

void doctor_root(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		if (profile->root)
			image_inspect(&(struct image){doctor, profile,
						      conf_section_line("profile", profile->name)});
	}
}
