/* The parts of pam-netns check that look at the host. */
#ifndef PAM_NETNS_CHECK_H
#define PAM_NETNS_CHECK_H

#include <stdbool.h>

#include "conf.h"

/*
 * A problem refuses logins or breaks isolation; a warning is something that users would notice or
 * that an admin should know. Each is one line that says what to do.
 */
struct check {
	const struct conf *conf;
	unsigned problems, warnings;
};

void check_problem(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_warning(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What an admin may want to know, and cannot be mended. */
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Into the host's network, if root is in a user's; false if that fails. */
bool check_host_enter(void);

void check_installed(struct check *check);
void check_pam(struct check *check);
void check_sshd(struct check *check);
void check_conf(struct check *check);
void check_sudoers(struct check *check);
void check_outside(struct check *check);
void check_network(struct check *check);
void check_live(struct check *check);
void check_limits(struct check *check);

/* check_leases.c */
void check_leases(struct check *check);

#endif
