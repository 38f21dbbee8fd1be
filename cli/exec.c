/*
 * pam-netns exec: runs a command in a user's namespaces (root), or in one's own (pam-netns-enter).
 *
 * For root:
 *
 * 1. Everything that depends on NSS, the conf file or paths is looked up first.
 * 2. A child with a terminal of its own joins the namespaces.
 * 3. It drops privilege for good, and verifies that.
 * 4. It executes the command, the only file that is opened in the user's mount namespace (T15).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command.h"
#include "join.h"
#include "base/log.h"
#include "call/message.h"
#include "base/paths.h"
#include "terminal.h"
#include "users.h"

#define ROOT_PATH     "/usr/sbin:/usr/bin:/sbin:/bin"
#define USER_PATH     "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
#define ENTRY_MAX     512
#define STATUS_DENIED 126
#define STATUS_ABSENT 127

enum { ENV_PATH, ENV_HOME, ENV_USER, ENV_LOGNAME, ENV_SHELL, ENV_TERM, ENV_COUNT };

struct target {
	struct passwd *entry;
	struct join join;
	char environment[ENV_COUNT][ENTRY_MAX];
	char *environ[ENV_COUNT + 1];
};

static bool environment_set(struct target *target, int i, const char *name, const char *value)
{
	int length = snprintf(target->environment[i], ENTRY_MAX, "%s=%s", name, value);

	target->environ[i] = target->environment[i];
	return length > 0 && length < ENTRY_MAX;
}

/* A clean environment: root's own may have secrets, and root must not trust the user's. */
static int environment_make(struct target *target, const struct passwd *as)
{
	const char *term = getenv("TERM");
	const char *path = as->pw_uid ? USER_PATH : ROOT_PATH;

	if (environment_set(target, ENV_PATH, "PATH", path) &&
	    environment_set(target, ENV_HOME, "HOME", as->pw_dir) &&
	    environment_set(target, ENV_USER, "USER", as->pw_name) &&
	    environment_set(target, ENV_LOGNAME, "LOGNAME", as->pw_name) &&
	    environment_set(target, ENV_SHELL, "SHELL", *as->pw_shell ? as->pw_shell : "/bin/sh") &&
	    environment_set(target, ENV_TERM, "TERM", term && strlen(term) < 64 ? term : "dumb"))
		return 0;
	log_error("the passwd entry of %s is too long", as->pw_name);
	return -ENAMETOOLONG;
}

/* Inheritable and ambient capabilities survive setuid(2). */
static int capabilities_clear(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0}, now[2];

	if (syscall(SYS_capset, &header, none) || syscall(SYS_capget, &header, now))
		return -errno;
	return memcmp(now, none, sizeof(now)) ? -EPERM : 0;
}

/* Drops privilege for good, and verifies it: attempts to regain it must fail (T14).
 * Groups are set already. */
static int privilege_drop(uid_t uid, gid_t gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return log_errno(errno, "become uid %u", uid);
	if (capabilities_clear() || getresuid(&ruid, &euid, &suid) ||
	    getresgid(&rgid, &egid, &sgid) || ruid != uid || euid != uid || suid != uid ||
	    rgid != gid || egid != gid || sgid != gid || setuid(0) == 0 || seteuid(0) == 0 ||
	    setgid(gid + 1) == 0 || setegid(gid + 1) == 0)
		return log_errno(EPERM, "give up root's rights for good");
	return 0;
}

static void directory_choose(const char *home)
{
	if (chdir(home) && chdir("/"))
		log_warning("cannot change to %s or /", home);
}

static int command_replace(char **command, char **environment)
{
	int error;

	environ = environment; /* execvp searches the new PATH */
	execvp(command[0], command);
	error = errno;
	log_error("cannot run %s: %s", command[0], strerror(error));
	return error == ENOENT ? STATUS_ABSENT : STATUS_DENIED;
}

/* Groups come from NSS, so they are looked up before the switch. */
static int target_prepare(struct target *target, uid_t uid, bool stay_root)
{
	struct passwd *as = getpwuid(stay_root ? 0 : uid);
	int error;

	if (!as) {
		log_error("uid %u has no passwd entry", stay_root ? 0 : uid);
		return -ENOENT;
	}
	error = environment_make(target, as);
	if (error)
		return error;
	target->entry = as;
	if (!stay_root && initgroups(as->pw_name, as->pw_gid))
		return log_errno(errno, "take the groups of %s", as->pw_name);
	return 0;
}

/* The child: from here on it opens only the command. */
static int command_enter(struct target *target, const struct terminal *terminal, bool stay_root,
			 char **command)
{
	if (terminal_take(terminal) || join_enter(&target->join) ||
	    (!stay_root && privilege_drop(target->entry->pw_uid, target->entry->pw_gid)))
		return STATUS_FAILED;
	directory_choose(target->entry->pw_dir);
	if (syscall(SYS_close_range, 3U, ~0U, 0U)) {
		log_error("cannot close descriptors: %s", strerror(errno));
		return STATUS_FAILED;
	}
	return command_replace(command, target->environ);
}

static int exec_as_root(const char *name, bool stay_root, char **command)
{
	struct target target = {0};
	struct terminal terminal;
	pid_t child;
	uid_t uid;

	if (users_uid(name, &uid))
		return STATUS_FAILED;
	if (uid == 0) {
		log_error("root has no network of its own");
		return STATUS_FAILED;
	}
	if (join_open(&target.join, uid, name) || target_prepare(&target, uid, stay_root) ||
	    terminal_open(&terminal, target.entry->pw_uid) || join_children(&target.join))
		return STATUS_FAILED;
	child = fork();
	if (child == 0)
		_exit(command_enter(&target, &terminal, stay_root, command));
	if (child < 0) {
		log_error("cannot start a process for the command: %s", strerror(errno));
		return STATUS_FAILED;
	}
	return terminal_serve(&terminal, child);
}

/* The setuid program joins the caller's own namespaces. */
static int exec_own(char **command)
{
	size_t count = 0;
	char **words;

	while (command[count])
		count++;
	words = calloc(count + 3, sizeof(*words));
	if (!words)
		return STATUS_FAILED;
	words[0] = (char[]){"pam-netns-enter"};
	words[1] = (char[]){"--"};
	memcpy(words + 2, command, count * sizeof(*words));
	execv(ENTER_PATH, words);
	log_error("cannot run %s: %s; is pam_netns installed whole?", ENTER_PATH, strerror(errno));
	free(words);
	return STATUS_FAILED;
}

int command_exec(const struct arguments *arguments)
{
	const char *user = arguments->operand;
	bool is_root = getuid() == 0;
	uid_t uid;

	if (!arguments->tail || !arguments->tail[0]) {
		fprintf(stderr,
			"pam-netns exec: COMMAND is missing: put it after '--', as in 'pam-netns "
			"exec %s-- ip addr'\n",
			is_root ? "USER " : "");
		return STATUS_USAGE;
	}
	if (is_root && !user) {
		fprintf(stderr,
			"pam-netns exec: USER is missing: pam-netns exec USER -- COMMAND\n");
		return STATUS_USAGE;
	}
	if (is_root)
		return exec_as_root(user, arguments->root, arguments->tail);
	if (arguments->root) {
		log_error("exec --root needs root; run it with sudo");
		return STATUS_FAILED;
	}
	if (user && (users_uid(user, &uid) || uid != getuid())) {
		log_error("only root enters another user's network; run it with sudo");
		return STATUS_FAILED;
	}
	return exec_own(arguments->tail);
}
