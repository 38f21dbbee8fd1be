/*
 * storm: many logins at once or one after the other, on a throw-away host, through pam_netns.so.
 * Exit status 0: each login was isolated. The test script looks for leftovers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storm.h"

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || !value || value > 10000000)
		errx(2, "no number: %s", text);
	return (unsigned)value;
}

int main(int argc, char **argv)
{
	if (access("/run/test-host/outside.pid", F_OK) < 0)
		errx(2, "only for a throw-away host; see tests/README");
	login_prepare();
	if (argc == 4 && !strcmp(argv[1], "one-user"))
		return storm_one_user(argv[2], number(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "users"))
		return storm_users(argv[2], number(argv[3]));
	if (argc == 5 && !strcmp(argv[1], "rounds"))
		return storm_rounds(argv[2], number(argv[3]), number(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "soak"))
		return storm_soak(argv[2], number(argv[3]), number(argv[4]));
	errx(2, "usage: storm one-user USER COUNT | users PREFIX COUNT | "
		"rounds USER ROUNDS PROCESSES | soak PREFIX USERS ROUNDS");
}
