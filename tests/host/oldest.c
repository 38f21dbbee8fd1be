/*
 * oldest COMMAND...: runs it in a new mount namespace whose id is lower than that of any later one.
 * Linux 6.18 gives ids to CPUs in batches, and until 6.19 refuses to pin a namespace whose id is lower
 * than that of the mount namespace with the pin. A throw-away host is then older than all namespaces
 * in it, as a real host is.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#ifndef NS_GET_MNTNS_ID
#define NS_GET_MNTNS_ID _IOR(NSIO, 0x5, uint64_t)
#endif

#define TRIES 8

/* The id of the mount namespace; 0: the kernel does not give it. */
static uint64_t namespace_make(int cpu)
{
	uint64_t id = 0;
	cpu_set_t one;
	int fd;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0 || unshare(CLONE_NEWNS) < 0)
		err(125, "make a mount namespace on CPU %d", cpu);
	fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, NS_GET_MNTNS_ID, &id) < 0)
		id = 0;
	close(fd);
	return id;
}

/*
 * Makes one more on the CPU with the lowest id. False: it is the first of a new batch, and higher than
 * later ones of other CPUs.
 */
static bool oldest_make(const cpu_set_t *cpus)
{
	uint64_t lowest = UINT64_MAX, others = UINT64_MAX;
	int best = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		uint64_t id;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		id = namespace_make(cpu);
		if (id < lowest) {
			others = lowest;
			lowest = id;
			best = cpu;
		} else if (id < others) {
			others = id;
		}
	}
	return namespace_make(best) <= others;
}

int main(int argc, char **argv)
{
	cpu_set_t cpus;

	if (argc < 2)
		errx(125, "usage: oldest COMMAND...");
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		err(125, "sched_getaffinity");
	/* If ids are not given in batches, each is higher than the one before. */
	for (int i = 0; i < TRIES && !oldest_make(&cpus); i++)
		;
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		err(125, "sched_setaffinity");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err(125, "make all mounts private");
	execvp(argv[1], argv + 1);
	err(125, "%s", argv[1]);
}
