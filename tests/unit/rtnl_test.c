/*
 * Waits that are logged as waits for the kernel's lock of network configuration (T40), and packets that
 * are not the kernel's. Runs as root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "net/netlink.h"
#include "net/rtnl.h"

static char state_of(int proc, pid_t pid)
{
	struct process process;
	char state = '?';

	return process_read(proc, pid, &process, &state) == 0 ? state : '?';
}

static void wait_for_state(int proc, pid_t pid, char state)
{
	for (int i = 0; i < 10000 && state_of(proc, pid) != state; i++)
		usleep(1000);
	assert_int_equal(state_of(proc, pid), state);
}

/* A wait that a signal interrupts; an uninterruptible wait of another call, vfork(2); an ended process. */
static void other_waits_are_not_logged(void **unused)
{
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	wait_for_state(proc, pid, 'S');
	assert_false(rtnl_awaited(proc, pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(rtnl_awaited(proc, pid));
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (vfork() == 0) {
			usleep(600000000);
			_exit(1);
		}
		_exit(0);
	}
	wait_for_state(proc, pid, 'D');
	assert_false(rtnl_awaited(proc, pid));
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char logged[256];

static void keep(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	strncpy(logged, text, sizeof(logged) - 1);
}

static void long_waits_are_logged(void **state)
{
	(void)state;
	log_set_sink(keep, NULL);
	rtnl_tell(clock_ms());
	assert_string_equal(logged, "");
	rtnl_tell(clock_ms() - 5000);
	assert_non_null(strstr(logged, "waited 5"));
	log_set_sink(NULL, NULL);
}

static int answers_count(void *context, struct nlmsghdr *answer)
{
	(void)answer;
	++*(int *)context;
	return 0;
}

static int loopback_ask(struct netlink *netlink, int *answers)
{
	struct ifinfomsg header = {.ifi_index = 1};

	*answers = 0;
	return netlink_query(netlink, netlink_request(RTM_GETLINK, 0, &header, sizeof(header)),
			     "ask for lo", answers_count, answers);
}

/* Another process of root sends a packet like the kernel's refusal of the next request. */
static void only_packets_of_the_kernel_are_believed(void **state)
{
	struct netlink netlink, other;
	struct sockaddr_nl address;
	socklen_t size = sizeof(address);
	int answers;

	(void)state;
	assert_int_equal(netlink_open(&netlink, NETLINK_ROUTE), 0);
	assert_int_equal(netlink_open(&other, NETLINK_ROUTE), 0);
	assert_int_equal(loopback_ask(&netlink, &answers), 0);
	assert_int_equal(answers, 1);
	assert_int_equal(getsockname(netlink.fd, (struct sockaddr *)&address, &size), 0);

	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {
	    .header = {.nlmsg_len = sizeof(refusal),
		       .nlmsg_type = NLMSG_ERROR,
		       .nlmsg_seq = netlink.sequence + 1},
	    .error = {.error = -EPERM},
	};

	assert_int_equal(
	    sendto(other.fd, &refusal, sizeof(refusal), 0, (struct sockaddr *)&address, size),
	    sizeof(refusal));
	assert_int_equal(loopback_ask(&netlink, &answers), 0);
	assert_int_equal(answers, 1);
	netlink_close(&netlink);
	netlink_close(&other);
}

static void edge_add(struct netlink_batch *batch, int type)
{
	struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_COUNT)};

	netlink_add(batch, netlink_request(type, 0, &header, sizeof(header)), "edge", 0);
}

/* The kernel refuses the transaction by one answer to its beginning, and says nothing of its requests. */
static void a_refused_transaction_ends(void **state)
{
	struct nfgenmsg header = {.version = NFNETLINK_V0};
	struct netlink netfilter;
	struct netlink_batch batch;

	(void)state;
	alarm(10);
	assert_int_equal(netlink_open(&netfilter, NETLINK_NETFILTER), 0);
	netlink_batch_init(&batch);
	edge_add(&batch, NFNL_MSG_BATCH_BEGIN);
	netlink_add(&batch,
		    netlink_request(NFNL_SUBSYS_COUNT << 8, NLM_F_ACK, &header, sizeof(header)),
		    "request", 0);
	edge_add(&batch, NFNL_MSG_BATCH_END);
	assert_int_equal(netlink_run(&netfilter, &batch), -EINVAL);
	netlink_close(&netfilter);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(other_waits_are_not_logged),
	    cmocka_unit_test(long_waits_are_logged),
	    cmocka_unit_test(only_packets_of_the_kernel_are_believed),
	    cmocka_unit_test(a_refused_transaction_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
