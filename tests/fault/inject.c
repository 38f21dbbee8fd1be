/*
 * Fault injection: every system call of a login, a logout, gc and the set-up, one after the other,
 * is made to fail with each of eight errors, or its process is killed or stopped there.
 *
 *	fault-inject [-s SHARE] [-d DAY] [-v] [SWEEP...]
 *	fault-inject -l
 *
 * -s SHARE: one of so many runs only, others each DAY (default: today). SWEEP: of those that -l
 * lists, or what their names begin with; =SWEEP is this one alone (default: all). On a throw-away
 *host (tests/fault/run), where bob is in all the time.
 *
 * After each fault: who was let in is in namespaces of their own and has everything that belongs to
 * a session, or nobody was let in and the caller is where it was; the next login works, and gc
 * leaves nothing, in either order; bob notices nothing.
 */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define RUN_MS	   20000 /* a run that lasts longer hangs */
#define FAILED_MAX 20

static const int errors[] = {ENOMEM, ENOSPC, EMFILE, EPERM, EINTR, EAGAIN, EEXIST, EINVAL};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

static unsigned long share = 1, day;
static unsigned long between;
static struct login bystander, held;

static void log_drop(void *context, int level, const char *text)
{
	(void)context;
	if (check.verbose && level <= 4)
		fprintf(stderr, "    %s\n", text);
}

/* --- before a run --- */

static void conf_on_error(bool host)
{
	if (system(host
		       ? "sed -i 's/^on_error = .*/on_error = host/' /etc/security/pam_netns.conf"
		       : "sed -i 's/^on_error = .*/on_error = deny/' /etc/security/pam_netns.conf"))
		errx(2, "cannot edit the conf file");
	(void)login_try(TARGET_UID, &(double){0});
}

static void helper_choose(bool mallocs)
{
	if (system(mallocs ? "install -m 0755 /srv/build/tests/fault-helper "
			     "/usr/libexec/pam-netns/pam-netns-helper.new && mv -f "
			     "/usr/libexec/pam-netns/pam-netns-helper.new "
			     "/usr/libexec/pam-netns/pam-netns-helper"
			   : "install -m 0755 /srv/build/pam-netns-helper "
			     "/usr/libexec/pam-netns/pam-netns-helper.new && mv -f "
			     "/usr/libexec/pam-netns/pam-netns-helper.new "
			     "/usr/libexec/pam-netns/pam-netns-helper"))
		errx(2, "cannot install a helper");
}

static void state_make(const struct sweep *sweep, unsigned long number)
{
	struct login abandoned;

	switch (sweep->state) {
	case STATE_ABANDONED:
		login_start(&abandoned, TARGET_UID);
		login_wait(&abandoned, TARGET_UID);
		login_end(&abandoned, false);
		leftovers_worsen(TARGET_UID, number);
		break;
	case STATE_VOID:
		setup_void();
		break;
	case STATE_DESTROYED:
		setup_destroy();
		break;
	case STATE_IN:
	case STATE_OUT:
		break;
	}
}

/* --- a stopped helper: meanwhile others log in --- */

static void meanwhile(struct trace *t, uid_t uid, int limit_ms)
{
	struct login s;
	char line[128];

	login_start(&s, uid);
	/* The traced ones may have to go on for it, a killed helper's caller for one. */
	(void)trace_serve(t, s.answer, false, 10000);
	login_wait(&s, uid);
	check.slow |= s.result == PAM_SUCCESS && s.ms > limit_ms;
	if (s.result != PAM_SUCCESS || s.place != PLACE_ISOLATED || s.ms > limit_ms) {
		snprintf(line, sizeof(line), "%s's login beside it: %s, %.0f ms", user_name(uid),
			 s.result != PAM_SUCCESS     ? "refused"
			 : s.place != PLACE_ISOLATED ? "not isolated"
						     : "isolated",
			 s.ms);
		wrong(line);
	}
	login_end(&s, true);
}

static void stop_run(struct trace *t)
{
	if (!t->hit)
		return;
	meanwhile(t, OTHER_UID, SLOW_MS);
	meanwhile(t, TARGET_UID, SLOW_MS + 300);
	trace_continue(t);
}

/* --- runs --- */

static void run_once(const struct sweep *sweep, struct trace *t, unsigned long number)
{
	check_begin();
	state_make(sweep, number);
	t->opened_check = opened_check;
	trace_start(t, sweep->body);
	if (t->fault.hit == HIT_STOP || t->fault.hit == HIT_FREEZE) {
		(void)trace_serve(t, -1, true, RUN_MS);
		stop_run(t);
	}
	(void)trace_serve(t, -1, false, RUN_MS);
	outcome_check(sweep, t);
	trace_finish(t);
	if (!t->hit && t->fault.site != (unsigned long)-1 && !fault_is_multiple(t))
		return; /* it took another way this time */
	check.runs++;
	after_check(sweep, number);
}

/* What is slow three times is slow. */
static void run(const struct sweep *sweep, struct trace *t, struct fault fault,
		unsigned long number)
{
	for (int i = 0; i < 3; i++) {
		*t = (struct trace){.fault = fault};
		run_once(sweep, t, number);
		if (!check.slow)
			break;
	}
	run_report(sweep, t);
}

static bool chosen(unsigned long site, unsigned long error)
{
	return (site * 131 + error * 29 + day * 17) % share == 0;
}

static void sweep_run(const struct sweep *sweep)
{
	static struct trace t;
	unsigned long sites, before = check.runs, failed_before = check.failed;
	size_t kinds = sweep->hit == HIT_ERROR && !sweep->mallocs ? ERRORS : 1;
	struct fault fault = {.role = sweep->role,
			      .phase = sweep->phase,
			      .hit = sweep->hit,
			      .mallocs = sweep->mallocs,
			      .sticky = sweep->sticky};
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	helper_choose(sweep->mallocs);
	if (sweep->on_error_host)
		conf_on_error(true);
	if (sweep->state == STATE_IN) {
		login_start(&held, TARGET_UID);
		login_wait(&held, TARGET_UID);
	}
	fault.site = (unsigned long)-1;
	run(sweep, &t, fault, 1);
	sites = t.sites;
	for (unsigned long site = 1; site <= sites && check.failed - failed_before < FAILED_MAX;
	     site++) {
		for (size_t e = 0; e < kinds; e++) {
			/* What is interrupted each time is tried for ever, rightly. */
			if (!chosen(site, e) || (sweep->sticky && errors[e] == EINTR))
				continue;
			fault.site = site;
			fault.error = errors[e];
			run(sweep, &t, fault, site + e);
		}
	}
	if (sweep->state == STATE_IN)
		login_end(&held, true);
	if (sweep->on_error_host)
		conf_on_error(false);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("# %s: %lu sites, %lu runs, %lu failed, %ld s\n", sweep->name, sites,
	       check.runs - before, check.failed - failed_before,
	       (long)(end.tv_sec - start.tv_sec));
	fflush(stdout);
}

/* One run with a choice of setns(2) and one fstatat(2) failing. */
static void join_run(const struct sweep *sweep, struct trace *t, uint64_t setns, unsigned fstatat)
{
	struct fault fault = {.role = ROLE_CALLER,
			      .phase = PHASE_OPEN,
			      .error = EPERM,
			      .masks = {setns, fstatat ? 1ULL << (fstatat - 1) : 0}};

	run(sweep, t, fault, setns + fstatat);
	between += t->opened > PAM_SUCCESS && t->place == PLACE_BETWEEN;
}

/*
 * T9: the three setns(2) of the join and the three of the way back fail in every combination, alone
 * and with each look at the outcome. Nobody is ever let in between.
 */
static void join_sweep(const struct sweep *sweep)
{
	static struct trace t;
	unsigned long before = check.runs, failed_before = check.failed, looks;

	between = 0;
	if (sweep->on_error_host)
		conf_on_error(true);
	join_run(sweep, &t, 1ULL << 63, 0);
	looks = t.fstatats < 63 ? t.fstatats : 63;
	if (t.setns != 3) {
		wrong("the module does not join with three setns(2)");
		run_report(sweep, &t);
	}
	for (unsigned look = 0; look <= looks && check.failed - failed_before < FAILED_MAX; look++)
		for (uint64_t mask = look == 0; mask < 64; mask++)
			if (chosen(look, mask))
				join_run(sweep, &t, mask, look);
	if (!between) {
		wrong("no way back ever failed: what was tested?");
		run_report(sweep, &t);
	}
	if (sweep->on_error_host)
		conf_on_error(false);
	printf("# %s: 6 setns, %lu looks, %lu runs, %lu refused between, %lu failed\n", sweep->name,
	       looks, check.runs - before, between, check.failed - failed_before);
	fflush(stdout);
}

static void begin(void)
{
	double ms;

	log_set_sink(log_drop, NULL);
	if (helper_run("up") < 0)
		errx(2, "pam-netns up fails");
	login_start(&bystander, BYSTANDER_UID);
	login_wait(&bystander, BYSTANDER_UID);
	if (bystander.result != PAM_SUCCESS || bystander.place != PLACE_ISOLATED)
		errx(2, "the bystander cannot log in");
	residue_init();
	if (login_try(TARGET_UID, &ms) || login_try(OTHER_UID, &ms))
		errx(2, "a login without faults fails");
	helpers_wait();
	if (helper_run("gc") < 0)
		errx(2, "gc fails");
	residue_init();
}

static bool named(const struct sweep *sweep, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (**names == '=' ? strcmp(*names + 1, sweep->name) == 0
				   : strncmp(*names, sweep->name, strlen(*names)) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	int c;

	day = (unsigned long)time(NULL) / 86400;
	while ((c = getopt(argc, argv, "d:ls:v")) != -1) {
		if (c == 'd')
			day = strtoul(optarg, NULL, 10);
		else if (c == 's')
			share = strtoul(optarg, NULL, 10) ?: 1;
		else if (c == 'v')
			check.verbose = true;
		else if (c == 'l')
			for (size_t i = 0; i < sweeps_count; i++)
				puts(sweeps[i].name);
		if (c == 'l' || c == '?')
			return c != 'l';
	}
	signal(SIGPIPE, SIG_IGN);
	begin();
	for (size_t i = 0; i < sweeps_count; i++)
		if (named(&sweeps[i], argv + optind))
			(strncmp(sweeps[i].name, "join", 4) ? sweep_run : join_sweep)(&sweeps[i]);
	helper_choose(false);
	login_end(&bystander, true);
	printf("fault: %lu passed, %lu failed\n", check.runs - check.failed, check.failed);
	return check.failed > 0;
}
