/* Functions of the fuzz targets. */
#ifndef PAM_NETNS_FUZZ_H
#define PAM_NETNS_FUZZ_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A message is one printable line for each input. */
static inline void log_check(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			abort();
}

static char folder_path[64];

static inline void folder_remove(void)
{
	CLEANUP_FD int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (files_remove_tree(parent, folder_path + strlen("/tmp/")) < 0)
		fprintf(stderr, "%s is left\n", folder_path);
}

/* A folder of this process, made at the first call and removed at exit. */
static inline int folder_open(void)
{
	static int folder = -1;

	if (folder >= 0)
		return folder;
	strcpy(folder_path, "/tmp/pam_netns_fuzz.XXXXXX");
	if (!mkdtemp(folder_path) || chmod(folder_path, 0755) < 0)
		abort();
	folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atexit(folder_remove);
	log_set_sink(log_check, NULL);
	return folder;
}

static inline void folder_add(const char *path)
{
	if (mkdirat(folder_open(), path, 0755) < 0 && errno != EEXIST)
		abort();
}

static inline void file_put(const char *path, const void *data, size_t size)
{
	CLEANUP_FD int fd =
	    openat(folder_open(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

#endif
