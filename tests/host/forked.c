/*
 * forked USER: opens a session. A forked child closes it and ends the handle, as children of su and
 * login do (T4). Exit status 0: the session is still the parent's.
 */
#include <dirent.h>
#include <err.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_misc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static ino_t netns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		err(2, "stat");
	return st.st_ino;
}

static unsigned records(uid_t uid)
{
	char path[64];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/run/pam-netns/users/%u/sessions", uid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static void child_run(pam_handle_t *pamh, bool close)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		int result = close ? pam_close_session(pamh, 0) : PAM_SUCCESS;

		pam_end(pamh, result | PAM_DATA_SILENT);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0)
		;
}

int main(int argc, char **argv)
{
	static const struct pam_conv conv = {misc_conv, NULL};
	const struct passwd *pw = argc == 2 ? getpwnam(argv[1]) : NULL;
	pam_handle_t *pamh;
	ino_t before = netns(), inside;

	if (!pw)
		errx(2, "usage: forked USER");
	if (pam_start("su", argv[1], &conv, &pamh) || pam_open_session(pamh, 0))
		errx(2, "no session");
	inside = netns();
	for (int close = 0; close < 2; close++) {
		child_run(pamh, close);
		if (inside == before || netns() != inside || records(pw->pw_uid) != 1)
			errx(1, "a child that %s ended the session", close ? "closes" : "ends");
	}
	if (pam_close_session(pamh, 0) || netns() != before || records(pw->pw_uid))
		errx(1, "the parent cannot close it");
	pam_end(pamh, 0);
	return 0;
}
