/* Runs one of the helper's verbs in a new process on the test's host, as the helper does; see helper_test.c. */
#ifndef PAM_NETNS_HELPER_VERBS_H
#define PAM_NETNS_HELPER_VERBS_H

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>

#include "own_host.h"

#include "../../helper/pam-netns-helper/helper.h"
#include "base/log.h"

#define USER 2001
#define CONF "/run/conf"

/* Results of a verb's process. */
static struct answer {
	int error;
	bool ran, in_root;
	enum outcome outcome;
	size_t handed;
	uint64_t net; /* inode of the sent network namespace */
	char line[sizeof(((struct reply *)0)->line)];
	char log[4096]; /* errors and warnings */
} * answer;

static void log_share(void *context, int level, const char *text)
{
	size_t used = strlen(answer->log);

	(void)context;
	if (level <= LOG_WARNING)
		snprintf(answer->log + used, sizeof(answer->log) - used, "%s\n", text);
}

typedef int verb(struct host *host, const struct request *request, struct reply *reply);

static void verb_process(verb *run, const struct request *request, pid_t caller)
{
	struct reply reply = {.outcome = OUTCOME_REFUSED};
	char cwd[64];
	struct host host;

	log_set_sink(log_share, NULL);
	/* The caller's directory; entering the host's mount namespace leaves it. */
	if (chdir("/proc"))
		return;
	answer->error = host_enter(&host, caller, 0);
	answer->in_root = getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0;
	answer->error = answer->error ?: host_sockets(&host);
	if (!answer->error)
		answer->error = run(&host, request, &reply);
	answer->outcome = reply.outcome;
	answer->handed = reply.handed_count;
	if (reply.handed_count)
		answer->net = reply.handed[0].inode;
	memcpy(answer->line, reply.line, sizeof(answer->line));
	answer->ran = true;
}

/* Only in the build for coverage, where _exit() does not write the counts. */
extern void __gcov_dump(void) __attribute__((weak));

/* A program in an active user's session starts the verb, as for `su` there. */
static bool from_inside;

/* Returns the verb's error. */
static int helper(verb *run, pid_t caller)
{
	struct own_member inside = {.uid = USER, .kinds = OWN_KINDS & ~NAMESPACE_CGROUP};
	struct request request = {.conf = CONF, .service = "sshd"};
	pid_t pid;

	assert_true(who_set(&request.who, USER, "alice"));
	memset(answer, 0, sizeof(*answer));
	pid = fork();
	if (pid == 0) {
		if (!from_inside || become_member(&inside))
			verb_process(run, &request, caller);
		if (__gcov_dump)
			__gcov_dump();
		_exit(0); /* frees all */
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(answer->ran);
	assert_true(answer->in_root);
	return answer->error;
}

#define assert_helper(verb, caller)                                                                \
	do {                                                                                       \
		if (helper(verb, caller))                                                          \
			fail_msg(#verb ": %d: %s", answer->error, answer->log);                    \
	} while (0)

#endif
