/*
 * pam-netns doctor: does this kernel keep links of user namespaces out of other networks?
 *
 * The other end of a new veth pair may be in another network namespace, the host's too. Stock 6.1
 * does not ask whether its maker has any power there; 6.18.44 refuses it.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net/uplink.h"
#include "ns/owned.h"

#define OWNER 65534 /* no user of ours */

enum { PEER_MADE, PEER_REFUSED, PEER_UNKNOWN };

static void quiet(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

static int network_open(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* In a process of its own, which becomes the owner of net. */
static int peer_try(int net, int target)
{
	const struct network_state network = {.mtu = 1500};
	struct uplink uplink = {.network = &network, .uid = OWNER, .mac = UPLINK_BRIDGE_MAC};
	struct netlink inside;
	int error, user = ioctl(net, NS_GET_USERNS);

	if (user < 0 || setresgid(OWNER, OWNER, OWNER) || setresuid(OWNER, OWNER, OWNER) ||
	    setns(user, CLONE_NEWUSER) || setns(net, CLONE_NEWNET) ||
	    netlink_open(&inside, NETLINK_ROUTE))
		return PEER_UNKNOWN;
	error = uplink_create(&inside, target, &uplink);
	if (error == -EPERM)
		return PEER_REFUSED;
	return error ? PEER_UNKNOWN : PEER_MADE;
}

static int child_run(int target)
{
	int net;

	log_set_sink(quiet, NULL);
	net = owned_make(OWNER, OWNER);
	if (target < 0 && unshare(CLONE_NEWNET) == 0)
		target = network_open();
	return net < 0 || target < 0 ? PEER_UNKNOWN : peer_try(net, target);
}

int peer_refused(int target)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child_run(target));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == PEER_UNKNOWN)
		return -1;
	return WEXITSTATUS(status) == PEER_REFUSED;
}
