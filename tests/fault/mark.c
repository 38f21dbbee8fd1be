/* Messages of traced processes to the tracer, by prctl(2) options that the kernel does not have. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"

void trace_mark(enum phase phase, int result)
{
	(void)syscall(SYS_prctl, MARK_OPTION, phase, result, 0, 0);
}

bool trace_malloc_fails(void)
{
	int saved = errno;
	bool fails = syscall(SYS_prctl, MALLOC_OPTION, 0, 0, 0, 0) < 0 && errno == ENOMEM;

	errno = fails ? ENOMEM : saved;
	return fails;
}
