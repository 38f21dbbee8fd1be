/*
 * pam-netns doctor: mail servers that run users' programs (T36).
 *
 * With |"/home/alice/p" in ~/.forward, a user names a program. When mail comes, the mail server
 * runs it as that user, without a PAM session, so on the host's network. A filter such as procmail
 * does the same for ~/.procmailrc. Each server has a setting that forbids it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "lines.h"
#include "mail.h"

#define POSTFIX_CONF  "/etc/postfix/main.cf"
#define SENDMAIL_CONF "/etc/mail/sendmail.cf"

static bool any_exists(const char *const *paths)
{
	while (*paths && access(*paths, X_OK) != 0)
		paths++;
	return *paths != NULL;
}

/* A parameter of main.cf. The last line that sets it is in effect. */
struct parameter {
	const char *name;
	char value[512];
	unsigned line; /* 0: not set */
};

/* "name = value". A line that begins with blanks continues the line before. */
static void parameter_line(struct parameter *parameter, char *text, unsigned number)
{
	char *equals = strchr(text, '=');
	size_t length;

	if (!equals)
		return;
	*equals++ = '\0';
	length = strcspn(text, " \t");
	if (length != strlen(parameter->name) || strncmp(text, parameter->name, length) != 0)
		return;
	equals += strspn(equals, " \t");
	snprintf(parameter->value, sizeof(parameter->value), "%s", equals);
	for (length = strlen(parameter->value);
	     length && isspace((unsigned char)parameter->value[length - 1]); length--)
		parameter->value[length - 1] = '\0';
	parameter->line = number;
}

static void parameter_read(struct parameter *parameter)
{
	CLEANUP_FILE FILE *file = lines_open(POSTFIX_CONF);
	CLEANUP_FREE char *line = NULL;
	char text[2048] = "";
	size_t room = 0;
	unsigned first = 0;

	for (unsigned number = 1; file && getline(&line, &room, file) > 0; number++) {
		size_t used = strlen(text);

		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " \t")] == '#' || !line[strspn(line, " \t")])
			continue;
		if (isspace((unsigned char)*line)) {
			snprintf(text + used, sizeof(text) - used, " %s",
				 line + strspn(line, " \t"));
			continue;
		}
		parameter_line(parameter, text, first);
		snprintf(text, sizeof(text), "%s", line);
		first = number;
	}
	parameter_line(parameter, text, first);
}

static struct parameter postfix(const char *name)
{
	struct parameter parameter = {.name = name};

	parameter_read(&parameter);
	return parameter;
}

static bool set_empty(const struct parameter *parameter)
{
	return parameter->line && !*parameter->value;
}

/* Only local(8) reads .forward. It does not run with another transport or
 * without a local domain. */
static bool postfix_delivers(void)
{
	struct parameter transport = postfix("local_transport"), domains = postfix("mydestination");

	return !set_empty(&domains) &&
	       (!transport.line || strncmp(transport.value, "local", strlen("local")) == 0);
}

static void postfix_check(struct doctor *doctor)
{
	static const char *const programs[] = {"/usr/sbin/postfix", NULL};
	static const char *const deliver[] = {"mailbox_command", "mailbox_transport",
					      "fallback_transport"};
	struct parameter commands = postfix("allow_mail_to_commands"),
			 forward = postfix("forward_path");

	if (!any_exists(programs) || access(POSTFIX_CONF, R_OK) != 0 || !postfix_delivers())
		return;
	if (!set_empty(&forward) && (!commands.line || strstr(commands.value, "forward") ||
				     strstr(commands.value, "include")))
		doctor_at(doctor, LEVEL_WARNING, POSTFIX_CONF, commands.line,
			  "postfix runs programs that users name in ~/.forward on the host's "
			  "network (allow_mail_to_commands%s) -> postconf -e "
			  "'allow_mail_to_commands = alias' && postfix reload",
			  commands.line ? "" : " is not set, which means 'alias, forward'");
	for (size_t i = 0; i < sizeof(deliver) / sizeof(*deliver); i++) {
		struct parameter setting = postfix(deliver[i]);
		const char *filter = mail_filter(setting.value);

		if (filter)
			doctor_at(
			    doctor, LEVEL_WARNING, POSTFIX_CONF, setting.line,
			    "postfix delivers by %s, which runs programs that users name in their "
			    "filters on the host's network -> postconf -e '%s =' && postfix reload",
			    filter, setting.name);
	}
}

/* A line of sendmail.cf that defines a mailer, such as "Mprog, P=/bin/sh,
 * F=...", or continues one. */
static void sendmail_line(struct doctor *doctor, const char *line, unsigned number, bool forward)
{
	const char *program = strstr(line, "P=");

	if (!program)
		return;
	if (forward && strncmp(line, "Mprog,", strlen("Mprog,")) == 0 && !strstr(program, "smrsh"))
		doctor_at(
		    doctor, LEVEL_WARNING, SENDMAIL_CONF, number,
		    "sendmail runs programs that users name in ~/.forward on the host's network -> "
		    "add FEATURE(`smrsh') to sendmail.mc, and run make -C /etc/mail");
	if (strncmp(line, "Mlocal,", strlen("Mlocal,")) == 0 && mail_filter(program))
		doctor_at(doctor, LEVEL_WARNING, SENDMAIL_CONF, number,
			  "sendmail delivers by %s, which runs programs that users name in their "
			  "filters on the host's network -> remove MAILER(`procmail') and "
			  "FEATURE(`local_procmail') from sendmail.mc, and run make -C /etc/mail",
			  mail_filter(program));
}

static void sendmail_check(struct doctor *doctor)
{
	static const char *const programs[] = {"/usr/lib/sm.bin/sendmail",
					       "/usr/libexec/sendmail/sendmail",
					       "/usr/sbin/sendmail.sendmail", NULL};
	CLEANUP_FILE FILE *file = any_exists(programs) ? lines_open(SENDMAIL_CONF) : NULL;
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	bool forward = true;

	/* Options come before mailers. With "O ForwardPath=" without a path,
	 * sendmail reads no .forward. */
	for (unsigned number = 1; file && getline(&line, &room, file) > 0; number++) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "O ForwardPath=", strlen("O ForwardPath=")) == 0)
			forward = line[strlen("O ForwardPath=")] != '\0';
		sendmail_line(doctor, line, number, forward);
	}
}

void doctor_mail(struct doctor *doctor)
{
	postfix_check(doctor);
	sendmail_check(doctor);
	exim_check(doctor);
}
