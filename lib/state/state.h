/*
 * Active users: one folder for each user, one file for each session.
 *
 * run is a descriptor of RUN_DIR (paths.h). These records inform people, and name what a removal
 * has to remove. They never decide which users are isolated: pins and kernel objects do. A file is
 * complete or worthless: its last line is "end", and without it reading returns -EBADMSG.
 *
 *	users/UID			root's; the user may read it, other users may not
 *					(state/folder.h)
 *	users/UID/state			key=value lines of struct user_state, 0644
 *	users/UID/sessions/PID.START	key=value lines of struct session, 0644; its name, not its
 *					content, tells the leader
 *
 * Writers hold the user's lock (lock.h). Readers need none, because files are renamed into place.
 * Values may have any byte but newline and NUL; writers replace control characters by '?'.
 */
#ifndef PAM_NETNS_STATE_H
#define PAM_NETNS_STATE_H

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "conf/conf.h"
#include "base/process.h"
#include "base/who.h"
#include "rules/types.h"
#include "state/record.h"

#define STATE_TEXT_MAX 256		     /* a service, tty, remote host, with its NUL */
#define STATE_FILE_MAX (2 * RECORD_FILE_MAX) /* newer versions may write longer records */

struct user_state {
	char user[WHO_NAME_MAX];    /* as typed at the first login */
	char account[WHO_NAME_MAX]; /* the uid's own name: getpwuid(3) */
	char profile[CONF_NAME_MAX];
	char network[CONF_NAME_MAX];
	char netns[WHO_NAME_MAX]; /* name in NETNS_DIR */
	struct uplink uplink;	  /* its network and bridge_ifindex are not recorded */
	char hostname[CONF_HOSTNAME_MAX];
	unsigned namespaces; /* enum namespace_bit */
	enum conf_linger linger;
	struct limits limits;
	time_t since;	      /* seconds, CLOCK_REALTIME, of the first login */
	uint64_t runtime_dir; /* mntns_runtime_id() of the mounted /run/user/UID, 0: none */
	char root[CONF_PATH_MAX + sizeof(ROOT_IMAGE)]; /* the profile's; "": the host's */
	unsigned view;				       /* view_count(): paths to look at; 0: none */
	uint64_t net_inode;			       /* of the network namespace, 0: unknown */
};

struct session {
	struct process leader;
	char service[STATE_TEXT_MAX];
	char tty[STATE_TEXT_MAX];
	char rhost[STATE_TEXT_MAX];
	time_t since;
};

/*
 * All return 0 or -errno, logged. -ENOENT, not logged: no such user. state_read() returns -EBADMSG
 * if the record is torn, or is no regular file.
 */
int state_write(int run, const struct user_state *state) MUST_CHECK;
int state_read(int run, uid_t uid, struct user_state *out) MUST_CHECK;
/* Is there certainly no record? A caller that removes things must not do so
 * for a lack of memory. */
static inline bool state_absent(int result)
{
	return result == -ENOENT || result == -EBADMSG;
}
/* Removes the user's folder with its contents. Absence is not an error. */
int state_remove(int run, uid_t uid) MUST_CHECK;
/* The uids of all folders, complete or not. The caller frees *uids. */
int state_list(int run, uid_t **uids, size_t *count) MUST_CHECK;

/* Replaces a record that exists. */
int session_add(int run, uid_t uid, const struct session *session) MUST_CHECK;
/* -ENOENT: there is none. */
int session_remove(int run, uid_t uid, const struct process *leader) MUST_CHECK;
/*
 * All records, the oldest leader first. A torn record has only its leader. Names that are not
 * PID.START are skipped. The caller frees *sessions. No sessions: 0 and *count 0.
 */
int session_list(int run, uid_t uid, struct session **sessions, size_t *count) MUST_CHECK;
/*
 * Removes records of leaders that have certainly ended (process_gone), up to the first live one;
 * *live: there is one. A leader that cannot be checked counts as live.
 */
int session_prune(int run, int proc, uid_t uid, bool *live) MUST_CHECK;

#endif
