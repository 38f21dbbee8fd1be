/*
 * A process by its pid and start time, so that a reused pid is not mistaken for the old process.
 *
 * proc is a descriptor of a procfs root directory (the host's, see HOSTPROC in paths.h).
 */
#ifndef PAM_NETNS_PROCESS_H
#define PAM_NETNS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct process {
	pid_t pid;
	unsigned long long start; /* clock ticks since boot: field 22 of proc_pid_stat(5) */
};

/*
 * Fills in *out and *state (a letter of proc_pid_stat(5); may be NULL). -ESRCH: there is no such
 * process. Other errors mean that it is unknown; -ENOTSUP: proc is not a procfs.
 */
int process_read(int proc, pid_t pid, struct process *out, char *state) MUST_CHECK;

/* The parent of a process; errors as of process_read(). */
int process_parent(int proc, pid_t pid, pid_t *parent) MUST_CHECK;

/*
 * process_alive(): the same process certainly still exists and is no zombie. process_gone(): it
 * certainly does not exist. If that is unknown, both are false.
 */
bool process_alive(int proc, const struct process *process);
bool process_gone(int proc, const struct process *process);

#endif
