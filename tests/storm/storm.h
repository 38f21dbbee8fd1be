/* Logins through the module, with results in memory that all processes share. */
#ifndef PAM_NETNS_STORM_H
#define PAM_NETNS_STORM_H

#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORM_SERVICE "storm"

/* The result of one login. Its process writes it, the storm reads it. */
struct seen {
	enum { SEEN_NOTHING, SEEN_REFUSED, SEEN_ON_HOST, SEEN_HALF, SEEN_ISOLATED } what;
	uint64_t net, mnt, uts;
	in_addr_t address; /* of eth0; 0: there is none */
	bool closed; /* pam_close_session() succeeded, and the process was on the host again */
};

/* login.c: a PAM session of the calling process. */
struct login;

/* Keeps the host's namespaces. Called before the first login. */
void login_prepare(void);
/* Opens a session and looks at its namespaces. NULL: it was refused. */
struct login *login_open(const char *user, struct seen *seen);
void login_close(struct login *login, struct seen *seen);
const char *seen_word(const struct seen *seen);

/* crowd.c: many processes, each with one login. */
int storm_one_user(const char *user, unsigned count);
int storm_users(const char *prefix, unsigned count);
/* rounds.c: logins against last logouts. */
int storm_rounds(const char *user, unsigned rounds, unsigned processes);
/* soak.c: one process for all. */
int storm_soak(const char *prefix, unsigned users, unsigned rounds);

/* Zeroed memory that all processes share. */
void *shared_make(size_t size);
double seconds_now(void);

#endif
