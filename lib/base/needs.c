/* The system calls that our programs need; see needs.h. */
#include "base/needs.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Arguments with which the call fails, whatever the caller may do. */
static const struct {
	long call;
	long first, second, third;
	char name[32]; /* no pointer: state/record.h */
} needs[] = {
    {SYS_pidfd_open, -1, 0, 0, "pidfd_open(2) (Linux 5.3)"},
    {SYS_open_tree, -1, 0, -1, "open_tree(2) (Linux 5.2)"},
    {SYS_move_mount, -1, 0, -1, "move_mount(2) (Linux 5.2)"},
    {SYS_fsopen, 0, -1, 0, "fsopen(2) (Linux 5.2)"},
    {SYS_openat2, -1, 0, 0, "openat2(2) (Linux 5.6)"},
    {SYS_close_range, 1, 0, 0, "close_range(2) (Linux 5.9)"},
    {SYS_mount_setattr, -1, 0, -1, "mount_setattr(2) (Linux 5.12)"},
};

const char *needs_missing(void)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		long result =
		    syscall(needs[i].call, needs[i].first, needs[i].second, needs[i].third, 0, 0);

		if (result < 0 && errno == ENOSYS)
			return needs[i].name;
	}
	return NULL;
}
