/*
 * PAM's stacks, as Linux-PAM reads them: one service's lines of one type, in order, with what
 * @include, include and substack bring in. See pam.d(5).
 */
#ifndef PAM_NETNS_PAM_STACK_H
#define PAM_NETNS_PAM_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#define PAM_MODULE	  "pam_netns.so"
#define PAM_STACK_FOLDERS 3

struct pam_line {
	char *file; /* its path */
	unsigned number;
	char *control;	  /* "required", or what stands in brackets, without them; lower case */
	char *module;	  /* as written; "" for a line that brings in a substack */
	bool optional;	  /* "-session": passed over if the module is not installed */
	char **arguments; /* up to a NULL */
	unsigned depth;	  /* 0; 1 and more: in a substack, which ends by itself */
};

struct pam_stack {
	struct pam_line *lines;
	size_t count;
};

/* Where services' files are, the first that has one wins:
 * /etc/pam.d, /usr/lib/pam.d, /usr/etc/pam.d. */
extern const char *pam_folders[PAM_STACK_FOLDERS];

/*
 * Reads the stack of a service (a file's name) for a type: "session", "auth"; that of "other" if
 * the service has no line of the type. What cannot be read is passed over, as it says nothing of
 * our line; pam(8) refuses such logins by itself. -ENOENT: no such service, -EACCES: this user may
 * not read a file of it, -ENOMEM. The caller frees *out: pam_stack_free().
 */
int pam_stack_read(const char *service, const char *type, struct pam_stack *out) MUST_CHECK;
void pam_stack_free(struct pam_stack *stack);
#define CLEANUP_PAM_STACK __attribute__((cleanup(pam_stack_free)))

/* The file name of a line's module, without its folder. */
const char *pam_line_module(const struct pam_line *line);
/* Can lines[i] end the stack, or jump past lines[target], and the login goes on without it? */
enum pam_skip {
	SKIP_NEVER,
	SKIP_SUCCESS, /* if the module of lines[i] succeeds */
	SKIP_RESULT,  /* if it does not */
};
enum pam_skip pam_line_skips(const struct pam_stack *stack, size_t i, size_t target);
/* Does a failure of the line fail the stack? */
bool pam_line_required(const struct pam_line *line);

#endif
