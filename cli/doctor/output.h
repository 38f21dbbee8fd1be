/* The output of a program of the host. */
#ifndef PAM_NETNS_OUTPUT_H
#define PAM_NETNS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/*
 * Runs words[0], a path, with the arguments up to a NULL, without a shell and with an empty
 * environment. text becomes its standard output, ended with a NUL. False: the program could not be run,
 * failed, printed size - 1 bytes or more, or was killed after printing nothing for 20 s.
 */
bool output_read(char *const *words, char *text, size_t size) MUST_CHECK;

#endif
