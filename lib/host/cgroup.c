/* The control group of a user; see cgroup.h. */
#include "host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/files.h"

#define CPU_PERIOD 100000 /* microseconds: the kernel's and systemd's default */

static const struct {
	char controller[8], file[12], use[16];
} kinds[LIMITS] = {
    [LIMIT_MEMORY] = {"memory", "memory.max", "memory.current"},
    [LIMIT_CPU] = {"cpu", "cpu.max", "cpu.stat"},
    [LIMIT_TASKS] = {"pids", "pids.max", "pids.current"},
    [LIMIT_IO] = {"io", "io.weight", ""},
};

bool cgroup_by_systemd(void)
{
	return faccessat(AT_FDCWD, "/run/systemd/system", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int cgroup_open(void)
{
	int root = openat(AT_FDCWD, CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (root < 0)
		return -errno;
	if (fstatfs(root, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC)
		return root;
	close(root);
	return -ENOTSUP;
}

const char *cgroup_path(bool systemd, uid_t uid, char path[CGROUP_PATH_MAX])
{
	snprintf(path, CGROUP_PATH_MAX, systemd ? "user.slice/user-%u.slice" : CGROUP_OWN "/%u",
		 uid);
	return path;
}

const char *cgroup_controller(enum limit limit)
{
	return kinds[limit].controller;
}

const char *cgroup_file(enum limit limit)
{
	return kinds[limit].file;
}

/* Is word one of the words of text? */
static bool words_have(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; *at; at += strcspn(at, " \n"), at += strspn(at, " \n"))
		if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\n'))
			return true;
	return false;
}

int cgroup_lacks(int root, const struct limits *limits)
{
	char controllers[512];
	ssize_t length =
	    files_read_below(root, CGROUP_CONTROLLERS, controllers, sizeof(controllers));
	int i = 0;

	if (length < 0)
		return (int)length;
	while (i < LIMITS && (!limits->values[i] || words_have(controllers, kinds[i].controller)))
		i++;
	return i;
}

void cgroup_format(enum limit limit, uint64_t value, char text[CGROUP_VALUE_MAX])
{
	unsigned long long number = value;

	if (limit == LIMIT_MEMORY) /* whole pages */
		number -= number % (unsigned long long)sysconf(_SC_PAGESIZE);
	switch (limit) {
	case LIMIT_CPU:
		snprintf(text, CGROUP_VALUE_MAX, "%llu %d", number * (CPU_PERIOD / 100),
			 CPU_PERIOD);
		break;
	case LIMIT_IO:
		snprintf(text, CGROUP_VALUE_MAX, "default %llu", number);
		break;
	default:
		snprintf(text, CGROUP_VALUE_MAX, "%llu", number);
	}
}

/* The text of a file in a group, without its newline; "": unreadable. */
static void group_read(int root, const char *path, const char *file, char *text, size_t size)
{
	char name[CGROUP_PATH_MAX + 20];

	snprintf(name, sizeof(name), "%s/%s", path, file);
	if (files_read_below(root, name, text, size) < 0)
		*text = '\0';
}

enum limit cgroup_differs(int root, const char *path, const struct limits *limits)
{
	int i;

	for (i = 0; i < LIMITS; i++) {
		char wanted[CGROUP_VALUE_MAX], there[256];

		if (!limits->values[i])
			continue;
		cgroup_format((enum limit)i, limits->values[i], wanted);
		group_read(root, path, kinds[i].file, there, sizeof(there));
		there[strcspn(there, "\n")] = '\0'; /* io.weight has lines for devices */
		if (strcmp(wanted, there) != 0)
			break;
	}
	return (enum limit)i;
}

int cgroup_use(int root, const char *path, enum limit limit, uint64_t *use)
{
	char text[2048];
	unsigned long long number;

	if (!*kinds[limit].use)
		return -ENODATA;
	group_read(root, path, kinds[limit].use, text, sizeof(text));
	if (sscanf(text + (limit == LIMIT_CPU ? strcspn(text, " ") : 0), "%llu", &number) != 1)
		return -ENODATA;
	*use = number;
	return 0;
}

bool cgroup_has(int proc, pid_t pid, const char *path)
{
	char name[32], text[4096];
	size_t length = strlen(path);
	const char *line;

	snprintf(name, sizeof(name), "%d/cgroup", (int)pid);
	if (files_read_below(proc, name, text, sizeof(text)) < 0)
		return false;
	/* proc_pid_cgroup(5): the line of cgroup v2 begins with "0::". */
	line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (!line)
		return false;
	line = strchr(line, '/') + 1;
	return strncmp(line, path, length) == 0 && (line[length] == '/' || line[length] == '\n');
}
