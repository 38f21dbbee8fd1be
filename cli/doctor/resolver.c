/* pam-netns doctor: do users get a name server? */
#include <errno.h>
#include <fcntl.h>

#include "doctor.h"
#include "base/paths.h"
#include "ns/resolv.h"

void doctor_resolver(struct doctor *doctor)
{
	CLEANUP_FD int root = open(HOSTPROC "/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[RESOLV_TEXT_MAX];

	if (root < 0)
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < doctor->conf->networks_count; i++) {
		int result = resolv_text(root, &doctor->conf->networks[i], text);

		if (result == -ENOENT)
			resolv_warn_missing(&doctor->conf->networks[i]);
		if (result) {
			doctor_warning(doctor, "users of network %s cannot resolve names",
				       doctor->conf->networks[i].name);
			return;
		}
	}
}
