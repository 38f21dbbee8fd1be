/* pam-netns doctor: the programs and the module, their modes, and the mounts that they are on. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"
#include "base/paths.h"
#include "pam_stack.h"

const char *install_again(void)
{
	/* Files that only the packages have. */
	if (access("/usr/share/doc/pam-netns/copyright", F_OK) == 0)
		return "apt-get install --reinstall libpam-netns pam-netns";
	if (access("/usr/share/licenses/pam-netns", F_OK) == 0)
		return "dnf reinstall libpam-netns pam-netns";
	return "make install";
}

static void check_file(struct doctor *doctor, const char *path, mode_t mode)
{
	struct stat st;

	if (stat(path, &st))
		doctor_problem(doctor, "%s: %s -> %s", path, strerror(errno), install_again());
	else if (st.st_uid != 0 || st.st_gid != 0 || (st.st_mode & 07777) != mode)
		doctor_problem(
		    doctor,
		    "%s has owner %u:%u and mode %04o -> chown root:root %s && chmod %04o %s", path,
		    st.st_uid, st.st_gid, st.st_mode & 07777, path, mode, path);
}

/* wrong: a mount option, ST_NOEXEC or ST_NOSUID. */
static void check_mount(struct doctor *doctor, const char *path, unsigned long wrong,
			enum level level, const char *what)
{
	const char *option = wrong == ST_NOEXEC ? "exec" : "suid";
	struct statvfs mount;

	if (statvfs(path, &mount) == 0 && (mount.f_flag & wrong))
		doctor_at(
		    doctor, level, path, 0,
		    "it is on a mount with the option no%s: %s -> mount -o remount,%s \"$(findmnt "
		    "-n -o TARGET -T %s)\" # and in /etc/fstab",
		    option, what, option, path);
}

/* Login programs load it as root. Distributions differ in the mode of modules. */
static void check_modules(struct doctor *doctor)
{
	struct stat st;
	glob_t found;

	(void)pam_modules_find(&found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (stat(found.gl_pathv[i], &st) == 0 && (st.st_uid != 0 || (st.st_mode & 022)))
			doctor_problem(
			    doctor,
			    "%s has owner %u and mode %04o: another user than root can "
			    "change what login programs run as root -> chown root:root %s "
			    "&& chmod 0644 %s",
			    found.gl_pathv[i], st.st_uid, st.st_mode & 07777, found.gl_pathv[i],
			    found.gl_pathv[i]);
	globfree(&found);
}

void doctor_installed(struct doctor *doctor)
{
	check_file(doctor, HELPER_PATH, 0755);
	check_file(doctor, ENTER_PATH, 04755);
	check_file(doctor, WAIT_PATH, 0755);
	check_file(doctor, MANAGER_PATH, 0755);
	check_modules(doctor);
	check_mount(doctor, HELPER_PATH, ST_NOEXEC, LEVEL_PROBLEM,
		    "all isolated logins are refused");
	check_mount(doctor, ENTER_PATH, ST_NOSUID, LEVEL_WARNING,
		    "users cannot enter their own networks from outside");
}
