/* pam-netns doctor: what the kernel has, and the propagation of the host's /. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "base/needs.h"
#include "base/paths.h"
#include "state/network.h"

static bool kernel_has(enum namespace_kind kind)
{
	char path[sizeof("/proc/self/ns/") + NAMESPACE_NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_kinds[kind].name);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static void profile_check(struct doctor *doctor, const struct profile *profile)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if ((profile->namespaces & namespace_kinds[i].bit) && !kernel_has(i))
			doctor_problem(
			    doctor,
			    "profile %s: this kernel has no %s namespaces, so its logins are "
			    "refused -> remove %s from namespaces, or install another kernel",
			    profile->name, namespace_kinds[i].name, namespace_kinds[i].name);
}

void doctor_kernel(struct doctor *doctor)
{
	const char *missing = needs_missing();

	if (missing)
		doctor_problem(doctor, "this kernel has no %s -> install a newer kernel", missing);
	for (size_t i = 0; doctor->conf && i < doctor->conf->profiles_count; i++)
		profile_check(doctor, &doctor->conf->profiles[i]);
}

/* As the last set-up found when it tried the kernel. */
void doctor_locked(struct doctor *doctor)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct host_state state = {0};

	if (run < 0 || host_state_read(run, &state) < 0 || state.port_lock == PORT_LOCK_UNKNOWN) {
		doctor_at(doctor, LEVEL_SKIPPED, NULL, 0,
			  "no set-up has tried this kernel since the boot -> pam-netns up");
		return;
	}
	if (state.port_lock == PORT_LOCK_THERE)
		return;
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		const struct network *network = &doctor->conf->networks[i];

		if (network->lock_required)
			doctor_problem(doctor,
				       "network %s: locked = required, and this kernel cannot lock "
				       "bridge ports: its logins are refused -> install Linux 5.18 "
				       "or later, or write locked = auto",
				       network->name);
	}
	doctor_warning(doctor,
		       "this kernel cannot lock bridge ports to a MAC, so only the firewall "
		       "rules stop users' frames with another MAC -> install Linux 5.18 "
		       "or later");
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
	doctor_warning(doctor, "cannot read how / is mounted -> look whether /proc is mounted");
}
