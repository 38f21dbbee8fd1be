/* What a program of the host prints. */
#ifndef PAM_NETNS_OUTPUT_H
#define PAM_NETNS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/*
 * Runs words[0], a path, up to a NULL, without a shell and with an empty environment. text becomes
 * its standard output, closed with a NUL and cut off at size. False if it could not be run,
 * failed, or printed nothing for 20 s, after which it is killed.
 */
bool output_read(char *const *words, char *text, size_t size) MUST_CHECK;

#endif
