/* Other users log in while a process is stopped or frozen; see check.h. */
#include "check.h"

#include <security/pam_appl.h>
#include <stdio.h>

static void meanwhile(struct trace *t, uid_t uid, int limit_ms)
{
	struct login s;
	char line[128];

	login_start(&s, uid);
	/* A traced process may have to go on first, for example a killed helper's caller. */
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

void stop_run(struct trace *t, int timeout_ms)
{
	(void)trace_serve(t, -1, true, timeout_ms);
	if (!t->hit)
		return;
	meanwhile(t, OTHER_UID, SLOW_MS);
	meanwhile(t, TARGET_UID, SLOW_MS + 300);
	trace_continue(t);
}
