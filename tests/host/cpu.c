/*
 * Prints the CPU on which a new mount namespace now gets the lowest id; nothing where the kernel
 * does not tell ids. Linux 6.18 gives them out in batches, one to each CPU, and until 6.19 refuses
 * to pin a namespace with a lower id than that of the mount namespace it is pinned in. A host made
 * on that CPU is older than all that is made in it, as a real host is.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef NS_GET_MNTNS_ID
#define NS_GET_MNTNS_ID _IOR(NSIO, 0x5, uint64_t)
#endif

int main(void)
{
	uint64_t id, lowest = UINT64_MAX;
	int best = -1;
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int fd;

		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) < 0 || unshare(CLONE_NEWNS) < 0)
			err(1, "make a mount namespace on CPU %d", cpu);
		fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, NS_GET_MNTNS_ID, &id) < 0)
			return 0;
		close(fd);
		if (id < lowest) {
			lowest = id;
			best = cpu;
		}
	}
	printf("%d\n", best);
	return 0;
}
