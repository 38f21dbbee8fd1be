/*
 * What the kernel tells of a user's namespaces; see namespaces.h.
 *
 * Root reads the pins, and the host's processes. An ordinary user reads what their own process is
 * in, and the processes that they may see. What a kernel does not tell is "unknown".
 */
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/namespaces.h"
#include "base/paths.h"
#include "text.h"

/* Younger than Debian 12's headers. */
struct mount_info {
	uint32_t size, mounts;
	uint64_t id;
};
#define GET_MNTNS_ID _IOR(NSIO, 0x5, uint64_t)
#define GET_MNT_INFO _IOR(NSIO, 0xa, struct mount_info)
#define GET_ID	     _IOR(NSIO, 0xd, uint64_t)

#define VIEWS_MAX (NAMESPACE_KINDS + 1) /* and the user namespace that owns the network */
#define CELL_MAX  24

/* One namespace, as text; "": it does not have this. */
struct view {
	char kind[CELL_MAX], inode[CELL_MAX], id[CELL_MAX], owner[CELL_MAX], uid[CELL_MAX];
	char parent[CELL_MAX], mounts[CELL_MAX];
	const char *name; /* of the file in /proc/PID/ns */
	ino_t number;	  /* inode */
	size_t members;
};

struct member {
	unsigned long pid;
	char inside[CELL_MAX]; /* its pid in the innermost PID namespace */
	char command[32];
};

struct views {
	struct view view[VIEWS_MAX];
	size_t count;
	struct member *members;
	size_t members_count;
};

static void cleanup_views(struct views *views)
{
	free(views->members);
}

static void cell_set(char cell[CELL_MAX], bool known, uint64_t number)
{
	if (known)
		snprintf(cell, CELL_MAX, "%" PRIu64, number);
	else
		strcpy(cell, "unknown");
}

static void kind_set(struct view *view, int fd)
{
	static const struct {
		int type;
		const char *name;
	} types[] = {{CLONE_NEWNET, "net"},	  {CLONE_NEWUTS, "uts"},  {CLONE_NEWIPC, "ipc"},
		     {CLONE_NEWNS, "mnt"},	  {CLONE_NEWPID, "pid"},  {CLONE_NEWUSER, "user"},
		     {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"}};
	int type = ioctl(fd, NS_GET_NSTYPE);

	strcpy(view->kind, "unknown");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			snprintf(view->kind, CELL_MAX, "%s", types[i].name);
}

static void inode_set(char cell[CELL_MAX], int fd)
{
	struct stat st = {0};
	bool known = fd >= 0 && fstat(fd, &st) == 0;

	cell_set(cell, known, st.st_ino);
}

/* owner: the user namespace that owns it; -1: not known. */
static void owner_set(struct view *view, int owner)
{
	uid_t uid = 0;
	bool known = owner >= 0 && ioctl(owner, NS_GET_OWNER_UID, &uid) == 0;

	inode_set(view->owner, owner);
	cell_set(view->uid, known, uid);
}

static void id_set(struct view *view, int fd)
{
	uint64_t id = 0;
	bool known = ioctl(fd, GET_ID, &id) == 0 ||
		     (strcmp(view->name, "mnt") == 0 && ioctl(fd, GET_MNTNS_ID, &id) == 0);

	cell_set(view->id, known, id);
}

static void mounts_set(struct view *view, int fd)
{
	struct mount_info mounts = {.size = sizeof(mounts)};
	bool known = ioctl(fd, GET_MNT_INFO, &mounts) == 0;

	cell_set(view->mounts, known, mounts.mounts);
}

static void view_add(struct views *views, int fd, const char *name)
{
	struct view *view = &views->view[views->count++];
	struct stat st;
	CLEANUP_FD int owner = ioctl(fd, NS_GET_USERNS);

	*view = (struct view){.name = name, .number = fstat(fd, &st) == 0 ? st.st_ino : 0};
	kind_set(view, fd);
	inode_set(view->inode, fd);
	id_set(view, fd);
	owner_set(view, owner);
	if (strcmp(name, "mnt") == 0)
		mounts_set(view, fd);
	if (strcmp(name, "pid") == 0 || strcmp(name, "user") == 0) {
		CLEANUP_FD int parent = ioctl(fd, NS_GET_PARENT);

		inode_set(view->parent, parent);
	}
}

/* The user namespace that owns the network, unless it is the host's. */
static void owner_add(struct views *views, int proc, int net)
{
	struct stat st, host;
	CLEANUP_FD int owner = ioctl(net, NS_GET_USERNS);

	if (owner >= 0 && fstat(owner, &st) == 0 && fstatat(proc, "self/ns/user", &host, 0) == 0 &&
	    st.st_ino != host.st_ino)
		view_add(views, owner, "user");
}

static int views_read(struct views *views, int proc, const struct user_state *state, bool root)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		const char *name = namespace_kinds[i].name;
		char path[sizeof("1/root" PINS_DIR "/4294967295/") + NAMESPACE_NAME_MAX];

		if (!(state->namespaces & namespace_kinds[i].bit))
			continue;
		if (root)
			snprintf(path, sizeof(path), "1/root" PINS_DIR "/%u/%s", state->uplink.uid,
				 name);
		else
			snprintf(path, sizeof(path), "self/ns/%s", name);
		CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			return log_errno(errno, "open the %s namespace", name);
		view_add(views, fd, name);
		if (i != KIND_NET)
			continue;
		if (!root && state->net_inode && views->view[0].number != state->net_inode) {
			log_error(
			    "this process is not in your network: pam-netns exec -- pam-netns "
			    "status --namespaces");
			return -EXDEV;
		}
		owner_add(views, proc, fd);
	}
	return 0;
}

/* The last number of "NSpid: 4711 12 1", and the name of the command. */
static void member_describe(int proc, struct member *member)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "%lu/status", member->pid);
	strcpy(member->inside, "unknown");
	strcpy(member->command, "");
	CLEANUP_FD int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FILE FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "re");

	while (file && fgets(line, sizeof(line), file)) {
		char *number = strrchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "Name:\t", 6) == 0)
			snprintf(member->command, sizeof(member->command), "%.31s", line + 6);
		else if (strncmp(line, "NSpid:", 6) == 0 && number)
			snprintf(member->inside, CELL_MAX, "%.20s", number + 1);
	}
}

static int member_add(struct views *views, int proc, unsigned long pid)
{
	struct member *more = reallocarray(views->members, views->members_count + 1, sizeof(*more));

	if (!more)
		return log_errno(ENOMEM, "list the processes");
	views->members = more;
	more[views->members_count].pid = pid;
	member_describe(proc, &more[views->members_count++]);
	return 0;
}

/* A process that is in one of the namespaces is a member. */
static int member_find(struct views *views, int proc, const char *pid)
{
	bool is_member = false;

	for (size_t i = 0; i < views->count; i++) {
		struct view *view = &views->view[i];
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "%.20s/ns/%s", pid, view->name);
		if (fstatat(proc, path, &st, 0) < 0 || st.st_ino != view->number)
			continue;
		view->members++;
		is_member = true;
	}
	return is_member ? member_add(views, proc, strtoul(pid, NULL, 10)) : 0;
}

static int members_read(struct views *views, int proc)
{
	CLEANUP_FD int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(dup(fd));
	int error = 0;

	if (!dir)
		return log_errno(errno, "list the processes");
	for (struct dirent *entry = readdir(dir); entry && !error; entry = readdir(dir))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			error = member_find(views, proc, entry->d_name);
	return error;
}

static void views_print(const struct views *views, const struct user_state *state)
{
	static const char *const headings[] = {"KIND", "INODE",	 "ID",	   "OWNER",
					       "UID",  "PARENT", "MOUNTS", "MEMBERS"};
	static const char *const processes[] = {"PID", "INSIDE", "COMMAND"};
	CLEANUP_TABLE struct table table, members;
	char number[CELL_MAX];

	text_print(stdout, state->account);
	printf(" (uid %u)\n", state->uplink.uid);
	table_init(&table, headings, "lrrrrrrr");
	for (size_t i = 0; i < views->count; i++) {
		const struct view *v = &views->view[i];
		const char *cells[] = {v->kind, v->inode,  v->id,    v->owner,
				       v->uid,	v->parent, v->mounts};

		for (size_t j = 0; j < sizeof(cells) / sizeof(cells[0]); j++)
			table_cell(&table, cells[j]);
		cell_set(number, true, v->members);
		table_cell(&table, number);
	}
	table_init(&members, processes, "rrl");
	for (size_t i = 0; i < views->members_count; i++) {
		cell_set(number, true, views->members[i].pid);
		table_cell(&members, number);
		table_cell(&members, views->members[i].inside);
		table_cell(&members, views->members[i].command);
	}
	if (table_print(&table, stdout, "  ") ||
	    (views->members_count && table_print(&members, stdout, "  ")))
		log_error("cannot print the namespaces: %s", strerror(ENOMEM));
}

/* A number, or null if it is unknown or the namespace has none. */
static void key_number(const char *key, const char *cell)
{
	printf(", \"%s\": %s", key, *cell >= '0' && *cell <= '9' ? cell : "null");
}

static void views_json(const struct views *views)
{
	for (size_t i = 0; i < views->count; i++) {
		const struct view *v = &views->view[i];

		printf("%s{\"kind\": \"%s\"", i ? ",\n  " : "{\"namespaces\": [\n  ", v->kind);
		key_number("inode", v->inode);
		key_number("id", v->id);
		key_number("owner", v->owner);
		key_number("owner_uid", v->uid);
		key_number("parent", v->parent);
		key_number("mounts", v->mounts);
		printf(", \"members\": %zu}", v->members);
	}
	printf("],\n \"processes\": [");
	for (size_t i = 0; i < views->members_count; i++) {
		printf("%s{\"pid\": %lu", i ? ",\n  " : "\n  ", views->members[i].pid);
		key_number("inside", views->members[i].inside);
		printf(", \"command\": ");
		json_string(stdout, views->members[i].command);
		putchar('}');
	}
	puts("]}");
}

int namespaces_show(const struct user_state *state, bool json)
{
	bool root = geteuid() == 0;
	__attribute__((cleanup(cleanup_views))) struct views views = {.count = 0};
	CLEANUP_FD int proc = open(root ? HOSTPROC : "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = proc < 0 ? log_errno(errno, "open the host's /proc") : 0;

	error = error ?: views_read(&views, proc, state, root);
	error = error ?: members_read(&views, proc);
	if (!error && json)
		views_json(&views);
	else if (!error)
		views_print(&views, state);
	return error;
}
