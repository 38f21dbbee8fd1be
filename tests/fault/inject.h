/*
 * Fault injection into logins; see inject.c. What its parts share.
 */
#ifndef INJECT_H
#define INJECT_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define TARGET_UID    2001 /* alice: her logins are hit */
#define BYSTANDER_UID 2002 /* bob: he is in all the time, and must not notice */
#define OTHER_UID     2003 /* carol: another user who logs in meanwhile */
#define SERVICE	      "fault"
#define CGROUPS	      "/sys/fs/cgroup"
#define USERS_CGROUP  CGROUPS "/delegated" /* the target's own */

/* --- trace.c: a process and its descendants, every system call of theirs seen and answered --- */

enum role { ROLE_CALLER, ROLE_HELPER, ROLE_REST }; /* REST: children of the helper: nft, reaper */
enum phase { PHASE_NONE, PHASE_OPEN, PHASE_OPENED, PHASE_CLOSE, PHASE_CLOSED };
enum hit { HIT_ERROR, HIT_KILL, HIT_STOP, HIT_FREEZE };

/* What is done to which system call. Sites are counted from 1 in one role and phase. */
struct fault {
	enum role role;
	enum phase phase;
	enum hit hit;
	unsigned long site; /* 0: none */
	int error;
	bool mallocs;	   /* count allocations instead of system calls */
	bool sticky;	   /* every further call of the same kind fails too */
	bool by_user;	   /* what the target's own rights reach: they have started su(1) */
	uint64_t masks[2]; /* instead of a site: which setns(2), which fstatat(2) of the caller */
};

enum place { PLACE_HOST, PLACE_ISOLATED, PLACE_BETWEEN };

#define TRACED_MAX 64

struct trace {
	struct fault fault;
	pid_t root; /* the traced process itself */
	int listener;
	struct traced {
		pid_t pid;
		enum role role;
		enum phase phase;
	} processes[TRACED_MAX];
	size_t count;
	enum phase phase;
	/* Results. */
	unsigned long sites; /* seen */
	bool hit, ended;
	bool out_of_reach; /* the user may not do it to this process */
	long number;	   /* the system call that was hit */
	pid_t victim;
	unsigned long setns, fstatats;
	int opened, closed; /* PAM's, -1: it did not come so far */
	enum place place, place_closed;
	char complaint[256]; /* what was wrong while it ran, "" nothing */
	/* Called while the traced process waits with an open session. */
	void (*opened_check)(struct trace *trace);
};

void trace_start(struct trace *trace, void (*body)(void));
/* Answers until all ended, or fd (-1: none) is readable,
 * or until_hit and it was hit; false: time is up. */
bool trace_serve(struct trace *trace, int fd, bool until_hit, int timeout_ms);
/* Kills what is left and forgets all. */
void trace_finish(struct trace *trace);
/* A stopped or frozen process goes on. */
void trace_continue(struct trace *trace);
const char *syscall_name(long number);

/* prctl(2) options that the kernel does not have. */
#define MARK_OPTION   0x70616d01
#define MALLOC_OPTION 0x70616d02

#define OWN_AT_ROOT 0x100 /* with MARK_OPTION's changes: the directory is now "/" */

/* From the traced process. The kernel knows nothing of it where nobody traces. */
void trace_mark(enum phase phase, int result);
/* From its malloc(3), and the helper's: true if this one is to fail. */
bool trace_malloc_fails(void);

/* --- body.c: what is traced --- */

/* pam_open_session, pam_close_session, and has the process kept its state (T8)? */
void session_body(void);
void gc_body(void);
void up_body(void);
void down_body(void);
/* The target's own su(1) to themselves, in a control group that is theirs. */
void su_body(void);

/* --- session.c: logins --- */

struct pam_handle;
struct pam_handle *application_start(uid_t uid);

/* A login in a process of its own, untraced. */
struct login {
	pid_t pid;
	int command, answer;
	int result; /* PAM's */
	enum place place;
	double ms;
};
void login_start(struct login *login, uid_t uid);
/* Waits for it to be open, up to 15 s; result is -1 where it never was. */
void login_wait(struct login *login, uid_t uid);
/* close: false ends the process without pam_close_session(3). */
void login_end(struct login *login, bool close);
/* Ends it like a crash, but for a process that is left in its namespaces. */
pid_t login_end_lingering(struct login *login);
/* One login and logout: 0, or what was wrong. */
const char *login_try(uid_t uid, double *ms);

enum place process_place(pid_t pid, uid_t uid);
const char *user_name(uid_t uid);
/* The helper for all: gc, up, down (by force). */
int helper_run(const char *verb);
void helpers_wait(void);

/* --- residue.c --- */

void residue_init(void);
/* What is left of a user who is not in: "" nothing.
 * Ports go 33 ms later; they are not looked at. */
const char *residue_find(uid_t uid);
/* All of it, ports, files and mounts too, after gc and with all but the bystander out. */
const char *residue_find_all(void);
/* "" if the user is in with everything that belongs to it, a session or only processes. */
const char *user_intact(uid_t uid);
const char *user_network_intact(uid_t uid);
/* Takes from the set-up's record what makes a login trust it, or all of the set-up. */
void setup_void(void);
void setup_destroy(void);
/* Makes the user's leftovers worse. */
void leftovers_worsen(uid_t uid, unsigned long how);

#endif
