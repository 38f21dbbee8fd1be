/* Notes of users whose last session has ended; see note.h. */
#include "note.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/paths.h"

static const char *note_name(uid_t uid, char name[32])
{
	snprintf(name, 32, "closing/%u", uid);
	return name;
}

int note_make(const struct host *host, uid_t uid)
{
	char name[32];
	CLEANUP_FD int fd = openat(host->run, note_name(uid, name),
				   O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? log_errno(errno, "write %s/%u", CLOSING_DIR, uid) : 0;
}

void note_forget(const struct host *host, uid_t uid)
{
	char name[32];

	if (unlinkat(host->run, note_name(uid, name), 0) < 0 && errno != ENOENT)
		log_warning("cannot remove %s/%u: %m", CLOSING_DIR, uid);
}

bool note_is(const struct host *host, uid_t uid, uint64_t note)
{
	char name[32];
	struct stat st;

	return fstatat(host->run, note_name(uid, name), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == note;
}
