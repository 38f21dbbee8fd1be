/* pam-netns doctor: the kernel's version, and the propagation of the host's /. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "base/paths.h"

#define KERNEL_MAJOR 5 /* locked bridge ports came with 5.18 */
#define KERNEL_MINOR 18

void doctor_kernel(struct doctor *doctor)
{
	struct utsname name;
	unsigned major, minor;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		doctor_warning(doctor, "cannot read the kernel's version");
	else if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		doctor_problem(
		    doctor, "kernel %s has no locked bridge ports -> install kernel %d.%d or later",
		    name.release, KERNEL_MAJOR, KERNEL_MINOR);
}

/* Later mounts reach users' mount namespaces by propagation, if the host's / is shared. */
void doctor_propagation(struct doctor *doctor)
{
	CLEANUP_FILE FILE *file = fopen(HOSTPROC "/1/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	char point[8];

	if (!file)
		file = fopen("/proc/1/mountinfo", "re");
	while (file && getline(&line, &room, file) > 0) {
		/* id, parent, device, root, mount point, options, then the optional fields */
		if (sscanf(line, "%*s %*s %*s %*s %7s", point) != 1 || strcmp(point, "/") != 0)
			continue;
		if (!strstr(line, " shared:"))
			doctor_warning(
			    doctor, "/ is not a shared mount: active users do not see what the "
				    "host mounts later -> mount --make-rshared / (at each boot)");
		return;
	}
	doctor_warning(doctor, "cannot read how / is mounted");
}
