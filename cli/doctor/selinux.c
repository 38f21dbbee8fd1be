/* pam-netns doctor: SELinux that enforces a policy without a module for the helper. */
#include <fcntl.h>
#include <glob.h>

#include "doctor.h"
#include "base/files.h"

#define SOURCE "/usr/share/pam-netns/selinux"

static bool module_installed(void)
{
	glob_t found = {0};
	bool installed =
	    glob("/var/lib/selinux/*/active/modules/*/pam_netns", GLOB_NOSORT, NULL, &found) == 0;

	globfree(&found);
	return installed;
}

void doctor_selinux(struct doctor *doctor)
{
	char value[16];

	if (files_read(AT_FDCWD, "/sys/fs/selinux/enforce", value, sizeof(value)) > 0 &&
	    *value == '1' && !module_installed())
		doctor_warning(
		    doctor,
		    "SELinux enforces a policy that has no module pam_netns, and may refuse logins "
		    "(this was not tested) -> cd \"$(mktemp -d)\" && cp " SOURCE "/* . && make -f "
		    "/usr/share/selinux/devel/Makefile pam_netns.pp && semodule -i pam_netns.pp && "
		    "restorecon -RF /usr/libexec/pam-netns /run/pam-netns /var/lib/pam-netns");
}
