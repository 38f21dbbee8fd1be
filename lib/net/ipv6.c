/* Is IPv6 disabled on this host? See ipv6.h. */
#include "net/ipv6.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CONF6 "/proc/sys/net/ipv6/conf/"

const char *ipv6_disabled(void)
{
	static const struct {
		const char *path, *setting;
	} settings[] = {
	    {CONF6 "all/disable_ipv6", "net.ipv6.conf.all.disable_ipv6 = 1"},
	    {CONF6 "default/disable_ipv6", "net.ipv6.conf.default.disable_ipv6 = 1"},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		CLEANUP_FD int fd = openat(AT_FDCWD, settings[i].path, O_RDONLY | O_CLOEXEC);
		char value = '0';

		if (fd < 0)
			return "ipv6.disable = 1 on the kernel's command line";
		if (read(fd, &value, 1) == 1 && value != '0')
			return settings[i].setting;
	}
	return NULL;
}
