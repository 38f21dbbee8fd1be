/*
 * The call of the helper: it does not change its caller's state (T8), and a hostile caller's state does not
 * reach the helper (T10).
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "caller_snapshot.h"
#include "fake_helper.h"

#include "../../helper/pam-netns-helper/inherited.c"

/* The helper starts in another cgroup than the caller's, or by a plain spawn. */
static bool plain;

#define strstr(text, what) NULL
#define fstatfs(fd, fs)	   (plain ? (errno = ENOENT, -1) : fstatfs(fd, fs))

#include "../../lib/call/start.c"

#undef strstr

static const struct request request = {.who = {.user = "alice", .uid = 1000}};

static long oom_score(void)
{
	char text[16] = "";
	CLEANUP_FD int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	return fd < 0 || read(fd, text, sizeof(text) - 1) < 0 ? 9999 : atol(text);
}

/* glibc reserves signals 32 and 33, and posix_spawn(3) leaves them ignored. */
#define LIBRARYS_SIGNALS (3ULL << 31)

/* In the helper: writes all of its inherited state as text for the test. */
static void fake_report(struct reply *reply)
{
	char fds[512], signals[128] = "";
	struct rlimit files, cpu;
	char line[256];
	cpu_set_t cpus, cpus_init;
	uid_t r, e, s;
	gid_t rg, eg, sg;
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0)
			sprintf(signals + strlen(signals), "%016llx",
				strtoull(strchr(line, '\t'), NULL, 16) & ~LIBRARYS_SIGNALS);
	if (status)
		fclose(status);
	/* The namespace of the reply does not count. */
	close(reply->handed[0].fd);
	list_fds(fds, sizeof(fds));
	*reply = (struct reply){.outcome = OUTCOME_DONE};
	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_CPU, &cpu);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	sched_getaffinity(1, sizeof(cpus_init), &cpus_init);
	snprintf(reply->line, sizeof(reply->line),
		 "fds %suids %u %u %u gids %u %u %u groups %d umask %03o nice %d policy %d "
		 "signals %s files %d cpu %d env %d cpus %d io %ld slack %d oom %ld personality %d",
		 fds, r, e, s, rg, eg, sg, getgroups(0, NULL), umask(0),
		 getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), signals,
		 files.rlim_cur == files.rlim_max || files.rlim_cur >= 1024,
		 cpu.rlim_cur == cpu.rlim_max, environ && *environ, CPU_EQUAL(&cpus, &cpus_init),
		 syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0), prctl(PR_GET_TIMERSLACK),
		 oom_score(), personality(0xffffffff));
}

/* All signals except SIGKILL, SIGSTOP and LIBRARYS_SIGNALS. */
#define ALL_BLOCKED "fffffffe7ffbfeff"
#define CLEAN_START                                                                                \
	"fds 0=socket 1=/dev/null 2=/dev/null uids 0 0 0 gids 0 0 0 groups 0 umask 022 "           \
	"nice 0 policy 0 signals " ALL_BLOCKED "0000000000000000 files 1 cpu 1 env 0 cpus 1 "      \
	"io 0 slack 50000 oom 0 personality 0"

static void in_child(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Sets the state that a user's program can set and setuid programs inherit. */
static void starve(void)
{
	struct sched_param none = {.sched_priority = 0};
	CLEANUP_FD int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	cpu_set_t cpus;

	must(!setpriority(PRIO_PROCESS, 0, 19) && !sched_setscheduler(0, SCHED_IDLE, &none), 11);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	must(!sched_setaffinity(0, sizeof(cpus), &cpus), 40);
	must(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7)),
	     41);
	must(!prctl(PR_SET_TIMERSLACK, 1000000000), 42);
	must(oom >= 0 && write(oom, "1000", 4) == 4, 43);
	must(personality(UNAME26) >= 0, 44);
}

static void hostile_caller(void)
{
	struct rlimit tight = {.rlim_cur = 16, .rlim_max = 1024};
	struct rlimit seconds = {.rlim_cur = 7, .rlim_max = 4000};
	/* The kernel's struct: handler first. */
	static const unsigned long ignored[8] = {(unsigned long)SIG_IGN};
	struct itimerval soon = {.it_value = {.tv_sec = 20}};
	static const gid_t groups[] = {5, 6, 7};
	struct reply reply;
	sigset_t some;

	must(!setrlimit(RLIMIT_NOFILE, &tight) && !setrlimit(RLIMIT_CPU, &seconds), 10);
	starve();
	must(!setitimer(ITIMER_REAL, &soon, NULL) && !setenv("LD_DEBUG", "all", 1), 12);
	umask(0777);
	must(!chdir("/proc"), 13);
	for (int i = 1; i < NSIG; i++)
		if (i != SIGCHLD)
			signal(i, SIG_IGN);
	/* State that posix_spawn(3) leaves in children, for example of make. */
	for (int i = 32; i <= 33; i++)
		must(!syscall(SYS_rt_sigaction, i, ignored, NULL, 8), 18);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, NULL);
	/* Without FD_CLOEXEC, as by a careless library. */
	must(open("/dev/zero", O_RDONLY) >= 0, 14);
	/* As in su: the real uid is still the user's. */
	must(!setgroups(3, groups) && !setresgid(5, 0, 0) && !setresuid(1000, 0, 0), 15);
	must(!helper_call("report", &request, 10000, &reply), 16);
	if (strcmp(reply.line, CLEAN_START) != 0) {
		fprintf(stderr, "got  %s\nnot  %s\n", reply.line, CLEAN_START);
		_exit(17);
	}
}

static void helper_starts_without_state_of_the_caller(void **state)
{
	(void)state;
	in_child(hostile_caller);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void changed_by(const char *verb, unsigned deadline_ms)
{
	static struct snapshot before, after;
	struct reply reply;

	take_snapshot(&before);
	(void)!helper_call(verb, &request, deadline_ms, &reply);
	reply_close(&reply);
	take_snapshot(&after);
	must(strcmp(before.fds, after.fds) == 0, 30);
	must(memcmp(&before, &after, sizeof(before)) == 0, 31);
}

static void peculiar_caller(void)
{
	struct rlimit tight = {.rlim_cur = 64, .rlim_max = 1024};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
	sigset_t some;

	must(!setrlimit(RLIMIT_NOFILE, &tight) && !chdir("/usr"), 10);
	umask(0137);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigaddset(&some, SIGCHLD);
	sigaddset(&action.sa_mask, SIGHUP);
	must(!sigaction(SIGCHLD, &action, NULL) && !sigaction(SIGPIPE, &action, NULL), 11);
	must(!sigprocmask(SIG_SETMASK, &some, NULL), 12);
	starve();
	must(!setresuid(1000, 0, 0), 13);
	changed_by("open", 10000);
	changed_by("silent", 10000);
	changed_by("garbage", 10000);
	changed_by("surplus", 10000);
	changed_by("hang", 100);
	call_helper_path = "/nonexistent";
	changed_by("open", 10000);
}

static void call_changes_no_state_of_the_caller(void **state)
{
	(void)state;
	in_child(peculiar_caller);
}

static void call_succeeds(void)
{
	struct reply reply;

	must(!helper_call("open", &request, 10000, &reply), 40);
	must(reply.handed_count == 1, 41);
	reply_close(&reply);
}

static void ignoring_caller(void)
{
	signal(SIGCHLD, SIG_IGN);
	must(own_child_start(), 43);
	call_succeeds();
	/* With SIG_IGN an ended child leaves no zombie, even if it ends during the call. */
	must(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, 42);
}

static void caller_that_ignores_sigchld_gets_its_reply(void **state)
{
	(void)state;
	in_child(ignoring_caller);
}

static void nowait_caller(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	sigaction(SIGCHLD, &action, NULL);
	call_succeeds();
	must(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, 42);
	must(!sigaction(SIGCHLD, NULL, &action) && action.sa_flags & SA_NOCLDWAIT, 43);
}

static void caller_without_zombies_gets_its_reply(void **state)
{
	(void)state;
	in_child(nowait_caller);
}

static volatile sig_atomic_t reaped, signalled;

static void reap(int signal)
{
	int saved = errno;

	(void)signal;
	signalled++;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		reaped++;
	errno = saved;
}

static void reaping_caller(void)
{
	struct sigaction action = {.sa_handler = reap};

	sigaction(SIGCHLD, &action, NULL);
	call_succeeds();
	must(signalled == 0 && reaped == 0, 42);
	/* The caller sees its own child that ends during the call. */
	must(own_child_start(), 43);
	call_succeeds();
	must(signalled == 1 && reaped == 1, 45);
}

static void caller_that_reaps_in_its_handler_gets_its_reply(void **state)
{
	(void)state;
	in_child(reaping_caller);
}

static void caller_without_standard_fds(void)
{
	struct reply reply;

	/* Logs go to standard error here, which must not be the socket. */
	log_set_sink(NULL, NULL);
	close(0);
	close(1);
	close(2);
	must(!helper_call("report", &request, 10000, &reply), 50);
	must(strcmp(reply.line, CLEAN_START) == 0, 51);
	must(!helper_call("open", &request, 10000, &reply), 52);
	reply_close(&reply);
	for (int fd = 0; fd < 3; fd++)
		must(fcntl(fd, F_GETFD) == -1, 53);
}

static void caller_without_standard_descriptors_gets_its_reply(void **state)
{
	(void)state;
	in_child(caller_without_standard_fds);
}

static void interrupted_caller(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
	struct itimerval often = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
	struct reply reply;

	sigaction(SIGALRM, &action, NULL);
	must(!setitimer(ITIMER_REAL, &often, NULL), 60);
	must(!helper_call("slow", &request, 10000, &reply), 61);
	must(helper_call("hang", &request, 300, &reply) == -ETIMEDOUT, 62);
}

static void interrupted_caller_gets_its_reply(void **state)
{
	(void)state;
	in_child(interrupted_caller);
}

static void *call_in_thread(void *context)
{
	int *failed = context;
	struct reply reply;

	for (int i = 0; i < 10; i++) {
		*failed += helper_call("open", &request, 10000, &reply) != 0;
		reply_close(&reply);
	}
	return NULL;
}

static void threads_of_the_caller_get_their_replies(void **state)
{
	pthread_t threads[4];
	int failed[4] = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_in_thread, &failed[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failed[i], 0);
	}
}

#define CALLER_TEST(name) cmocka_unit_test_setup(name, fake_setup)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    CALLER_TEST(helper_starts_without_state_of_the_caller),
	    CALLER_TEST(call_changes_no_state_of_the_caller),
	    CALLER_TEST(caller_that_ignores_sigchld_gets_its_reply),
	    CALLER_TEST(caller_without_zombies_gets_its_reply),
	    CALLER_TEST(caller_that_reaps_in_its_handler_gets_its_reply),
	    CALLER_TEST(caller_without_standard_descriptors_gets_its_reply),
	    CALLER_TEST(interrupted_caller_gets_its_reply),
	    CALLER_TEST(threads_of_the_caller_get_their_replies),
	};

	if (is_fake_helper(argc, argv))
		return inherited_ids(&(pid_t){0}) || inherited_reset() ? 4 : fake_helper(argv[1]);
	if (cmocka_run_group_tests(tests, NULL, NULL))
		return 1;
	plain = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
