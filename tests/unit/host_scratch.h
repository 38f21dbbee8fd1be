/*
 * A host whose folders and lock are in the scratch folder. It is included after the helper's source, whose
 * parameters are called host too.
 */
#ifndef PAM_NETNS_HOST_SCRATCH_H
#define PAM_NETNS_HOST_SCRATCH_H

#include "../../helper/pam-netns-helper/helper.h"
#include "log_kept.h"
#include "scratch.h"

static struct host host;

static inline int host_setup(void **state)
{
	if (scratch_setup(state) || mkdirat(scratch, "closing", 0700) ||
	    mkdirat(scratch, "users", 0755))
		return -1;
	host = (struct host){.run = scratch};
	host.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host.lock = openat(scratch, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	log_set_sink(log_keep, NULL);
	log_last[0] = '\0';
	return host.proc < 0 || host.lock < 0;
}

static inline int host_teardown(void **state)
{
	close(host.proc);
	close(host.lock);
	return scratch_teardown(state);
}

/* The inode of the user's note; 0: the user has none. */
static inline uint64_t note_of(uid_t uid)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "closing/%u", uid);
	return fstatat(scratch, name, &st, 0) ? 0 : st.st_ino;
}

#endif
