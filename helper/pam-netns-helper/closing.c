/* Serves the notes of users whose last session has ended; see closing.h. */
#include "closing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "leaving.h"
#include "note.h"
#include "state/lock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/uid.h"

#define WAIT_MS	     10000 /* for a user's processes to end by themselves; then gc takes over */
#define SERVE_MS     15000 /* a longer reaper may be stuck: see reaper.c */
#define PAUSE_MS     5	   /* between two readings, doubled each time */
#define PAUSE_MS_MAX 500

struct serving {
	struct leaving *users; /* sorted by uid */
	size_t count;
	bool newcomers; /* since the last round */
	bool again;	/* a user needs a second reading at once */
	bool waiting;	/* a user is still active */
};

static int leaving_compare(const void *a, const void *b)
{
	const struct leaving *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* What earlier rounds found about the user, if it concerns the same note. */
static void user_recall(const struct host *host, struct serving *before, struct leaving *l)
{
	struct user_state state;
	const struct leaving *known =
	    before->count ? bsearch(l, before->users, before->count, sizeof(*l), leaving_compare)
			  : NULL;

	if (known && known->note == l->note) {
		*l = *known;
		return;
	}
	before->newcomers = true;
	l->since = now_ms();
	l->kinds = NAMESPACES_ALL;
	if (state_read(host->run, l->uid, &state) < 0)
		return;
	l->kinds = state.namespaces;
	l->kill = state.linger == LINGER_NO;
}

static int users_add(struct serving *s, const struct leaving *user)
{
	struct leaving *more = reallocarray(s->users, s->count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->users = more;
	more[s->count++] = *user;
	return 0;
}

/* The notes that exist now. */
static int notes_read(const struct host *host, struct serving *s)
{
	CLEANUP_FD int fd = openat(host->run, "closing", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct serving now = {0};
	struct dirent *entry;
	int result = 0;

	if (!dir)
		return log_errno(errno, "list %s", CLOSING_DIR);
	(void)steal_fd(&fd);
	s->newcomers = false;
	while (result == 0 && (entry = readdir(dir))) {
		struct leaving l = {0};
		struct stat st;

		if (!uid_parse(entry->d_name, &l.uid) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		l.note = st.st_ino;
		user_recall(host, s, &l);
		result = users_add(&now, &l);
	}
	if (now.count)
		qsort(now.users, now.count, sizeof(*now.users), leaving_compare);
	now.newcomers = s->newcomers;
	free(s->users);
	*s = now;
	return result;
}

/* Removes the note, unless it is a new one: gc makes another. */
static void user_give_up(struct host *host, const struct leaving *l)
{
	if (lock_try(host->lock, l->uid) < 0)
		return;
	if (note_is(host, l->uid, l->note))
		note_forget(host, l->uid);
	lock_release(host->lock, l->uid);
}

/*
 * One round for all users. A failure for one user does not keep the others from being served.
 * Returns the first error.
 */
static int serve_round(struct host *host, struct serving *s, bool patient)
{
	CLEANUP_PROCESS_LIST struct process_list processes = {0};
	unsigned kinds = 0;
	bool kill = false;
	int result;

	for (size_t i = 0; i < s->count; i++) {
		kinds |= s->users[i].kinds;
		kill |= s->users[i].kill;
	}
	result = process_list_read(host, kinds, kill, &processes);
	s->waiting = s->again = false;
	for (size_t i = 0; i < s->count && processes.entries; i++) {
		struct leaving *l = &s->users[i];
		int looked = leaving_look(host, &processes, l);

		if (looked < 0 && result == 0)
			result = looked;
		s->again |= looked == LOOKED_EMPTY;
		if (looked < 0 ||
		    (looked == LOOKED_IN && patient && now_ms() - l->since >= WAIT_MS))
			user_give_up(host, l);
		else
			s->waiting |= looked == LOOKED_IN && (patient || l->kill);
	}
	return result;
}

int closing_serve(struct host *host, bool patient)
{
	struct serving s = {0};
	long end = now_ms() + SERVE_MS;
	int pause = PAUSE_MS, error = 0, result;

	for (;;) {
		result = notes_read(host, &s);
		if (result < 0 || s.count == 0)
			break;
		result = serve_round(host, &s, patient);
		error = error ?: result;
		if (!s.again && !s.waiting && (!patient || result < 0))
			break;
		if (now_ms() >= end) {
			result = 1;
			break;
		}
		if (s.again || !s.waiting)
			continue;
		pause = s.newcomers ? PAUSE_MS : pause;
		leaving_wait(s.users, s.count, pause);
		pause = pause * 2 < PAUSE_MS_MAX ? pause * 2 : PAUSE_MS_MAX;
	}
	free(s.users);
	return error ?: result;
}
