/* pam-netns check: a conf file alone, or the conf file and this host (doctor/). */
#include <stdio.h>

#include "command.h"
#include "doctor/doctor.h"
#include "text.h"

static int check_file(const char *path)
{
	struct conf *conf = NULL;

	if (conf_read(path, &conf)) {
		text_print(stdout, path);
		puts(" is not usable: all logins will be refused");
		return STATUS_FAILED;
	}
	text_print(stdout, path);
	puts(": ok");
	conf_free(conf);
	return STATUS_FINE;
}

int command_check(const struct arguments *arguments)
{
	struct doctor doctor = {.format = FORMAT_CHECK};

	if (arguments->operand)
		return check_file(arguments->operand);
	doctor_run(&doctor);
	conf_free((struct conf *)doctor.conf);
	return doctor.problems ? STATUS_FAILED : STATUS_FINE;
}
