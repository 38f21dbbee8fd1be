/* The command that a user asked for, in place of this process. It has only the user's rights by now. */
#ifndef PAM_NETNS_COMMAND_H
#define PAM_NETNS_COMMAND_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An empty command is a shell. */
static inline void __attribute__((noreturn)) command_exec(char **command)
{
	char *shell[] = {(char[]){"/bin/sh"}, NULL};
	int error;

	if (!*command)
		command = shell;
	execvp(command[0], command);
	error = errno;
	dprintf(STDERR_FILENO, "pam-netns-enter: cannot run %s: %s\n", *command, strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

#endif
