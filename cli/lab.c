/*
 * pam-netns lab: a command with all power over the user's own network, for programs that ask for root
 * (`ip netns`, dnsmasq, mininet).
 *
 * The command joins the user namespace that owns the network. There it is root of that network and
 * of a mount namespace of its own. On the host it stays the user: this program has no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/log.h"
#include "base/paths.h"
#include "command.h"
#include "ns/owned.h"

#define SBIN "/usr/local/sbin:/usr/sbin:/sbin"

/* The user's namespaces for networks are the user's own. */
static int mounts_make(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return log_errno(errno, "make a mount namespace (limit: user.max_mnt_namespaces)");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return log_errno(errno, "separate the mounts");
	if (mount("pam-netns", NETNS_DIR, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") <
	    0)
		return log_errno(errno, "mount a tmpfs on " NETNS_DIR);
	return 0;
}

static int lab_enter(void)
{
	CLEANUP_FD int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int user = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);

	if (user < 0 || !owned_by(net, getuid())) {
		log_error(
		    "this process is not in a network that you administer: the profile needs "
		    "net_admin = yes, and outside of a session pam-netns exec -- pam-netns lab");
		return -EPERM;
	}
	if (setns(user, CLONE_NEWUSER) < 0)
		return log_errno(errno, "join the user namespace of your network");
	return mounts_make();
}

/* The command is root there, and finds root's programs. */
static void path_extend(void)
{
	const char *path = getenv("PATH");
	char longer[4096];

	if (path && (size_t)snprintf(longer, sizeof(longer), "%s:" SBIN, path) < sizeof(longer))
		setenv("PATH", longer, 1);
}

int command_lab(const struct arguments *arguments)
{
	char **command = arguments->tail;
	int error;

	if (!command || !command[0]) {
		fprintf(stderr, "pam-netns lab: COMMAND is missing: put it after '--', as in "
				"'pam-netns lab -- ip netns add r1'\n");
		return STATUS_USAGE;
	}
	if (getuid() == 0) {
		log_error(
		    "this is for ordinary users; root, also of a lab, runs the command itself");
		return STATUS_FAILED;
	}
	if (lab_enter())
		return STATUS_FAILED;
	path_extend();
	execvp(command[0], command);
	error = errno;
	log_error("cannot run %s: %s", command[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}
