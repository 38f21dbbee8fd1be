/* Checks after a fault; see check.h. */
#include "check.h"

#include <errno.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALL_EVERY 32 /* runs between two looks at everything */
#define LOG_PATH  "/var/log/auth-test.log"

struct check check;

void check_begin(void)
{
	struct stat st;

	check.problem[0] = '\0';
	check.slow = false;
	check.log_start = stat(LOG_PATH, &st) == 0 ? st.st_size : 0;
}

void wrong(const char *text)
{
	size_t used = strlen(check.problem);

	if (text && *text)
		snprintf(check.problem + used, sizeof(check.problem) - used, "%s%s",
			 used ? "; " : "", text);
}

void opened_check(struct trace *t)
{
	if (t->opened != PAM_SUCCESS || t->place != PLACE_ISOLATED)
		return;
	wrong(user_intact(TARGET_UID));
}

/* Calls that are repeated if a signal interrupts them. */
static bool restarts(const struct trace *t)
{
	if (t->fault.error != EINTR || !t->hit || t->fault.mallocs || t->fault.sticky ||
	    t->fault.phase != PHASE_OPEN || t->fault.role == ROLE_REST)
		return false;
	switch (t->number) {
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_recvmsg:
	case SYS_recvfrom:
	case SYS_sendmsg:
		return true;
	default:
		return false;
	}
}

/* More than one call failed, the way back among them. */
bool fault_is_multiple(const struct trace *t)
{
	return t->fault.masks[0] || t->fault.masks[1] || t->fault.sticky;
}

static bool logged(const char *text, const char *or_text)
{
	FILE *log = fopen(LOG_PATH, "re");
	char line[1024];
	bool found = false;

	if (!log)
		return false;
	fseeko(log, check.log_start, SEEK_SET);
	while (!found && fgets(line, sizeof(line), log))
		found = strstr(line, text) || strstr(line, or_text);
	fclose(log);
	return found;
}

/* After the last module libpam sends a message to the kernel's audit, and refuses if that fails. */
static bool after_modules(const struct trace *t)
{
	if (t->fault.role != ROLE_CALLER || t->place != PLACE_ISOLATED)
		return false;
	for (int i = 0; t->fault.mallocs && i < 200; i++) {
		if (logged("PAM audit_log_acct_message() failed",
			   "PAM _pam_list_grantors() failed"))
			return true;
		usleep(10000); /* the log may be late */
	}
	return t->number == SYS_socket || t->number == SYS_fcntl || t->number == SYS_sendto ||
	       t->number == SYS_recvfrom || t->number == SYS_ppoll || t->number == SYS_pselect6;
}

void outcome_check(const struct sweep *sweep, const struct trace *t)
{
	if (!t->ended)
		wrong("the process hangs");
	/* The state that the failed call would have restored stays changed. */
	if (t->number != SYS_close && t->number != SYS_rt_sigaction &&
	    t->number != SYS_rt_sigprocmask && t->number != SYS_wait4 && !fault_is_multiple(t))
		wrong(t->complaint);
	if (sweep->body != session_body || t->opened < 0)
		return;
	if (t->opened == PAM_SUCCESS && t->place != PLACE_ISOLATED &&
	    (t->place == PLACE_BETWEEN || !(sweep->flags & ON_ERROR_HOST)))
		wrong(t->place == PLACE_HOST ? "LET IN ON THE HOST" : "LET IN BETWEEN");
	if (t->opened != PAM_SUCCESS && t->place != PLACE_HOST && !fault_is_multiple(t) &&
	    !after_modules(t))
		wrong("the login is refused, but the process is not back in its namespaces");
	if (t->opened != PAM_SUCCESS && restarts(t))
		wrong("an interrupted call is not restarted");
	if (t->closed == PAM_SUCCESS && t->place == PLACE_ISOLATED && t->place_closed != PLACE_HOST)
		wrong("the session is closed, but the process is not back in its namespaces");
}

static void login_check(uid_t uid, bool timed)
{
	const char *text = NULL;
	char line[256];
	double ms = 0;

	/* Because of other load, one slow login is no failure. */
	for (int i = 0; i < 3; i++) {
		text = login_try(uid, &ms);
		if (text || !timed || ms < SLOW_MS)
			break;
	}
	check.slow |= !text && timed && ms >= SLOW_MS;
	if (text || (timed && ms >= SLOW_MS)) {
		snprintf(line, sizeof(line), "%s: %s (%.0f ms)", user_name(uid), text ?: "slow",
			 ms);
		wrong(line);
	}
}

void lingering_end(void)
{
	if (!check.lingering)
		return;
	kill(check.lingering, SIGKILL);
	for (int i = 0; process_place(check.lingering, TARGET_UID) == PLACE_ISOLATED; i++) {
		if (i > 10000)
			errx(2, "a lingering process does not end");
		usleep(300);
	}
	check.lingering = 0;
}

/* gc leaves an active user's things, and the next login joins them. */
static void lingering_check(void)
{
	struct login s;

	wrong(user_network_intact(TARGET_UID));
	login_start(&s, TARGET_UID);
	login_wait(&s, TARGET_UID);
	if (s.result != PAM_SUCCESS || s.place != PLACE_ISOLATED)
		wrong("the next login is refused beside a lingering process");
	else if (process_place(check.lingering, TARGET_UID) != PLACE_ISOLATED)
		wrong("a lingering process is no longer in its user's namespaces");
	lingering_end();
	login_end(&s, true);
}

static void gc_check(const struct sweep *sweep)
{
	helpers_wait();
	if (sweep->state == STATE_IN) {
		wrong(user_intact(TARGET_UID));
		return;
	}
	if (!*residue_find(TARGET_UID) && check.runs % 8)
		return;
	if (helper_run("gc") < 0)
		wrong("gc fails");
	if (*residue_find(TARGET_UID)) {
		char line[128];

		snprintf(line, sizeof(line), "%s left after gc", residue_find(TARGET_UID));
		wrong(line);
	}
}

static void all_check(const struct sweep *sweep)
{
	if (sweep->state == STATE_IN)
		return;
	helpers_wait();
	if (helper_run("gc") < 0)
		wrong("gc fails");
	wrong(residue_find_all());
}

void after_check(const struct sweep *sweep, unsigned long number)
{
	bool timed = sweep->hit != HIT_ERROR;

	helpers_wait();
	wrong(sweep->state < STATE_CUT ? user_intact(BYSTANDER_UID) : NULL);
	if (access("/run/test-host/out/on-host", F_OK) == 0) {
		wrong("a shell runs on the host");
		(void)unlink("/run/test-host/out/on-host");
	}
	if (check.lingering)
		lingering_check();
	/* A login first must work without gc. gc first must leave nothing. */
	if (number % 2) {
		gc_check(sweep);
		login_check(TARGET_UID, timed);
	} else {
		login_check(TARGET_UID, timed);
		gc_check(sweep);
	}
	if (timed && sweep->hit == HIT_KILL && number % 4 == 0)
		login_check(OTHER_UID, true);
	wrong(user_intact(BYSTANDER_UID));
	if (check.runs % ALL_EVERY == 0)
		all_check(sweep);
}

static const char *const role_names[] = {"module", "helper", "child"};

/* Lines that were logged since the run began. */
static void log_show(void)
{
	FILE *log = fopen(LOG_PATH, "re");
	char line[1024];

	if (!log)
		return;
	fseeko(log, check.log_start, SEEK_SET);
	while (fgets(line, sizeof(line), log))
		printf("#   %s", line);
	fclose(log);
}

static const char *hit_name(const struct fault *f)
{
	return f->hit == HIT_KILL     ? "killed"
	       : f->hit == HIT_STOP   ? "stopped"
	       : f->hit == HIT_FREEZE ? "frozen"
				      : strerrorname_np(f->error);
}

static bool has_errors(const struct sweep *sweep)
{
	return sweep->hit == HIT_ERROR && !(sweep->flags & MALLOCS);
}

void run_report(const struct sweep *sweep, const struct trace *t)
{
	bool failed = check.problem[0];

	if (!check.verbose && !failed)
		return;
	printf("%s %s: site %ld of the %s, %s %s: %s%s%s\n", failed ? "not ok" : "ok", sweep->name,
	       (long)t->fault.site, role_names[t->fault.role],
	       t->fault.mallocs ? "malloc" : syscall_name(t->number), hit_name(&t->fault),
	       t->opened == PAM_SUCCESS ? "let in"
	       : t->opened < 0		? "-"
					: "refused",
	       failed ? ": " : "", check.problem);
	if (failed) {
		check.failed++;
		log_show();
		printf("#   again: tests/fault/run -n %lu%s%s =%s\n", t->fault.site,
		       has_errors(sweep) ? " -e " : "",
		       has_errors(sweep) ? hit_name(&t->fault) : "", sweep->name);
	}
	fflush(stdout);
}
