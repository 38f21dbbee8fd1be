/* pam-netns doctor: can this host enforce the key limits of the profiles? */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conf/limits.h"
#include "doctor.h"
#include "host/cgroup.h"

#define UNIFIED "boot with systemd.unified_cgroup_hierarchy=1, or remove limits"

static void profile_check(struct doctor *doctor, int root, const struct profile *profile)
{
	int lacks;

	if (root < 0) {
		doctor_problem(doctor,
			       "profile %s: limits need cgroup v2 at " CGROUP_ROOT
			       ", so its logins are refused -> " UNIFIED,
			       profile->name);
		return;
	}
	lacks = cgroup_lacks(root, &profile->limits);
	if (lacks == LIMITS)
		return;
	if (lacks < 0) {
		doctor_problem(
		    doctor,
		    "profile %s: cannot read " CGROUP_ROOT "/" CGROUP_CONTROLLERS
		    " (%s), so its logins are refused -> look at the error of cat " CGROUP_ROOT
		    "/" CGROUP_CONTROLLERS,
		    profile->name, strerror(-lacks));
		return;
	}
	doctor_problem(
	    doctor,
	    "profile %s: cgroup v2 has no %s controller for the limit %s, so its logins "
	    "are refused -> boot without cgroup_disable=%s and cgroup v1, or remove limits",
	    profile->name, cgroup_controller((enum limit)lacks), conf_limit_name((enum limit)lacks),
	    cgroup_controller((enum limit)lacks));
}

/* Under systemd, the leaders of cron's and su's sessions come into the user's slice by a scope. */
static void programs_check(struct doctor *doctor)
{
	static const char *const programs[] = {"systemctl", "busctl"};

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		char path[32];

		snprintf(path, sizeof(path), "/usr/bin/%s", programs[i]);
		if (access(path, X_OK) < 0 && access(path + strlen("/usr"), X_OK) < 0)
			doctor_problem(doctor,
				       "limits need %s, so logins with limits are refused -> "
				       "install systemd's programs, or remove limits",
				       path);
	}
}

static void namespace_check(struct doctor *doctor, int root, const struct profile *profile)
{
	if (!(profile->namespaces & NAMESPACE_CGROUP))
		return;
	if (cgroup_by_systemd())
		doctor_problem(doctor,
			       "profile %s: namespaces has cgroup, but systemd is PID 1, and each "
			       "session has a control group of its own, so its logins are refused "
			       "-> remove cgroup from namespaces",
			       profile->name);
	else if (root < 0)
		doctor_problem(doctor,
			       "profile %s: a cgroup namespace needs cgroup v2 at " CGROUP_ROOT
			       ", so its logins are refused -> mount it there, or remove cgroup "
			       "from namespaces",
			       profile->name);
}

void doctor_cgroup(struct doctor *doctor)
{
	CLEANUP_FD int root = cgroup_open();
	bool any = false;

	for (size_t i = 0; i < doctor->conf->profiles_count; i++) {
		const struct profile *profile = &doctor->conf->profiles[i];

		namespace_check(doctor, root, profile);
		if (!conf_limits_any(&profile->limits))
			continue;
		any = true;
		profile_check(doctor, root, profile);
	}
	if (any && cgroup_by_systemd())
		programs_check(doctor);
}
