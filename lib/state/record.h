/*
 * Records: a struct as key=value lines, closed by a line "end". A text without that line, with a
 * field missing or twice, or with a value that does not fit, is torn and is not used at all.
 *
 * Versions may change while users are active. Unknown keys are skipped, because a newer version may
 * have written them. A field that was added later is optional: an older version's record lacks it,
 * and to reject that record would give an active user a second network.
 */
#ifndef PAM_NETNS_RECORD_H
#define PAM_NETNS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

enum record_kind {
	RECORD_TEXT,	/* a char array, NUL-terminated */
	RECORD_NUMBER,	/* an unsigned integer of 4 or 8 bytes */
	RECORD_ADDRESS, /* struct address; "none" for family 0 */
	RECORD_MAC,	/* struct mac */
};

#define RECORD_KEY_MAX	24
#define RECORD_FILE_MAX 2048 /* bytes of a record */

struct record_field {
	char key[RECORD_KEY_MAX]; /* no pointer: the tables need no relocation, nor a page for it */
	enum record_kind kind;
	size_t offset, size; /* of the member */
	bool optional;	     /* all zeroes if it is missing */
};

/* count in both functions: at most this many. */
#define RECORD_FIELDS_MAX 63

/* A member, or a member's member, under a key of its own. */
#define RECORD_FIELD_AS(key, type, member, kind)                                                   \
	{                                                                                          \
		key, kind, offsetof(type, member), sizeof(((type *)0)->member), false              \
	}
#define RECORD_FIELD(type, member, kind) RECORD_FIELD_AS(#member, type, member, kind)
#define RECORD_FIELD_OPTIONAL(type, member, kind)                                                  \
	{                                                                                          \
#member, kind, offsetof(type, member), sizeof(((type *)0)->member), true           \
	}

/*
 * Writes object as text (without a NUL) and returns the length, or -EMSGSIZE. Control characters in
 * a text become '?'.
 */
ssize_t record_format(const struct record_field *fields, size_t count, const void *object,
		      char *text, size_t size) MUST_CHECK;

/* Puts object as a file in its place at once, readable for all. Returns 0 or -errno. */
int record_write(int dir, const char *name, const struct record_field *fields, size_t count,
		 const void *object) MUST_CHECK;

/* Reads a text of length size, and changes it. -EBADMSG: torn; object may be partly filled. */
int record_parse(const struct record_field *fields, size_t count, char *text, size_t size,
		 void *object) MUST_CHECK;

#endif
