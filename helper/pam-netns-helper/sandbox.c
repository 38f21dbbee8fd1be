/*
 * The helper's seccomp filter: an allow-list of system calls, in force before the request is read.
 * helper/sandbox/generate.c makes it at build time, and nft(8) inherits it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper.h"
#include "base/log.h"
#include "sandbox_filter.h"

int sandbox_enter(void)
{
	struct sock_fprog program = {
	    .len = sizeof(sandbox_filter) / sizeof(sandbox_filter[0]),
	    .filter = (struct sock_filter *)sandbox_filter, /* the kernel only reads it */
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	return log_errno(errno, "limit the helper's system calls (seccomp)");
}
