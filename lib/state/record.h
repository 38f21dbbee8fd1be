/*
 * Records: a struct as key=value lines, closed by a line "end". A text without that line, with a
 * field missing or twice, or with a value that does not fit is torn and not believed at all.
 *
 * Versions may differ while users are in. Keys that are not known are passed over, since a newer
 * version may have written them. A field that was added later is optional: an older version's
 * record does not have it, and not to believe that would give a user who is in a second network.
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

struct record_field {
	const char *key;
	enum record_kind kind;
	size_t offset, size; /* of the member */
	bool optional;	     /* all zeroes where it is missing */
};

/* count of either function: at most this many. */
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
 * Writes object as text (not NUL-terminated) and returns its length, or -EMSGSIZE. Control
 * characters in a text become '?'.
 */
ssize_t record_format(const struct record_field *fields, size_t count, const void *object,
		      char *text, size_t size) MUST_CHECK;

/* Reads a text of length size, which is changed. -EBADMSG: torn; object may then be half filled. */
int record_parse(const struct record_field *fields, size_t count, char *text, size_t size,
		 void *object) MUST_CHECK;

#endif
