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

#include "call/call.h"
#include "base/characters.h"
#include "base/paths.h"

static const char *const kinds[] = {"net", "uts", "mnt"};
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

struct pam_handle *application_start(uid_t uid)
{
	static const struct pam_conv conversation = {silent, NULL};
	pam_handle_t *pamh;

	if (pam_start(SERVICE, user_name(uid), &conversation, &pamh) != PAM_SUCCESS)
		errx(2, "pam_start");
	return pamh;
}

static void request_make(struct request *r)
{
	*r = (struct request){.conf = CONF_PATH};
	if (!who_set(&r->who, 0, "root"))
		errx(2, "request");
}

int helper_run(const char *verb)
{
	static struct request request;
	static struct reply reply;
	int result;

	request_make(&request);
	request.flags = strcmp(verb, "down") == 0 ? REQUEST_FORCE : 0;
	result = helper_call(verb, &request, 20000, &reply);
	if (result == 0 && reply.outcome == OUTCOME_REFUSED)
		result = -EREMOTEIO;
	reply_close(&reply);
	return result;
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
	if (write(answer, &told, sizeof(told)) != sizeof(told) || read(command, &byte, 1) != 1)
		_exit(0);
	if (byte == 'l') {
		told.result = fork();
		if (told.result != 0 && write(answer, &told, sizeof(told)) == sizeof(told))
			_exit(0);
		pause();
	}
	if (byte != 'c')
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
	if (poll(&fd, 1, 60000) != 1 || read(s->answer, &told, sizeof(told)) != sizeof(told))
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

pid_t login_end_lingering(struct login *s)
{
	if (write(s->command, "l", 1) != 1 || !answer_read(s) || s->result < 0)
		errx(2, "no process lingers");
	close(s->command);
	close(s->answer);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return s->result;
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

/* Reapers have no parent here. */
void helpers_wait(void)
{
	double until = now() + 15000;

	while (helper_runs() && now() < until)
		usleep(300);
}
