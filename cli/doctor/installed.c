/* pam-netns doctor: the programs and their modes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"
#include "base/paths.h"

static void check_program(struct doctor *doctor, const char *path, mode_t mode)
{
	struct stat st;

	if (stat(path, &st))
		doctor_problem(doctor, "%s: %s -> make install", path, strerror(errno));
	else if (st.st_uid != 0 || st.st_gid != 0 || (st.st_mode & 07777) != mode)
		doctor_problem(
		    doctor,
		    "%s has owner %u:%u and mode %04o -> chown root:root %s && chmod %04o %s", path,
		    st.st_uid, st.st_gid, st.st_mode & 07777, path, mode, path);
}

void doctor_installed(struct doctor *doctor)
{
	check_program(doctor, HELPER_PATH, 0755);
	check_program(doctor, ENTER_PATH, 04755);
}
