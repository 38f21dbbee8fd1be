/* Processes by pid and start time, read from proc_pid_stat(5). */
#include "base/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define STAT_TEXT_MAX 2048

/* Numbers of the fields in proc_pid_stat(5). */
enum { FIELD_STATE = 3, FIELD_PARENT = 4, FIELD_THREADS = 20, FIELD_START = 22 };

struct stat_fields {
	char state;
	unsigned long long parent, threads, start;
};

/* Reads the digits at text, which end in a space. */
static bool number_parse(const char *text, unsigned long long *out)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == ' ';
}

/* The name in the second field may hold anything, even ") "; later fields have no parenthesis. */
static bool fields_parse(const char *text, struct stat_fields *out)
{
	const char *field = strrchr(text, ')');

	if (!field || field[1] != ' ')
		return false;
	field += 2;
	out->state = *field;
	if (!isalpha((unsigned char)out->state) || field[1] != ' ')
		return false;
	for (int number = FIELD_STATE; number < FIELD_START; number++) {
		field = strchr(field, ' ');
		if (!field)
			return false;
		field++;
		if ((number + 1 == FIELD_PARENT && !number_parse(field, &out->parent)) ||
		    (number + 1 == FIELD_THREADS && !number_parse(field, &out->threads)))
			return false;
	}
	return number_parse(field, &out->start);
}

/*
 * In a user's mount namespace or a sandbox, a plain folder may be in place of procfs. Every process
 * would then seem to have ended.
 */
static int absence_error(int proc)
{
	struct statfs fs;

	if (fstatfs(proc, &fs))
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC ? -ESRCH : -ENOTSUP;
}

static int stat_read(int proc, pid_t pid, struct stat_fields *out)
{
	char name[32], text[STAT_TEXT_MAX];
	CLEANUP_FD int fd = -1;
	ssize_t n;

	snprintf(name, sizeof(name), "%d/stat", (int)pid);
	fd = openat(proc, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? absence_error(proc) : -errno;
	/* The kernel returns all of it to one read. */
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return fields_parse(text, out) ? 0 : -EBADMSG;
}

int process_read(int proc, pid_t pid, struct process *out, char *state)
{
	struct stat_fields fields = {0};
	int error = stat_read(proc, pid, &fields);

	if (error)
		return error;
	*out = (struct process){.pid = pid, .start = fields.start};
	if (state)
		*state = fields.state;
	return 0;
}

int process_parent(int proc, pid_t pid, pid_t *parent)
{
	struct stat_fields fields = {0};
	int error = stat_read(proc, pid, &fields);

	if (!error)
		*parent = (pid_t)fields.parent;
	return error;
}

/*
 * Does this process see other start times than the host? In a time namespace they count from another
 * moment. Only an ordinary user's or root's command there asks: the helper is on the host.
 */
static bool starts_differ(int proc)
{
	char text[256] = "";
	const char *boottime;
	long long seconds = 0;
	CLEANUP_FD int fd = openat(proc, "self/timens_offsets", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	boottime = strstr(text, "boottime");
	return boottime && sscanf(boottime, "boottime %lld", &seconds) == 1 && seconds;
}

/* 1: it exists; 0: it does not; -errno: unknown. */
static int process_there(int proc, const struct process *process)
{
	struct stat_fields fields = {0};
	int error = stat_read(proc, process->pid, &fields);

	if (error)
		return error == -ESRCH ? 0 : error;
	if (fields.state == 'X' || fields.state == 'x')
		return 0;
	if (fields.start != process->start)
		return starts_differ(proc) ? -EXDEV : 0;
	/* If its first thread has ended, a process looks like a zombie, but may have others. */
	return fields.state != 'Z' || fields.threads > 1;
}

bool process_alive(int proc, const struct process *process)
{
	return process_there(proc, process) > 0;
}

bool process_gone(int proc, const struct process *process)
{
	return process_there(proc, process) == 0;
}
