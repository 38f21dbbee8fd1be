/*
 * Opens a PAM session as su or sshd does, runs a command inside and closes the session:
 *   host-session [-t TTY] [-r RHOST] [-R RUSER] [-u] [-n] [-T] SERVICE USER COMMAND [ARGUMENT...]
 * -u runs the command as the user instead of root, -n ends without closing the session, -T has another thread.
 * Exit status: the command's; 254 if the session was refused, 253 if the close failed.
 */
#include <err.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_misc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE_REFUSED	  254
#define CODE_CLOSE_FAILED 253

struct options {
	const char *tty, *rhost, *ruser;
	bool as_user, no_close, threads;
};

static struct options options_parse(int argc, char **argv)
{
	struct options o = {0};
	int c;

	while ((c = getopt(argc, argv, "+t:r:R:unT")) != -1)
		switch (c) {
		case 't':
			o.tty = optarg;
			break;
		case 'r':
			o.rhost = optarg;
			break;
		case 'R':
			o.ruser = optarg;
			break;
		case 'u':
			o.as_user = true;
			break;
		case 'n':
			o.no_close = true;
			break;
		case 'T':
			o.threads = true;
			break;
		default:
			exit(2);
		}
	if (argc - optind < 3)
		errx(2, "usage: host-session [-t TTY] [-r RHOST] [-R RUSER] [-u] [-n] [-T] "
			"SERVICE USER COMMAND...");
	return o;
}

static pam_handle_t *session_open(const char *service, const char *user, struct options o)
{
	static struct pam_conv conv = {misc_conv, NULL};
	pam_handle_t *pamh;
	int ret = pam_start(service, user, &conv, &pamh);

	if (ret != PAM_SUCCESS)
		errx(CODE_REFUSED, "pam_start: %d", ret);
	if (o.tty)
		pam_set_item(pamh, PAM_TTY, o.tty);
	if (o.rhost)
		pam_set_item(pamh, PAM_RHOST, o.rhost);
	if (o.ruser)
		pam_set_item(pamh, PAM_RUSER, o.ruser);
	ret = pam_open_session(pamh, 0);
	if (ret != PAM_SUCCESS) {
		fprintf(stderr, "pam_open_session: %s\n", pam_strerror(pamh, ret));
		pam_end(pamh, ret);
		exit(CODE_REFUSED);
	}
	return pamh;
}

static void user_become(const char *name)
{
	struct passwd *pw = getpwnam(name);

	if (!pw || initgroups(name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
	    setuid(pw->pw_uid) < 0)
		err(126, "cannot become %s", name);
	setenv("HOME", pw->pw_dir, 1);
}

static void *thread_sleep(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static int command_run(char **argv, const char *user)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(126, "fork");
	if (pid == 0) {
		if (user)
			user_become(user);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(126, "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct options o = options_parse(argc, argv);
	const char *service = argv[optind], *user = argv[optind + 1];
	pthread_t thread;
	pam_handle_t *pamh;
	int code, ret;

	if (o.threads && pthread_create(&thread, NULL, thread_sleep, NULL))
		errx(2, "pthread_create");
	pamh = session_open(service, user, o);
	code = command_run(argv + optind + 2, o.as_user ? user : NULL);

	if (o.no_close)
		return code;
	ret = pam_close_session(pamh, 0);
	pam_end(pamh, ret);
	if (ret == PAM_SUCCESS)
		return code;
	fprintf(stderr, "pam_close_session: %d\n", ret);
	return CODE_CLOSE_FAILED;
}
