/* The traced functions; see inject.h. */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static bool mallocs_counted;

/* --- malloc(3) of the caller, the module and all libraries --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	return mallocs_counted && trace_malloc_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return mallocs_counted && trace_malloc_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return mallocs_counted && trace_malloc_fails() ? NULL : __libc_realloc(old, size);
}

/* --- bodies --- */

/* State of the caller that the module must not change (T8). */
struct own {
	uint64_t fds, log; /* log: the C library's descriptor for syslog(3) */
	struct sigaction child;
	sigset_t mask;
	mode_t umask;
	char cwd[256];
	uid_t ids[3];
	struct rlimit files;
	int no_new_privs;
};

static void on_child(int signal)
{
	(void)signal;
}

static uint64_t fds_open(void)
{
	uint64_t fds = 0;

	for (int fd = 0; fd < 64; fd++)
		fds |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return fds;
}

static void own_read(struct own *own)
{
	uint64_t log = own->log;

	memset(own, 0, sizeof(*own));
	own->log = log;
	own->fds = fds_open() & ~log;
	sigaction(SIGCHLD, NULL, &own->child);
	sigprocmask(SIG_SETMASK, NULL, &own->mask);
	own->umask = umask(0);
	umask(own->umask);
	if (!getcwd(own->cwd, sizeof(own->cwd)))
		own->cwd[0] = '\0';
	getresuid(&own->ids[0], &own->ids[1], &own->ids[2]);
	getrlimit(RLIMIT_NOFILE, &own->files);
	own->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

/* One bit for each word of trace.c. */
static int own_changes(const struct own *a)
{
	struct own b = {.log = a->log};
	int status;

	own_read(&b);
	return (a->fds != b.fds) << 0 |
	       (a->child.sa_handler != b.child.sa_handler ||
		memcmp(&a->mask, &b.mask, sizeof(a->mask)) != 0)
		   << 1 |
	       (a->umask != b.umask) << 2 | (strcmp(a->cwd, b.cwd) != 0) << 3 |
	       (waitpid(-1, &status, WNOHANG) >= 0) << 4 |
	       (memcmp(a->ids, b.ids, sizeof(a->ids)) != 0) << 5 |
	       (memcmp(&a->files, &b.files, sizeof(a->files)) != 0) << 6 |
	       (a->no_new_privs != b.no_new_privs) << 7 |
	       (strcmp(b.cwd, "/") == 0 ? OWN_AT_ROOT : 0);
}

void session_body(void)
{
	struct pam_handle *pamh = application_start(TARGET_UID);
	struct own own;
	int result;

	signal(SIGCHLD, on_child);
	umask(027);
	if (chdir("/usr/bin") < 0)
		_exit(3);
	own.log = fds_open();
	openlog(SERVICE, LOG_NDELAY, LOG_AUTHPRIV);
	own.log ^= fds_open();
	own_read(&own);
	mallocs_counted = true;
	trace_mark(PHASE_OPEN, 0);
	result = pam_open_session(pamh, 0);
	trace_mark(PHASE_OPENED, result);
	trace_mark(PHASE_NONE, own_changes(&own));
	if (result == PAM_SUCCESS) {
		trace_mark(PHASE_CLOSE, 0);
		result = pam_close_session(pamh, 0);
		trace_mark(PHASE_CLOSED, result);
		trace_mark(PHASE_NONE, own_changes(&own));
	}
	mallocs_counted = false;
	pam_end(pamh, result);
}

static void verb_body(const char *verb)
{
	trace_mark(PHASE_OPEN, 0);
	(void)helper_run(verb);
	trace_mark(PHASE_CLOSED, 0);
}

void gc_body(void)
{
	verb_body("gc");
}

void up_body(void)
{
	verb_body("up");
}

void down_body(void)
{
	verb_body("down");
}

static void become_target(void)
{
	struct passwd *user = getpwuid(TARGET_UID);
	int group = open(USERS_CGROUP "/cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (!user || group < 0 || write(group, "0", 1) != 1 ||
	    initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(TARGET_UID, TARGET_UID, TARGET_UID) < 0)
		_exit(3);
}

/* The shell prints its namespace, if it runs. */
void su_body(void)
{
	char command[256], host[64];
	ssize_t n = readlink("/proc/1/ns/net", host, sizeof(host) - 1);
	int null = open("/dev/null", O_RDWR);

	host[n > 0 ? n : 0] = '\0';
	snprintf(command, sizeof(command),
		 "[ \"$(readlink /proc/self/ns/net)\" != \"%s\" ] || : >/run/test-host/out/on-host",
		 host);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(3);
	become_target();
	trace_mark(PHASE_OPEN, 0);
	execl("/bin/su", "su", user_name(TARGET_UID), "-c", command, (char *)NULL);
}
