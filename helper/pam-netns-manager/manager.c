/*
 * pam-netns-manager: starts a systemd user manager, in the user's PID namespace if there is one.
 *
 * conf/examples/user-manager.conf makes user@.service run this program, as the user. systemd's
 * process looks for itself in /proc after it has called PAM, and /proc of the user's mount namespace
 * does not have it. So pam_netns.so has joined the user's network, UTS and IPC namespaces only, and the
 * rest is pam-netns-enter's.
 *
 * The user's record names their network namespace, so it tells whether PAM has isolated this process. If not
 * (an exempt user or service), the manager starts as it would without this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/log.h"
#include "base/paths.h"
#include "state/state.h"

#define STATUS_REFUSED 1
#define SCOPE	       "init.scope"

/*
 * Is the manager to be in a PID namespace that this process is not in? In doubt it is: pam-netns-enter
 * enters only what is verified. -errno, logged: unknown.
 */
static int inside_wanted(bool *inside)
{
	CLEANUP_FD int run = open(RUN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct user_state state;
	struct stat net;
	int error;

	*inside = false;
	if (run < 0)
		return errno == ENOENT ? 0 : log_errno(errno, "open %s", RUN_DIR);
	error = state_read(run, getuid(), &state);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (!(state.namespaces & NAMESPACE_PID))
		return 0;
	if (stat("/proc/self/ns/net", &net) < 0)
		return log_errno(errno, "look at this process's network namespace");
	*inside = !state.net_inode || state.net_inode == net.st_ino;
	return 0;
}

/*
 * The manager moves all processes of its group into a scope, or it could give its units no
 * controller. It cannot see those outside of its PID namespace, so they are moved here. If that
 * fails, units have no limits, and the manager logs it.
 */
static void scope_make(void)
{
	char text[4096], path[sizeof(text) + 64], *end, *rest = NULL;
	const char *group;
	CLEANUP_FD int folder = -1;

	if (files_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) < 0 ||
	    !(group = strstr(text, "0::/")))
		return;
	end = strchr(group, '\n');
	if (end)
		*end = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s", group + strlen("0::"));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || (mkdirat(folder, SCOPE, 0755) < 0 && errno != EEXIST) ||
	    files_read(folder, "cgroup.procs", text, sizeof(text)) < 0)
		return;
	for (char *pid = strtok_r(text, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest)) {
		CLEANUP_FD int procs = openat(folder, SCOPE "/cgroup.procs", O_WRONLY | O_CLOEXEC);

		if (write(procs, pid, strlen(pid)) < 0)
			continue; /* it has ended */
	}
}

int main(int argc, char **argv)
{
	bool inside;

	if (argc < 2) {
		log_error("a manager is missing: see pam_netns.conf(5)");
		return STATUS_REFUSED;
	}
	if (inside_wanted(&inside))
		return STATUS_REFUSED;
	if (inside) {
		scope_make();
		argv[0] = (char[]){"pam-netns-enter"};
		execv(ENTER_PATH, argv);
	} else {
		execv(argv[1], argv + 1);
	}
	log_errno(errno, "run %s", inside ? ENTER_PATH : argv[1]);
	return STATUS_REFUSED;
}
