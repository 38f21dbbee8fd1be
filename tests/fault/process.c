/* What /proc tells of a process. */
#include "inject.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"

/* What /proc/PID/NAME has; "" if the process is gone. */
static void process_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	(void)!files_read(AT_FDCWD, path, text, size);
}

pid_t process_parent_of(pid_t pid)
{
	char text[1024];
	int parent = 0;

	process_text(pid, "stat", text, sizeof(text));
	/* The name in parentheses may contain any byte, the rest may not. */
	if (!strrchr(text, ')') || sscanf(strrchr(text, ')') + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

bool process_is_targets(pid_t pid)
{
	char text[8192];
	unsigned real = 0, effective = 0, saved = 0;

	process_text(pid, "status", text, sizeof(text));
	return strstr(text, "\nUid:") &&
	       sscanf(strstr(text, "\nUid:"), "\nUid: %u %u %u", &real, &effective, &saved) == 3 &&
	       real == TARGET_UID && effective == TARGET_UID && saved == TARGET_UID;
}

bool process_is_init(pid_t pid)
{
	char name[32];

	process_text(pid, "comm", name, sizeof(name));
	return strcmp(name, "pam-netns-init\n") == 0;
}
