/*
 * Processes named so that a reused pid is never mistaken for the old one: pid and start time.
 *
 * proc is a descriptor of a procfs root directory (the host's, see HOSTPROC in paths.h).
 */
#ifndef PAM_NETNS_PROCESS_H
#define PAM_NETNS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cleanup.h"

struct process {
	pid_t pid;
	unsigned long long start; /* clock ticks since boot: field 22 of proc_pid_stat(5) */
};

/* Fills in start and *state (a letter of proc_pid_stat(5); may be NULL). -ESRCH if there is none. */
int process_read(int proc, pid_t pid, struct process *out, char *state) MUST_CHECK;

/* The same process is still there, and is no zombie. */
bool process_alive(int proc, const struct process *process);

#endif
