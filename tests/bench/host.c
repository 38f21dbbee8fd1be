/* Objects of the host, and leftovers; see bench.h. */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"

#define ID_BATCH 4096 /* of the kernel's namespace ids, per CPU */

/*
 * Kernels 6.18.y give numbers to CPUs in batches. They refuse to pin a mount namespace whose number is
 * lower than that of the mount namespace with the pin. A real host's initial mount namespace has the
 * lowest number, the throw-away host's may not. So each CPU gets a new batch before the measurements.
 */
void namespace_ids_renew(void)
{
	cpu_set_t all, one;
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	if (uts < 0 || sched_getaffinity(0, sizeof(all), &all) < 0)
		err(1, "CPUs");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) < 0)
			err(1, "CPU %d", cpu);
		for (int i = 0; i < ID_BATCH; i++)
			if (unshare(CLONE_NEWUTS) < 0)
				err(1, "unshare");
	}
	if (setns(uts, CLONE_NEWUTS) < 0 || sched_setaffinity(0, sizeof(all), &all) < 0)
		err(1, "return");
	close(uts);
}

/* The kernel's own memory by /proc/meminfo, with shared memory (tmpfs). */
int64_t memory_kernel_kib(void)
{
	static const char *const names[] = {
	    "Slab:", "KernelStack:", "PageTables:", "Percpu:", "VmallocUsed:", "Shmem:"};
	FILE *file = fopen("/proc/meminfo", "re");
	char line[256], name[64];
	long long kib, sum = 0;

	if (!file)
		err(1, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (sscanf(line, "%63s %lld", name, &kib) == 2 && !strcmp(name, names[i]))
				sum += kib;
	fclose(file);
	return sum;
}

static unsigned entries_count(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.' && strncmp(entry->d_name, "template", 8) != 0;
	if (dir)
		closedir(dir);
	return count;
}

static unsigned links_count(void)
{
	struct if_nameindex *links = if_nameindex();
	unsigned count = 0;

	for (struct if_nameindex *l = links; l && l->if_index; l++)
		count += !strncmp(l->if_name, "pnu", 3);
	if_freenameindex(links);
	return count;
}

/* The number that a command prints. */
static unsigned number_of(const char *command)
{
	FILE *pipe = popen(command, "re");
	unsigned number = 0;

	if (!pipe || fscanf(pipe, "%u", &number) != 1)
		errx(1, "no number from: %s", command);
	pclose(pipe);
	return number;
}

bool users_in_or_going(uid_t first, unsigned users)
{
	DIR *dir = opendir(USERS_DIR);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		unsigned long uid = strtoul(entry->d_name, NULL, 10);

		found = uid >= first && uid - first < users;
	}
	if (dir)
		closedir(dir);
	return found;
}

struct leftovers leftovers_count(void)
{
	return (struct leftovers){
	    .pins = entries_count(PINS_DIR),
	    .users =
		entries_count(USERS_DIR) + entries_count(CLOSING_DIR) + entries_count(NETNS_DIR),
	    .links = links_count(),
	    .routes = number_of("{ ip route; ip -6 route; } | grep -v proto | "
				"grep -c 'dev pn' || :"),
	    .neighbours = number_of("ip neigh show nud permanent | grep -c 'dev pn' || :"),
	    .processes = number_of("pgrep -c pam-netns-helpe || :"),
	};
}
