/* Logins, traced and not; see inject.h. */
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "paths.h"

static const char *const kinds[] = {"net", "uts", "mnt"};
static bool mallocs_counted;

/* --- the caller's malloc(3), which the module and all libraries use too --- */

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

/* --- a PAM application --- */

static int silent(int count, const struct pam_message **messages, struct pam_response **responses,
		  void *context)
{
	(void)messages;
	(void)context;
	*responses = calloc((size_t)count, sizeof(**responses));
	return *responses ? PAM_SUCCESS : PAM_CONV_ERR;
}

const char *user_name(uid_t uid)
{
	return uid == TARGET_UID ? "alice" : uid == BYSTANDER_UID ? "bob" : "carol";
}

static pam_handle_t *application_start(uid_t uid)
{
	static const struct pam_conv conversation = {silent, NULL};
	pam_handle_t *pamh;

	if (pam_start(SERVICE, user_name(uid), &conversation, &pamh) != PAM_SUCCESS)
		errx(2, "pam_start");
	return pamh;
}

/* What a module must leave as it was (T8). */
struct own {
	uint64_t fds, log; /* log: the C library's own, for syslog(3) */
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

/* One bit for each of trace.c's words. */
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
	pam_handle_t *pamh = application_start(TARGET_UID);
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

static void request_make(struct request *r)
{
	memset(r, 0, sizeof(*r));
	if (!request_set(r->conf, sizeof(r->conf), CONF_PATH) ||
	    !request_set(r->user, sizeof(r->user), "root") ||
	    !request_set(r->account, sizeof(r->account), "root") ||
	    !request_set(r->group, sizeof(r->group), "root"))
		errx(2, "request");
}

int helper_run(const char *verb)
{
	static struct request request;
	static struct reply reply;
	int result;

	request_make(&request);
	result = helper_call(verb, &request, 20000, &reply);
	if (result == 0 && reply.outcome == OUTCOME_REFUSED)
		result = -EREMOTEIO;
	reply_close(&reply);
	return result;
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

/* The shell says where it is, if it comes so far. */
void su_body(void)
{
	char command[256], host[64];
	ssize_t n = readlink("/proc/1/ns/net", host, sizeof(host) - 1);

	host[n > 0 ? n : 0] = '\0';
	snprintf(command, sizeof(command),
		 "[ \"$(readlink /proc/self/ns/net)\" != \"%s\" ] || : >/run/test-host/out/on-host",
		 host);
	int null = open("/dev/null", O_RDWR);

	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(3);
	trace_mark(PHASE_OPEN, 0);
	execl("/bin/su", "su", user_name(TARGET_UID), "-c", command, (char *)NULL);
}

/* --- untraced logins --- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void untraced_run(uid_t uid, int command, int answer)
{
	pam_handle_t *pamh = application_start(uid);
	double start = now();
	struct {
		int result;
		double ms;
	} told;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	told.result = pam_open_session(pamh, 0);
	told.ms = now() - start;
	if (write(answer, &told, sizeof(told)) != sizeof(told) || read(command, &byte, 1) != 1 ||
	    byte != 'c')
		_exit(0);
	told.result = told.result == PAM_SUCCESS ? pam_close_session(pamh, 0) : 0;
	if (write(answer, &told, sizeof(told)) != sizeof(told))
		_exit(1);
	_exit(0);
}

void login_start(struct login *s, uid_t uid)
{
	int command[2], answer[2];

	if (pipe2(command, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		err(2, "pipe");
	s->pid = fork();
	if (s->pid < 0)
		err(2, "fork");
	if (s->pid == 0) {
		close(command[1]);
		close(answer[0]);
		untraced_run(uid, command[0], answer[1]);
	}
	close(command[0]);
	close(answer[1]);
	s->command = command[1];
	s->answer = answer[0];
}

static bool answer_read(struct login *s)
{
	struct pollfd fd = {.fd = s->answer, .events = POLLIN};
	struct {
		int result;
		double ms;
	} told;

	s->result = -1;
	s->ms = 1e6;
	if (poll(&fd, 1, 15000) != 1 || read(s->answer, &told, sizeof(told)) != sizeof(told))
		return false;
	s->result = told.result;
	s->ms = told.ms;
	return true;
}

void login_wait(struct login *s, uid_t uid)
{
	(void)answer_read(s);
	s->place = process_place(s->pid, uid);
}

void login_end(struct login *s, bool close_it)
{
	char byte = close_it ? 'c' : 'q';

	if (write(s->command, &byte, 1) == 1 && close_it)
		(void)answer_read(s);
	else
		kill(s->pid, SIGKILL);
	close(s->command);
	close(s->answer);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

const char *login_try(uid_t uid, double *ms)
{
	struct login s;
	const char *wrong = NULL;

	login_start(&s, uid);
	login_wait(&s, uid);
	*ms = s.ms;
	if (s.result != PAM_SUCCESS)
		wrong = "the next login is refused";
	else if (s.place != PLACE_ISOLATED)
		wrong = "the next login is not isolated";
	else if (*user_intact(uid))
		wrong = user_intact(uid);
	login_end(&s, true);
	if (!wrong && s.result != PAM_SUCCESS)
		wrong = "the next login cannot be closed";
	return wrong;
}

static bool same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

enum place process_place(pid_t pid, uid_t uid)
{
	int host = 0, inside = 0;

	for (int i = 0; i < 3; i++) {
		char own[64], init[64], pin[64];

		snprintf(own, sizeof(own), "/proc/%d/ns/%s", pid, kinds[i]);
		snprintf(init, sizeof(init), "/proc/1/ns/%s", kinds[i]);
		snprintf(pin, sizeof(pin), PINS_DIR "/%u/%s", uid, kinds[i]);
		host += same(own, init);
		inside += same(own, pin);
	}
	return host == 3 ? PLACE_HOST : inside == 3 && host == 0 ? PLACE_ISOLATED : PLACE_BETWEEN;
}

static bool helper_runs(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	if (!dir)
		err(2, "/proc");
	while (!found && (entry = readdir(dir))) {
		char path[300], name[32] = "";
		int fd;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
			found = strncmp(name, "pam-netns-helpe", 15) == 0;
		if (fd >= 0)
			close(fd);
	}
	closedir(dir);
	return found;
}

/* Reapers are nobody's children. */
void helpers_wait(void)
{
	double until = now() + 15000;

	while (helper_runs() && now() < until)
		usleep(300);
}
