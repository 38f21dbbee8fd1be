/*
 * pam_netns.so: the entry points. See pam_netns(8).
 *
 * The module runs inside sshd, login, su or cron, and does little there: it reads the conf, runs
 * the helper (lib/call/call.c), joins the namespaces that the helper hands over, and verifies that
 * it is in them (join.c). It never exits, opens no log of its own and keeps no descriptor.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

#include "arguments.h"
#include "base/log.h"
#include "session.h"

struct sink {
	pam_handle_t *pamh;
	bool debug;
};

static void sink_write(void *context, int level, const char *text)
{
	const struct sink *sink = context;

	if (level != LOG_DEBUG || sink->debug)
		pam_syslog(sink->pamh, level, "%s", text);
}

/* Sets up logging for one call, and reads the arguments. */
static int entry(struct sink *sink, pam_handle_t *pamh, int argc, const char **argv,
		 struct arguments *arguments)
{
	*sink = (struct sink){.pamh = pamh};
	log_set_sink(sink_write, sink);
	int result = arguments_parse(argc, argv, arguments);

	sink->debug = arguments->debug;
	return result;
}

static int leave(int result)
{
	log_set_sink(NULL, NULL);
	return result;
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;
	struct sink sink;

	if (entry(&sink, pamh, argc, argv, &arguments) < 0)
		return leave(session_refuse(pamh, flags));
	return leave(arguments.open ? session_open(pamh, flags, &arguments) : PAM_IGNORE);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;
	struct sink sink;

	(void)flags;
	if (entry(&sink, pamh, argc, argv, &arguments) < 0)
		return leave(PAM_SESSION_ERR);
	return leave(arguments.close ? session_close(pamh, &arguments) : PAM_IGNORE);
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;
	struct sink sink;

	(void)flags;
	if (entry(&sink, pamh, argc, argv, &arguments) < 0)
		return leave(PAM_AUTH_ERR);
	return leave(arguments.host ? host_network_enter(pamh, &arguments) : PAM_IGNORE);
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;
	struct sink sink;

	(void)flags;
	if (entry(&sink, pamh, argc, argv, &arguments) < 0)
		return leave(PAM_CRED_ERR);
	return leave(host_network_leave(pamh) < 0 ? PAM_CRED_ERR : PAM_IGNORE);
}
