/*
 * Fault injection into logins; see inject.c. Declarations of its parts.
 */
#ifndef INJECT_H
#define INJECT_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define TARGET_UID    2001 /* alice: her logins are hit */
#define BYSTANDER_UID 2002 /* bob: always active, and not disturbed */
#define OTHER_UID     2003 /* carol: another user who logs in meanwhile */
#define SERVICE	      "fault"
#define CGROUPS	      "/sys/fs/cgroup"
#define USERS_CGROUP  CGROUPS "/delegated" /* belongs to the target */

/* --- trace.c: answers each system call of a process and its descendants --- */

enum role { ROLE_CALLER, ROLE_HELPER, ROLE_REST }; /* REST: children of the helper: nft, reaper */
enum phase { PHASE_NONE, PHASE_OPEN, PHASE_OPENED, PHASE_CLOSE, PHASE_CLOSED };
enum hit { HIT_ERROR, HIT_KILL, HIT_STOP, HIT_FREEZE };

/* The fault of one system call. Sites are counted from 1 in each role and phase. */
struct fault {
	enum role role;
	enum phase phase;
	enum hit hit;
	unsigned long site; /* 0: none */
	int error;
	bool mallocs;	   /* count allocations instead of system calls */
	bool sticky;	   /* each further call of this kind fails too */
	bool by_user;	   /* with the target's rights, who has started su(1) */
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
	bool out_of_reach; /* the user has no right to do it to this process */
	long number;	   /* the system call that was hit */
	pid_t victim;
	unsigned long setns, fstatats;
	int opened, closed; /* PAM's; -1: not reached */
	enum place place, place_closed;
	char complaint[256]; /* a problem while it ran; "": none */
	/* Runs while the traced process waits with an open session. */
	void (*opened_check)(struct trace *trace);
};

void trace_start(struct trace *trace, void (*body)(void));
/* Answers until all have ended, fd (-1: none) is readable, or, with until_hit, the call was hit.
 * False: the time is up. */
bool trace_serve(struct trace *trace, int fd, bool until_hit, int timeout_ms);
/* Kills the processes that are left. */
void trace_finish(struct trace *trace);
/* Continues a stopped or frozen process. */
void trace_continue(struct trace *trace);
const char *syscall_name(long number);

/* prctl(2) options that the kernel does not have. */
#define MARK_OPTION   0x70616d01
#define MALLOC_OPTION 0x70616d02

#define OWN_AT_ROOT 0x100 /* with MARK_OPTION's changes: the directory is now "/" */

/* Called by the traced process. Without a tracer the kernel returns an error. */
void trace_mark(enum phase phase, int result);
/* Called by malloc(3) of the process and of the helper. True: it fails. */
bool trace_malloc_fails(void);

/* --- body.c: the traced functions --- */

/* Opens and closes a session, and compares the state of the process (T8). */
void session_body(void);
void gc_body(void);
void up_body(void);
void down_body(void);
/* The target runs su(1) to themselves, in their own cgroup. */
void su_body(void);

/* --- session.c: logins --- */

struct pam_handle;
struct pam_handle *application_start(uid_t uid);

/* An untraced login in another process. */
struct login {
	pid_t pid;
	int command, answer;
	int result; /* PAM's */
	enum place place;
	double ms;
};
void login_start(struct login *login, uid_t uid);
/* Waits up to 15 s for the open session; result -1: it was never open. */
void login_wait(struct login *login, uid_t uid);
/* close: false ends the process without pam_close_session(3). */
void login_end(struct login *login, bool close);
/* Ends it like a crash, and leaves a process in its namespaces. */
pid_t login_end_lingering(struct login *login);
/* One login and logout. NULL, or the problem. */
const char *login_try(uid_t uid, double *ms);

enum place process_place(pid_t pid, uid_t uid);
const char *user_name(uid_t uid);
/* Runs the helper's gc, up or down (by force). */
int helper_run(const char *verb);
void helpers_wait(void);

/* --- process.c --- */

/* 0: the process is gone. */
pid_t process_parent_of(pid_t pid);
/* The target can stop a process that is wholly theirs, for example su's shell. */
bool process_is_targets(pid_t pid);
/* Process 1 of the user's PID namespace stays until the user is removed. */
bool process_is_init(pid_t pid);

/* --- residue.c --- */

void residue_init(void);
/* Leftovers of a user who is logged out; "": none. It ignores ports, which are removed 33 ms later. */
const char *residue_find(uid_t uid);
/* All leftovers, with ports, files and mounts, after gc, if only the bystander is active. */
const char *residue_find_all(void);
/* "": the user is active by sessions or processes, and all of their things are intact. */
const char *user_intact(uid_t uid);
const char *user_network_intact(uid_t uid);
/* Makes the record of the set-up void, or destroys the set-up. */
void setup_void(void);
void setup_destroy(void);
/* Damages the user's leftovers. */
void leftovers_worsen(uid_t uid, unsigned long how);

#endif
