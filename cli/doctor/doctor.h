/*
 * pam-netns doctor finds what prevents this host from doing what the conf file says.
 *
 * The table in doctor.c has a row for each check: its id, its function, and what it needs. The
 * function reports findings, which carry the id of its row. Ids are stable: pam-netns(8) lists
 * them, and scripts and monitoring compare them. The checks change nothing on the host.
 */
#ifndef PAM_NETNS_DOCTOR_H
#define PAM_NETNS_DOCTOR_H

#include <stdbool.h>

#include "conf/conf.h"

/*
 * A problem refuses logins or breaks isolation. A warning is something that users would notice or
 * that an admin should know. A note tells of something that may be intended.
 */
enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_WARNING, LEVEL_PROBLEM, LEVEL_SKIPPED };

struct finding {
	enum level level;
	const char *id;
	const char *file; /* NULL: the finding is not about a file */
	unsigned line;	  /* 0: it is not about a line */
	const char *what;
	const char *remedy; /* a command, or text to write; NULL: what contains it */
};

/* Lines for people (check), lines with ids (doctor), JSON, or only problems, on standard error (up). */
enum doctor_format { FORMAT_CHECK, FORMAT_LINES, FORMAT_JSON, FORMAT_PROBLEMS };

struct doctor {
	const struct conf *conf; /* NULL only in checks that do not need it */
	enum doctor_format format;
	const char *id; /* of the check that is running */
	unsigned found; /* number of its findings */
	unsigned printed, warnings, problems;
};

/*
 * Reports a finding, "WHAT -> REMEDY" or "WHAT". Any text is printed safely. _at: the finding is
 * about a line of a file; file NULL or line 0: about none.
 */
void doctor_problem(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doctor_warning(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doctor_note(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doctor_at(struct doctor *doctor, enum level level, const char *file, unsigned line,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* finding.c: finding_print() prints and counts a finding, finding_end() prints the last line. */
void finding_print(struct doctor *doctor, const struct finding *finding);
void finding_end(const struct doctor *doctor);

/* Reads the conf file, and runs all checks that this user may run. See doctor->problems. */
void doctor_run(struct doctor *doctor);
/* Prints what refuses logins or lets users out, of what `up` does not see or repair itself. */
void doctor_after_up(void);

/* conf.c: the line of [network NAME] or [profile NAME] in the conf file; 0 if it is not found. */
unsigned conf_section_line(const char *kind, const char *wanted);

/* installed.c: the command that installs us again, as we were installed. */
const char *install_again(void);

/* The checks. */
void doctor_conf(struct doctor *doctor); /* conf.c: reads doctor->conf */
void doctor_policy(struct doctor *doctor);
void doctor_root(struct doctor *doctor);
void doctor_paths(struct doctor *doctor);
void doctor_kernel(struct doctor *doctor);
void doctor_authselect(struct doctor *doctor);
void doctor_kerberos(struct doctor *doctor);
void doctor_linger(struct doctor *doctor); /* logind.c */
void doctor_selinux(struct doctor *doctor);
void doctor_modules(struct doctor *doctor);
void doctor_space(struct doctor *doctor);
void doctor_locked(struct doctor *doctor);
void doctor_cgroup(struct doctor *doctor);
void doctor_propagation(struct doctor *doctor);
void doctor_installed(struct doctor *doctor);
void doctor_pam(struct doctor *doctor);
void doctor_sshd(struct doctor *doctor);
void doctor_services(struct doctor *doctor);
void doctor_mail(struct doctor *doctor);
void doctor_web(struct doctor *doctor);
void doctor_resolver(struct doctor *doctor);
void doctor_sudoers(struct doctor *doctor);
void doctor_ipv6(struct doctor *doctor);
void doctor_subnet(struct doctor *doctor);
void doctor_overlap(struct doctor *doctor);
void doctor_firewall(struct doctor *doctor);
void doctor_rules(struct doctor *doctor);
void doctor_forwarding(struct doctor *doctor);
void doctor_managed(struct doctor *doctor);
void doctor_live(struct doctor *doctor);
void doctor_records(struct doctor *doctor);
void doctor_sysctl(struct doctor *doctor);
void doctor_limits(struct doctor *doctor);
void doctor_nat(struct doctor *doctor);
void doctor_userns(struct doctor *doctor);
void doctor_leases(struct doctor *doctor);
void doctor_outside(struct doctor *doctor);

#endif
