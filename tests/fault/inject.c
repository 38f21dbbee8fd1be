/*
 * Fault injection: each system call of a login, a logout, gc and the set-up fails with each of eight
 * errors, or its process is killed or stopped there.
 *
 *	fault-inject [-s SHARE [-o]] [-d DAY] [-v] [SWEEP...]
 *	fault-inject -n SITE [-e ERROR] [-r TIMES] [-v] SWEEP
 *	fault-inject -l
 *
 * -s SHARE: one site in SHARE, others each DAY (default: today), all in SHARE days. -o: each with one
 * of the eight errors, all of them in eight times as many days. -n: only this site, so many TIMES.
 * SWEEP: the name of a sweep (see -l), or its beginning; =SWEEP: the whole name (default: all). It runs
 * on a throw-away host (tests/fault/run), where bob is always active.
 *
 * After each fault either the login has its own namespaces and a complete session, or it is refused and
 * the caller is in its namespaces. The next login works, and gc leaves nothing, in both orders. bob's
 * session does not change.
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

#include "base/log.h"

#define RUN_MS	   120000 /* a run takes a second at most, so one that lasts longer hangs */
#define FAILED_MAX 20

static const int errors[] = {ENOMEM, ENOSPC, EMFILE, EPERM, EINTR, EAGAIN, EEXIST, EINVAL};
#define ERRORS (sizeof(errors) / sizeof(errors[0]))

static struct options {
	unsigned long share, day, site, times;
	int error;
	bool one_error;
} options = {.share = 1, .times = 1};
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
	/* With another helper the next login sets up the host, which must not be in a run. */
	(void)login_try(TARGET_UID, &(double){0});
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
	case STATE_LINGERING:
		login_start(&abandoned, TARGET_UID);
		login_wait(&abandoned, TARGET_UID);
		check.lingering = login_end_lingering(&abandoned);
		break;
	case STATE_VOID:
		setup_void();
		break;
	case STATE_DESTROYED:
		setup_destroy();
		break;
	case STATE_IN:
	case STATE_OUT:
	case STATE_CUT:
		break;
	}
}

/* --- the bystander --- */

static void bystander_start(void)
{
	login_start(&bystander, BYSTANDER_UID);
	login_wait(&bystander, BYSTANDER_UID);
	if (bystander.result != PAM_SUCCESS || bystander.place != PLACE_ISOLATED)
		errx(2, "the bystander cannot log in");
	residue_init();
}

/* A failure must not count again in further runs. */
static void bystander_renew(void)
{
	login_end(&bystander, true);
	helpers_wait();
	if (helper_run("gc") < 0)
		errx(2, "gc fails");
	bystander_start();
}

/* --- runs --- */

static void run_once(const struct sweep *sweep, struct trace *t, unsigned long number)
{
	/* A reaper of the earlier run would disturb at random places. */
	helpers_wait();
	check_begin();
	state_make(sweep, number);
	t->opened_check = opened_check;
	trace_start(t, sweep->body);
	if (t->fault.hit == HIT_STOP || t->fault.hit == HIT_FREEZE)
		stop_run(t, RUN_MS);
	(void)trace_serve(t, -1, false, RUN_MS);
	outcome_check(sweep, t);
	trace_finish(t);
	if (!t->hit && t->fault.site != (unsigned long)-1 && !fault_is_multiple(t)) {
		lingering_end();
		return; /* this run made other calls */
	}
	check.runs++;
	after_check(sweep, number);
}

/* Slow three times in a row is a failure. */
static void run(const struct sweep *sweep, struct trace *t, struct fault fault,
		unsigned long number)
{
	for (int i = 0; i < 3; i++) {
		*t = (struct trace){.fault = fault};
		run_once(sweep, t, number);
		if (!check.slow)
			break;
	}
	if (t->hit || check.problem[0])
		run_report(sweep, t);
	if (*user_intact(BYSTANDER_UID))
		bystander_renew();
}

static bool chosen(const struct sweep *sweep, unsigned long site, size_t error, size_t kinds)
{
	const struct options *o = &options;

	if (o->site)
		return site == o->site && (!o->error || errors[error] == o->error);
	if ((site + o->day) % o->share)
		return false;
	/* A call that is interrupted each time is repeated for ever, rightly. */
	if (sweep->flags & STICKY && errors[error] == EINTR)
		return false;
	if (!o->one_error && !(sweep->flags & ONE_ERROR))
		return true;
	return error == (site / o->share + o->day / o->share) % kinds;
}

struct progress {
	unsigned long runs, failed;
	struct timespec start, shown;
};

static void progress_begin(struct progress *p)
{
	p->runs = check.runs;
	p->failed = check.failed;
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	p->shown = p->start;
}

/* Once a minute. */
static void progress_show(struct progress *p, const struct sweep *sweep, unsigned long site,
			  unsigned long sites)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - p->shown.tv_sec < 60)
		return;
	p->shown = now;
	printf("# %s: at site %lu of %lu, %lu runs, %lu failed, %ld s\n", sweep->name, site, sites,
	       check.runs - p->runs, check.failed - p->failed, now.tv_sec - p->start.tv_sec);
	fflush(stdout);
}

static bool progress_goes_on(const struct progress *p)
{
	return check.failed - p->failed < FAILED_MAX;
}

static void progress_end(const struct progress *p, const struct sweep *sweep, const char *tried)
{
	struct timespec now;
	unsigned long runs = check.runs - p->runs;
	double ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (double)(now.tv_sec - p->start.tv_sec) * 1e3 +
	     (double)(now.tv_nsec - p->start.tv_nsec) / 1e6;
	printf("# %s: %s, %lu runs, %lu failed%s, %.0f s, %.0f ms each\n", sweep->name, tried, runs,
	       check.failed - p->failed, progress_goes_on(p) ? "" : " (GIVEN UP)", ms / 1e3,
	       ms / (double)(runs ?: 1));
	fflush(stdout);
}

/*
 * The number of calls: the median of three runs, since one may be atypical. For a share one run is
 * enough.
 */
static unsigned long sites_count(const struct sweep *sweep, struct trace *t, struct fault fault)
{
	unsigned long least = -1UL, most = 0, sum = 0;

	fault.site = (unsigned long)-1;
	for (int i = 0; i < 3; i++) {
		run(sweep, t, fault, 1);
		if (options.share > 1)
			return t->sites;
		least = t->sites < least ? t->sites : least;
		most = t->sites > most ? t->sites : most;
		sum += t->sites;
	}
	return sum - least - most;
}

static void sites_run(const struct sweep *sweep)
{
	static struct trace t;
	size_t kinds = sweep->hit == HIT_ERROR && !(sweep->flags & MALLOCS) ? ERRORS : 1;
	struct fault fault = {.role = sweep->role,
			      .phase = sweep->phase,
			      .hit = sweep->hit,
			      .mallocs = sweep->flags & MALLOCS,
			      .sticky = sweep->flags & STICKY,
			      .by_user = sweep->flags & BY_USER};
	struct progress progress;
	unsigned long sites, out_of_reach = 0;
	char tried[128];

	progress_begin(&progress);
	sites = sites_count(sweep, &t, fault);
	if (!sites) {
		wrong("no call was seen");
		run_report(sweep, &t);
	}
	for (unsigned long site = 1; site <= sites && progress_goes_on(&progress); site++) {
		progress_show(&progress, sweep, site, sites);
		for (size_t e = 0; e < kinds * options.times; e++) {
			if (!chosen(sweep, site, e % kinds, kinds))
				continue;
			fault.site = site;
			fault.error = errors[e % kinds];
			run(sweep, &t, fault, site + e);
			out_of_reach += t.out_of_reach;
		}
	}
	snprintf(tried, sizeof(tried),
		 sweep->flags & BY_USER			    ? "%lu sites, %lu out of reach"
		 : kinds > 1 && !(sweep->flags & ONE_ERROR) ? "%lu sites x %lu errors"
							    : "%lu sites",
		 sites, sweep->flags & BY_USER ? out_of_reach : ERRORS);
	progress_end(&progress, sweep, tried);
}

/* One run with a choice of setns(2) and one fstatat(2) failing. */
static void join_run(const struct sweep *sweep, struct trace *t, unsigned long site)
{
	unsigned long look = (site - 1) / 64;
	struct fault fault = {.role = ROLE_CALLER,
			      .phase = PHASE_OPEN,
			      .site = site,
			      .error = EPERM,
			      .masks = {(site - 1) % 64, look ? 1ULL << (look - 1) : 0}};

	run(sweep, t, fault, site);
	between += t->opened > PAM_SUCCESS && t->place == PLACE_BETWEEN;
}

/*
 * T9: the three setns(2) of the join and the three of the way back fail in each combination, alone and
 * with each check of the outcome. No session is ever in between.
 */
static void join_run_all(const struct sweep *sweep)
{
	static struct trace t;
	struct progress progress;
	unsigned long looks;
	char tried[128];

	between = 0;
	progress_begin(&progress);
	run(sweep, &t,
	    (struct fault){.role = ROLE_CALLER, .phase = PHASE_OPEN, .masks = {1ULL << 63}}, 0);
	looks = t.fstatats < 63 ? t.fstatats : 63;
	if (t.setns != 3) {
		wrong("the module does not join with three setns(2)");
		run_report(sweep, &t);
	}
	for (unsigned long site = 2; site <= 64 * (looks + 1) && progress_goes_on(&progress);
	     site++) {
		progress_show(&progress, sweep, site, 64 * (looks + 1));
		for (size_t i = 0; i < options.times; i++)
			if (chosen(sweep, site, 0, 1))
				join_run(sweep, &t, site);
	}
	/* An even share has only some combinations of the six, a large share hardly any. */
	if (!between && !options.site && options.share % 2 && options.share <= looks) {
		wrong("no way back has failed, so this run proves nothing");
		run_report(sweep, &t);
	}
	snprintf(tried, sizeof(tried), "6 setns, %lu looks, %lu refused between", looks, between);
	progress_end(&progress, sweep, tried);
}

static void sweep_run(const struct sweep *sweep)
{
	helper_choose(sweep->flags & MALLOCS);
	if (sweep->flags & ON_ERROR_HOST)
		conf_on_error(true);
	if (sweep->state == STATE_IN) {
		login_start(&held, TARGET_UID);
		login_wait(&held, TARGET_UID);
	}
	(strncmp(sweep->name, "join", 4) ? sites_run : join_run_all)(sweep);
	if (sweep->state == STATE_IN)
		login_end(&held, true);
	if (sweep->flags & ON_ERROR_HOST)
		conf_on_error(false);
}

static void begin(void)
{
	double ms;

	log_set_sink(log_drop, NULL);
	if (helper_run("up") < 0)
		errx(2, "pam-netns up fails");
	bystander_start();
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

static int error_parse(const char *name)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (strcmp(strerrorname_np(errors[i]), name) == 0)
			return errors[i];
	errx(2, "%s is not one of the eight errors", name);
}

static void options_parse(int argc, char **argv)
{
	int c;

	options.day = (unsigned long)time(NULL) / 86400;
	while ((c = getopt(argc, argv, "d:e:ln:or:s:v")) != -1) {
		if (c == 'd')
			options.day = strtoul(optarg, NULL, 10);
		else if (c == 'e')
			options.error = error_parse(optarg);
		else if (c == 'n')
			options.site = strtoul(optarg, NULL, 10);
		else if (c == 'o')
			options.one_error = true;
		else if (c == 'r')
			options.times = strtoul(optarg, NULL, 10);
		else if (c == 's')
			options.share = strtoul(optarg, NULL, 10) ?: 1;
		else if (c == 'v')
			check.verbose = true;
		else if (c == 'l')
			for (size_t i = 0; i < sweeps_count; i++)
				puts(sweeps[i].name);
		if (c == 'l' || c == '?')
			exit(c != 'l');
	}
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	begin();
	for (size_t i = 0; i < sweeps_count; i++)
		if (named(&sweeps[i], argv + optind))
			sweep_run(&sweeps[i]);
	helper_choose(false);
	login_end(&bystander, true);
	printf("fault: %lu passed, %lu failed\n", check.runs - check.failed, check.failed);
	return check.failed > 0;
}
