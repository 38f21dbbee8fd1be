/*
 * PAM's stacks, as Linux-PAM reads them: one service's lines of one type, in order, including those
 * of @include, include and substack. See pam.d(5).
 */
#ifndef PAM_NETNS_PAM_STACK_H
#define PAM_NETNS_PAM_STACK_H

#include <glob.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#define PAM_MODULE	  "pam_netns.so"
#define PAM_STACK_FOLDERS 3

struct pam_line {
	char *file; /* its path */
	unsigned number;
	char *control;	  /* "required", or the contents of the brackets; lower case */
	char *module;	  /* as written; "" for a line that includes a substack */
	bool optional;	  /* "-session": skipped if the module is not installed */
	char **arguments; /* ended by a NULL */
	unsigned depth;	  /* 0; 1 and more: in a substack, which ends alone */
};

struct pam_stack {
	struct pam_line *lines;
	size_t count;
};

/* The folders of services' files. The first one with the file decides. */
extern const char *pam_folders[PAM_STACK_FOLDERS];

/*
 * Reads the stack of a service (a file's name) for a type ("session", "auth"); the stack of "other"
 * if the service has no line of that type. Unreadable text is skipped: it is not our line, and
 * pam(8) itself refuses such logins. Returns -ENOENT: no such service; -EACCES: this user may not
 * read one of its files; -ENOMEM. The caller frees *out with pam_stack_free().
 */
int pam_stack_read(const char *service, const char *type, struct pam_stack *out) MUST_CHECK;
void pam_stack_free(struct pam_stack *stack);
#define CLEANUP_PAM_STACK __attribute__((cleanup(pam_stack_free)))

/* The file name of a line's module, without its folder. */
const char *pam_line_module(const struct pam_line *line);
/* Can lines[i] end the stack, or jump past lines[target], so that the login
 * continues without it? */
enum pam_skip {
	SKIP_NEVER,
	SKIP_SUCCESS, /* if the module of lines[i] succeeds */
	SKIP_RESULT,  /* if it does not */
};
enum pam_skip pam_line_skips(const struct pam_stack *stack, size_t i, size_t target);
/* Does a failure of the line fail the stack? */
bool pam_line_required(const struct pam_line *line);

/* All modules of ours that are installed, in any folder. The caller frees: globfree(). */
size_t pam_modules_find(glob_t *found);

#endif
