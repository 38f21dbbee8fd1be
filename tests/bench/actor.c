/*
 * Processes that log in and out: through the helper alone, as the module calls it, or through the
 * module, as an application of Linux-PAM. See bench.h.
 *
 * Each session has its own process, as with sshd: the helper records its caller as the session's leader.
 * The measured time is that for which this process waits.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call/call.h"
#include "base/characters.h"
#include "base/log.h"
#include "base/paths.h"

#define DEADLINE_MS 60000
#define SETTLE_MS   50
#define COMMAND	    3 /* descriptors of a session's process */
#define ANSWER	    4

struct act {
	struct actor_slot *slot;
	const struct actor_kind *kind;
	struct request request;
	pam_handle_t *pamh;
	int namespaces;	  /* /proc/self/ns, which a /proc of the user's own may not show later */
	struct stat host; /* the host's namespace that must differ in a session */
};

const struct actor_kind actor_helper = {.moved = "net"};
const struct actor_kind actor_pam = {.service = "bench", .moved = "net"};

static void log_show(void *context, int level, const char *text)
{
	(void)context;
	if (level <= 4 || getenv("BENCH_DEBUG"))
		fprintf(stderr, "%s\n", text);
}

static int silent(int count, const struct pam_message **messages, struct pam_response **responses,
		  void *context)
{
	(void)messages;
	(void)context;
	*responses = calloc((size_t)count, sizeof(**responses));
	return PAM_SUCCESS;
}

static void act_prepare(struct act *act, const char *user, uid_t uid)
{
	static const struct pam_conv conversation = {silent, NULL};
	struct request *r = &act->request;

	log_set_sink(log_show, NULL);
	act->namespaces = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (act->namespaces < 0 ||
	    (*act->kind->moved && fstatat(act->namespaces, act->kind->moved, &act->host, 0) < 0))
		err(1, "/proc/self/ns/%s", act->kind->moved);
	if (act->kind->service) {
		if (pam_start(act->kind->service, user, &conversation, &act->pamh) != PAM_SUCCESS)
			errx(1, "cannot start PAM service %s", act->kind->service);
		return;
	}
	r->conf = CONF_PATH;
	if (!who_set(&r->who, uid, user) || !text_set(r->service, sizeof(r->service), "bench"))
		errx(1, "request");
}

/* "… interface=NAME …" */
static void port_note(struct act *act, const char *line)
{
	const char *at = strstr(line, "interface=");

	if (!at || sscanf(at, "interface=%15s", act->slot->port) != 1)
		errx(1, "no interface in \"%s\"", line);
}

/* Each measured login is verified: it is in another network namespace than the host's. */
static int helper_do(struct act *act, char verb)
{
	struct reply *reply = calloc(1, sizeof(*reply));
	int result;

	act->slot->start = now_ns();
	result = helper_call(verb == 'o' ? "open" : "close", &act->request, DEADLINE_MS, reply);
	act->slot->end = now_ns();
	if (result == 0 && verb == 'o') {
		if (reply->outcome != OUTCOME_ISOLATED || !reply->handed_count ||
		    reply->handed[0].kind != KIND_NET || reply->handed[0].inode == act->host.st_ino)
			result = -EPROTO;
		else
			port_note(act, reply->line);
	}
	reply_close(reply);
	free(reply);
	return result;
}

static int pam_do(struct act *act, char verb)
{
	struct stat st;
	int result;

	act->slot->start = now_ns();
	result = verb == 'o' ? pam_open_session(act->pamh, 0) : pam_close_session(act->pamh, 0);
	act->slot->end = now_ns();
	if (result != PAM_SUCCESS)
		return -EACCES;
	if (*act->kind->moved && fstatat(act->namespaces, act->kind->moved, &st, 0) < 0)
		return -errno;
	/* Some modules do not take their caller back. */
	if (*act->kind->moved && (verb == 'o' || act->kind == &actor_pam) &&
	    (st.st_ino != act->host.st_ino) != (verb == 'o'))
		return -EPROTO;
	return 0;
}

static void act_run(struct act *act)
{
	char verb;

	while (read(COMMAND, &verb, 1) == 1) {
		act->slot->result = act->pamh ? pam_do(act, verb) : helper_do(act, verb);
		if (write(ANSWER, &verb, 1) != 1)
			break;
	}
	_exit(0);
}

/* The process keeps no memory of other sessions: with 1,000 of them each fork would cost more. */
static void descriptors_keep(int command, int answer)
{
	int c = fcntl(command, F_DUPFD, 1000), a = fcntl(answer, F_DUPFD, 1000);

	if (c < 0 || a < 0 || dup2(c, COMMAND) < 0 || dup2(a, ANSWER) < 0 ||
	    close_range(ANSWER + 1, ~0U, 0) < 0)
		err(1, "descriptors");
}

struct actor actor_start(const struct actor_kind *kind, const char *user, uid_t uid)
{
	struct actor actor;
	int command[2], answer[2];

	actor.slot = mmap(NULL, sizeof(*actor.slot), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (actor.slot == MAP_FAILED || pipe2(command, O_CLOEXEC) < 0 ||
	    pipe2(answer, O_CLOEXEC) < 0)
		err(1, "actor");
	actor.pid = fork();
	if (actor.pid < 0)
		err(1, "fork");
	if (actor.pid == 0) {
		struct act act = {.slot = actor.slot, .kind = kind};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		descriptors_keep(command[0], answer[1]);
		act_prepare(&act, user, uid);
		if (write(ANSWER, "r", 1) == 1)
			act_run(&act);
		_exit(1);
	}
	close(command[0]);
	close(answer[1]);
	actor.command = command[1];
	actor.answer = answer[0];
	(void)actor_wait(&actor); /* ready */
	return actor;
}

void actor_tell(const struct actor *actor, char verb)
{
	if (write(actor->command, &verb, 1) != 1)
		err(1, "tell a session's process");
}

int64_t actor_try(const struct actor *actor)
{
	char verb;

	if (read(actor->answer, &verb, 1) != 1)
		return -ECHILD;
	if (actor->slot->result < 0)
		return actor->slot->result;
	return actor->slot->end - actor->slot->start;
}

int64_t actor_wait(const struct actor *actor)
{
	int64_t took = actor_try(actor);

	if (took < 0)
		errx(1, "a login or a logout failed: %s", strerror((int)-took));
	return took;
}

int64_t actor_do(const struct actor *actor, char verb)
{
	actor_tell(actor, verb);
	return actor_wait(actor);
}

void actor_end(struct actor *actor)
{
	close(actor->command);
	close(actor->answer);
	while (waitpid(actor->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(actor->slot, sizeof(*actor->slot));
}

int64_t program_start(const char *path)
{
	int64_t start = now_ns();
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		execl(path, path, "nothing", "at all", (char *)NULL);
		_exit(127);
	}
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) == 127)
		errx(1, "cannot run %s", path);
	return now_ns() - start;
}

/* The kernel still removes the network namespace, with a lock that each login needs. */
void port_wait_gone(const char *port)
{
	for (int i = 0; i < 5000 && if_nametoindex(port); i++)
		sleep_ms(1);
	sleep_ms(SETTLE_MS);
}

void user_wait_gone(uid_t uid, const char *port)
{
	char path[128];

	snprintf(path, sizeof(path), USERS_DIR "/%u", uid);
	for (int i = 0; i < 20000 && access(path, F_OK) == 0; i++)
		sleep_ms(1);
	if (access(path, F_OK) == 0)
		errx(1, "%s is still there", path);
	if (port)
		port_wait_gone(port);
	else
		sleep_ms(SETTLE_MS);
}
