/*
 * pam-netns doctor: kernel modules that the set-up needs, and that cannot be loaded. The set-up itself
 * tries the kernel, but on many hosts only when the first user logs in.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"
#include "base/files.h"
#include "lines.h"

static const char *const needed[] = {"veth",	      "bridge",		"nf_tables", "nft_ct",
				     "nft_chain_nat", "nft_masq",	"nft_nat",   "nft_limit",
				     "nft_connlimit", "nft_reject_inet"};

/* Is the module in a list of files, modules.dep or modules.builtin? */
static bool listed(const char *release, const char *list, const char *module)
{
	char path[128], file[64];
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	bool found = false;

	snprintf(path, sizeof(path), "/lib/modules/%.65s/%s", release, list);
	snprintf(file, sizeof(file), "/%s.ko", module);
	CLEANUP_FILE FILE *in = lines_open(path);

	while (in && !found && getline(&line, &room, in) > 0) {
		line[strcspn(line, ":\n")] = '\0'; /* then come those that it needs */
		found = strstr(line, file) != NULL;
	}
	return found;
}

static bool loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

static void module_check(struct doctor *doctor, const char *release, const char *module,
			 bool disabled)
{
	if (loaded(module) || listed(release, "modules.builtin", module))
		return;
	if (!listed(release, "modules.dep", module))
		doctor_problem(doctor,
			       "this kernel has no module %s, so logins are refused -> install the "
			       "package with the other modules of Linux %s (Ubuntu: "
			       "linux-modules-extra, Fedora: kernel-modules-extra)",
			       module, release);
	else if (disabled)
		doctor_problem(
		    doctor,
		    "module %s is not loaded, and kernel.modules_disabled = 1 forbids it, "
		    "so logins are refused -> echo %s "
		    ">>/etc/modules-load.d/pam-netns.conf && reboot",
		    module, module);
}

void doctor_modules(struct doctor *doctor)
{
	char value[16] = "0", path[128];
	struct utsname uts;

	if (uname(&uts) < 0)
		return;
	snprintf(path, sizeof(path), "/lib/modules/%.65s/modules.dep", uts.release);
	if (access(path, R_OK) != 0)
		return; /* a kernel without modules, or a container */
	(void)!files_read(AT_FDCWD, "/proc/sys/kernel/modules_disabled", value, sizeof(value));
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		module_check(doctor, uts.release, needed[i], *value == '1');
}
