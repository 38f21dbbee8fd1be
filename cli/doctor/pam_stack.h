/*
 * PAM's stacks, as Linux-PAM reads them: one service's lines of one type, in order, with what
 * @include, include and substack bring in. See pam.d(5).
 */
#ifndef PAM_NETNS_PAM_STACK_H
#define PAM_NETNS_PAM_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

#define PAM_MODULE	  "pam_netns.so"
#define PAM_STACK_FOLDERS 2

struct pam_line {
	char *file; /* its path */
	unsigned number;
	char *control;	  /* "required", or what stands in brackets, without them; lower case */
	char *module;	  /* as written */
	char **arguments; /* up to a NULL */
	unsigned depth;	  /* 0; 1 and more: in a substack, which ends by itself */
};

struct pam_stack {
	struct pam_line *lines;
	size_t count;
};

/* Where services' files are, the first that has one wins: /etc/pam.d, /usr/lib/pam.d. */
extern const char *const pam_folders[PAM_STACK_FOLDERS];

/*
 * Reads the stack of a service (a file's name) for a type: "session", "auth". What cannot be read
 * is passed over, as it says nothing of our line; pam(8) refuses such logins by itself. -ENOENT: no
 * such service, -ENOMEM. The caller frees *out: pam_stack_free().
 */
int pam_stack_read(const char *service, const char *type, struct pam_stack *out) MUST_CHECK;
void pam_stack_free(struct pam_stack *stack);
#define CLEANUP_PAM_STACK __attribute__((cleanup(pam_stack_free)))

/* The file name of a line's module, without its folder. */
const char *pam_line_module(const struct pam_line *line);
/* Can a success of lines[i] end the stack, or skip past lines[target], so that the latter never
 * runs? */
bool pam_line_skips(const struct pam_stack *stack, size_t i, size_t target);
/* Does a failure of the line fail the stack? */
bool pam_line_required(const struct pam_line *line);

#endif
