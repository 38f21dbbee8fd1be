/* Keeps standard output and standard error of a function as text. */
#ifndef PAM_NETNS_OUTPUT_H
#define PAM_NETNS_OUTPUT_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char output[64 * 1024], output_error[64 * 1024];

/* Redirects the descriptor to a new file; returns the old descriptor. */
static inline int output_capture(FILE *file, int fd)
{
	int before, to = memfd_create("output", MFD_CLOEXEC);

	fflush(file);
	before = dup(fd);
	assert_true(before >= 0 && to >= 0 && dup2(to, fd) == fd);
	close(to);
	return before;
}

static inline void output_release(FILE *file, int fd, int before, char *text, size_t room)
{
	ssize_t size;

	fflush(file);
	clearerr(file);
	size = pread(fd, text, room - 1, 0);
	dup2(before, fd);
	close(before);
	assert_true(size >= 0 && size < (ssize_t)room - 1);
	text[size] = '\0';
	assert_int_equal(strlen(text), size);
}

/* Runs the statement, which must not leave the block. Its output is in output and output_error. */
#define output_of(statement)                                                                       \
	do {                                                                                       \
		int output_out = output_capture(stdout, STDOUT_FILENO);                            \
		int output_err = output_capture(stderr, STDERR_FILENO);                            \
		statement;                                                                         \
		output_release(stderr, STDERR_FILENO, output_err, output_error,                    \
			       sizeof(output_error));                                              \
		output_release(stdout, STDOUT_FILENO, output_out, output, sizeof(output));         \
	} while (0)

#endif
