/*
 * pam-netns-helper: the privileged worker, run by root. See pam-netns-helper(8).
 *
 * pam_netns.so (in sshd, login, su, cron) and pam-netns start it for one verb. Its standard input
 * is a socket: one request comes over it, and log lines and one reply go back. It serves only root.
 * The stages:
 *
 * 1. It makes itself independent of its caller: inherited.c, a session of its own, only the
 *    capabilities that it needs, no_new_privs.
 * 2. It reads the request under the system call filter (sandbox.c).
 * 3. It enters the host's namespaces (host.c), and works there.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <syslog.h>

#include "helper.h"
#include "inherited.h"
#include "move.h"
#include "base/log.h"
#include "base/paths.h"

#define DEADLINE_MAX_S 60 /* the longest deadline that a conf may have */

static const struct verb {
	const char *name;
	int (*run)(struct host *, const struct request *, struct reply *);
	bool sockets; /* it needs host_sockets() */
	bool signals; /* it may signal processes, so it needs their numbers on the host */
} verbs[] = {
    {"open", verb_open, true, false},  {"close", verb_close, false, false},
    {"host", verb_host, false, false}, {"up", verb_up, true, true},
    {"down", verb_down, true, true},   {"kick", verb_kick, true, true},
    {"gc", verb_gc, true, true},
};

/* The capabilities that the work needs; see HACKING. */
static const unsigned capabilities[] = {
    CAP_SYS_ADMIN,	   /* namespaces, mounts */
    CAP_SYS_CHROOT,	   /* setns into a mount namespace */
    CAP_NET_ADMIN,	   /* links, addresses, routes, rules */
    CAP_SYS_PTRACE,	   /* /proc/PID/ns of other users */
    CAP_KILL,		   /* linger = no, kick */
    CAP_SETUID,		   /* a user namespace that a user owns, and its maps of ids */
    CAP_SETGID, CAP_CHOWN, /* persistent directories get the owner and mode of the host's */
    CAP_FOWNER, CAP_FSETID,
    /* The last ones, because containers and units may lack them. */
    CAP_DAC_OVERRIDE, /* an overlay that copies users' files (ns/overlay.h); not effective */
    CAP_SYS_TIME,     /* a time namespace's boot time */
};
#define CAPABILITIES_OPTIONAL 2
#define CAPABILITY_HELD	      (UINT64_C(1) << CAP_DAC_OVERRIDE)
#define CAPABILITIES	      (sizeof(capabilities) / sizeof(capabilities[0]))
#define CAPABILITIES_NEEDED   (CAPABILITIES - CAPABILITIES_OPTIONAL)

static int usage(void)
{
	static const char text[] =
	    "pam-netns-helper is run by pam_netns.so and pam-netns, not by hand.\n"
	    "See pam-netns-helper(8); to manage the set-up use pam-netns.\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	return 2;
}

/* without: a set of the optional ones, the first of which is bit 0. */
static int capabilities_set(unsigned without)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t kept = 0;

	for (size_t i = 0; i < CAPABILITIES; i++)
		if (i < CAPABILITIES_NEEDED || !(without >> (i - CAPABILITIES_NEEDED) & 1))
			kept |= UINT64_C(1) << capabilities[i];
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){
		    .permitted = (uint32_t)(kept >> (32 * i)),
		    .effective = (uint32_t)((kept & ~CAPABILITY_HELD) >> (32 * i)),
		};
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/*
 * No capability is inheritable, so none stays ambient: capabilities(7). The bounding set stays as
 * it is: with no_new_privs an execve(2) gains nothing from it, and a new user namespace has a
 * bounding set of its own.
 */
static int capabilities_limit(void)
{
	int error = capabilities_set(0);

	for (unsigned without = 1; error == -EPERM && without < 1U << CAPABILITIES_OPTIONAL;
	     without++)
		error = capabilities_set(without);
	if (error)
		return log_errno(-error, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return log_errno(errno, "set no_new_privs");
	return 0;
}

extern const char __ehdr_start[] __attribute__((visibility("hidden"))); /* made by ld(1) */

/* The loader enforces RELRO, and a static program of musl has no loader. */
static int relro_protect(void)
{
	const ElfW(Ehdr) *header = (const void *)__ehdr_start;
	const ElfW(Phdr) *segment = (const void *)(__ehdr_start + header->e_phoff);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < header->e_phnum; i++, segment++) {
		uintptr_t start = (uintptr_t)__ehdr_start + segment->p_vaddr;
		uintptr_t end = (start + segment->p_memsz) & -page;

		start &= -page;
		if (segment->p_type == PT_GNU_RELRO &&
		    mprotect((char *)start, end - start, PROT_READ) < 0)
			return log_errno(errno, "protect constants");
	}
	return 0;
}

/* No state of the caller reaches the work. */
static int process_clean(void)
{
	struct rlimit core = {0, 0};
	sigset_t none;
	int result = inherited_reset();

	if (result < 0)
		return result;
	(void)setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setrlimit(RLIMIT_CORE, &core);
	result = relro_protect();
	result = result ?: capabilities_limit();
	return result < 0 ? result : sandbox_enter();
}

static void socket_sink(void *context, int level, const char *text)
{
	(void)context;
	if (message_send_log(STDIN_FILENO, level, text) < 0)
		return; /* the caller no longer listens */
}

/*
 * The caller ends a helper that exceeds the conf's deadline. This alarm is for a helper whose
 * caller has ended: SIGALRM ends the process, and gc or the next login removes what is unfinished.
 */
static void deadline_set(void)
{
	struct itimerval timer = {.it_value.tv_sec = DEADLINE_MAX_S};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The last error that was logged is the cause that the caller shows. */
struct cause {
	char text[512];
};

static void cause_sink(void *context, int level, const char *text)
{
	struct cause *cause = context;

	if (level == LOG_ERR)
		snprintf(cause->text, sizeof(cause->text), "%s", text);
	socket_sink(NULL, level, text);
}

static int verb_run(const struct verb *verb, pid_t caller)
{
	static struct request request;
	static struct reply reply;
	struct cause cause = {""};
	struct host host;
	int result;

	log_set_sink(cause_sink, &cause);
	result = message_receive_request(STDIN_FILENO, &request);
	if (result == 0) {
		deadline_set();
		netlink_explain(request.flags & REQUEST_DEBUG);
		result = host_enter(&host, caller, request.namespaces);
		if (result == 0 && verb->signals)
			result = host_pid_namespace(&host);
		if (result == 0 && verb->signals && host.pid_namespace) {
			log_error("%s: this process is in another PID namespace than the host's: "
				  "run it from outside",
				  verb->name);
			result = -EXDEV;
		}
		if (result == 0 && verb->sockets)
			result = host_sockets(&host);
		if (result == 0) {
			result = verb->run(&host, &request, &reply);
			/* After the answer, no lock is held. */
			cleanup_fd(&host.lock);
		}
	}
	if (result < 0) {
		reply.handed_count = 0;
		reply.outcome = OUTCOME_REFUSED;
		snprintf(reply.cause, sizeof(reply.cause), "%s", cause.text);
	}
	if (message_send_reply(STDIN_FILENO, &reply) < 0)
		result = -EPIPE;
	/* The kernel closes and frees the rest at exit. */
	return result < 0;
}

int main(int argc, char **argv)
{
	pid_t caller;

	if (argc < 2 || argc > 3 || !argv[1] || inherited_ids(&caller) < 0)
		return usage();
	if (argc == 3 && strcmp(argv[2], "move") == 0)
		helper_move();
	else if (argc == 3)
		return usage();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		log_set_sink(socket_sink, NULL);
		return process_clean() < 0 ? 1 : verb_run(&verbs[i], caller);
	}
	return usage();
}
