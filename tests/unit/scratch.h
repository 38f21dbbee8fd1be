/* A folder for the test, removed at its end. */
#ifndef PAM_NETNS_SCRATCH_H
#define PAM_NETNS_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

static char scratch_path[256];
static int scratch = -1;

static inline int scratch_setup(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(scratch_path, sizeof(scratch_path), "%s/pam_netns_test.XXXXXX",
		 parent ? parent : "/tmp");
	if (!mkdtemp(scratch_path) || chmod(scratch_path, 0755))
		return -1;
	scratch = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch < 0 ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
	char *slash = strrchr(scratch_path, '/');
	int parent, error;

	(void)state;
	close(scratch);
	*slash = '\0';
	parent = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = files_remove_tree(parent, slash + 1);
	close(parent);
	return error;
}

#endif
