/*
 * Opening a session: request -> profile -> set-up -> lock -> pins -> record -> descriptors.
 *
 * Whoever has pins is in: a further login is handed the same namespaces. Whoever has none, or not
 * the whole of them, is torn down to nothing and built anew (login_build.c). The user's lock is
 * held from the look at the pins to the session's record, so that the reaper, which needs the lock
 * and an empty list of sessions, cannot remove what was just handed out.
 */
#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "closing.h"
#include "note.h"
#include "state/lock.h"
#include "base/log.h"
#include "ns/view.h"

/* The process at the other end of the socket: the session's leader. */
static int leader_read(const struct host *host, struct process *leader)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int result;

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return log_errno(errno, "ask who the caller is");
	result = process_read(host->proc, peer.pid, leader, NULL);
	return result < 0 ? log_errno(-result, "look at the caller, process %d", peer.pid) : 0;
}

static int profile_choose(struct login *login)
{
	const struct request *r = login->request;

	login->profile = conf_match(login->setup.conf, &r->who);
	if (!login->profile) {
		log_error("no profile in %s matches %s: add one (pam-netns explain %s)", r->conf,
			  r->who.user, r->who.user);
		return -EACCES;
	}
	if (!login->profile->isolate)
		return 0;
	login->setup.network = login->profile->network;
	return setup_ensure(login->host, &login->setup);
}

/*
 * `ip netns del NAME` removes the pin behind our link. The namespace lives on with whoever is in
 * it: a session's leader, if it is in the one that was recorded. -ENOENT: nobody known is.
 */
static int login_pin_again(struct login *login)
{
	const struct host *host = login->host;
	const struct user_state *s = &login->state;
	CLEANUP_FREE struct session *sessions = NULL;
	size_t count = 0;
	char name[32];
	int result = session_list(host->run, s->uid, &sessions, &count);

	if (result == 0)
		result = -ENOENT;
	for (size_t i = 0; i < count && result == -ENOENT; i++) {
		const struct process *leader = &sessions[i].leader;
		struct stat st;

		snprintf(name, sizeof(name), "%d/ns/net", leader->pid);
		CLEANUP_FD int net = openat(host->proc, name, O_RDONLY | O_CLOEXEC);

		if (net < 0 || fstat(net, &st) < 0 || st.st_ino != s->net_inode ||
		    !pin_valid(net, KIND_NET) || !process_alive(host->proc, leader))
			continue;
		snprintf(name, sizeof(name), "%u/net", s->uid);
		result = pin_named_set(name, net);
		if (result == 0)
			result = login_name_netns(login);
		if (result == 0)
			log_warning("the pin of uid %u's network was removed (ip netns del?): "
				    "pinned it again",
				    s->uid);
	}
	return result;
}

/* A user who is in: the pins of the recorded set, and a port that is still there. */
static int login_join(struct login *login)
{
	struct host *host = login->host;
	struct user_state *s = &login->state;
	int result = state_read(host->run, login->request->who.uid, s);

	/* Only what is certainly no record is made anew: others may be in. */
	if (result < 0)
		return state_absent(result) ? -ENOENT : result;
	result = pins_open(s->uid, s->namespaces, &login->pins);
	if (result == -ENOENT && s->net_inode && login_pin_again(login) == 0)
		result = pins_open(s->uid, s->namespaces, &login->pins);
	if (result < 0)
		return result;
	result = link_up(&host->route, s->ifindex, s->interface);
	if (result == 0)
		result = login_mend_uplink(login);
	if (result < 0)
		return result;
	/* logind removes /run/user/UID with the last session and mounts a new one with the next. */
	uint64_t device = view_runtime_device(s->uid);

	if ((s->namespaces & NAMESPACE_MNT) && device && device != s->runtime_dir) {
		result =
		    view_graft_runtime(s->uid, login->pins.fd[KIND_MNT], host->ns.fd[KIND_MNT]);
		s->runtime_dir = device;
		if (result == 0)
			result = state_write(host->run, s);
		if (result < 0)
			return log_errno(-result, "show /run/user/%u to the user", s->uid);
	}
	return 0;
}

static int session_record(const struct login *login, const struct process *leader)
{
	const struct request *r = login->request;
	struct session session = {.leader = *leader, .since = time(NULL)};

	memcpy(session.service, r->service, sizeof(session.service));
	memcpy(session.tty, r->tty, sizeof(session.tty));
	memcpy(session.rhost, r->rhost, sizeof(session.rhost));
	int result = session_add(login->host->run, r->who.uid, &session);

	if (result < 0)
		return log_errno(-result, "record the session");
	note_forget(login->host, r->who.uid);
	return 0;
}

static int login_reply(const struct login *login, struct reply *reply)
{
	const struct user_state *s = &login->state;
	char address[ADDRESS_TEXT_MAX], address6[ADDRESS_TEXT_MAX];
	int result = reply_hand(reply, &login->pins);

	address_format(&s->address, address);
	if (s->address6.family)
		address_format(&s->address6, address6);
	else
		strcpy(address6, "none");
	snprintf(reply->line, sizeof(reply->line),
		 "profile=%s network=%s netns=%s interface=%s address=%s address6=%s", s->profile,
		 s->network, s->netns, s->interface, address, address6);
	reply->outcome = OUTCOME_ISOLATED;
	return result;
}

/* Of a job the user's last logout tells, which has all but the session. */
static bool service_runs_jobs(const char *service)
{
	static const char *const services[] = {"cron", "crond", "atd"};

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(service, services[i]) == 0)
			return true;
	return false;
}

static void login_log(const struct login *login, const struct process *leader, const char *line)
{
	const struct request *r = login->request;

	if (login->built && login->setup.conf->log == CONF_LOG_LOGINS &&
	    !service_runs_jobs(r->service))
		log_account("first login: user=%s uid=%u service=%s tty=%s rhost=%s leader=%d %s",
			    r->who.user, r->who.uid, r->service, r->tty[0] ? r->tty : "-",
			    r->rhost[0] ? r->rhost : "-", (int)leader->pid, line);
}

static int login_attempt(struct login *login)
{
	int result = setup_has_ipv6(login->setup.network, &login->setup.state);

	return result < 0 ? result : login_build(login);
}

/*
 * A login does not look whether IPv6 has been disabled since the set-up: that would cost each some
 * system calls. The kernel answers EACCES if it has been; then the login is built once more.
 */
static int login_first(struct login *login)
{
	struct setup *setup = &login->setup;
	int result = teardown(login->host, login->request->who.uid, NULL);

	if (result == 0 && !setup->state.subnet6.family)
		result = setup_follow_ipv6(login->host, setup);
	if (result == 0)
		result = login_attempt(login);
	if (result != -EACCES || !setup->state.subnet6.family)
		return result;
	result = setup_follow_ipv6(login->host, setup);
	return result < 0 ? result : login_attempt(login);
}

static int login_locked(struct login *login, const struct process *leader)
{
	int result = login_join(login);

	login->built = result == -ENOENT;
	if (login->built)
		result = login_first(login);
	if (result < 0)
		return result;
	result = session_record(login, leader);
	if (result < 0 && login->built) {
		namespaces_close(&login->pins);
		(void)!teardown(login->host, login->request->who.uid, &login->state);
	}
	return result;
}

int verb_open(struct host *host, const struct request *request, struct reply *reply)
{
	struct login login = {.host = host, .request = request};
	struct conf *conf = NULL;
	struct process leader = {0};
	int result;

	namespaces_init(&login.pins);
	result = conf_read(request->conf, &conf);
	login.setup.conf = conf;
	login.setup.identity = setup_identity(conf);
	log_set_quiet(conf && conf->log != CONF_LOG_ALL);
	if (result == 0)
		result = leader_read(host, &leader);
	if (result == 0)
		result = profile_choose(&login);
	if (result == 0 && !login.profile->isolate) {
		result = reply_host(host, reply);
	} else if (result == 0) {
		result = lock_take(host->lock, host->proc, request->who.uid);
		if (result == 0)
			result = login_locked(&login, &leader);
		if (result == 0)
			result = login_reply(&login, reply);
		if (result == 0)
			login_log(&login, &leader, reply->line);
		lock_release(host->lock, request->who.uid);
	}
	/* The reply has the pins' descriptors; the end of the process closes and frees all. */
	return result;
}
