/* Waits for the kernel's lock of network configuration; see rtnl.h. */
#include "net/rtnl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/process.h"

#define TELL_MS 1000 /* far more than a slow machine needs without a wait */

/* A process in an uninterruptible sleep, in a call that takes rtnl. Such a sleep lasts
 * for no other reason. */
bool rtnl_awaited(int proc, pid_t pid)
{
	char name[32], text[256], *end;
	struct process process;
	char state;
	long call;

	if (process_read(proc, pid, &process, &state) < 0 || state != 'D')
		return false;
	snprintf(name, sizeof(name), "%d/syscall", (int)pid);
	if (files_read(proc, name, text, sizeof(text)) < 0)
		return false;
	call = strtol(text, &end, 10);
	return end > text && (call == SYS_unshare || call == SYS_sendto || call == SYS_sendmsg);
}

void rtnl_tell(int64_t since)
{
	int64_t waited = clock_ms() - since;

	if (waited >= TELL_MS)
		log_warning(
		    "waited %lld ms for the kernel's lock of network configuration (rtnl), "
		    "which the end of another network namespace holds: see rtnl in pam_netns(8)",
		    (long long)waited);
}
