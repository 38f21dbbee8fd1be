/*
 * Characters of UTF-8 text that came from a user or a remote host, and may be shown on a terminal.
 *
 * A control is a character that a terminal or a log would act on: C0 (below space), DEL, and C1,
 * which begins escape sequences as ESC does (ECMA-48, 8-bit controls). C1 is U+0080 to U+009F in
 * UTF-8, and also the bytes 0x80 to 0x9f outside of UTF-8 characters, because a terminal with 8-bit
 * characters acts on them.
 */
#ifndef PAM_NETNS_CHARACTERS_H
#define PAM_NETNS_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at the start of text; 0 if it is not valid UTF-8 (RFC 3629). */
size_t character_length(const char *text);
/* The length of the control at the start of text; 0 if there is none. */
size_t control_length(const char *text);
bool text_has_control(const char *text);
/* Replaces each control by one '?'. The text does not get longer. */
void text_replace_controls(char *text);

/*
 * Copies a name into a field; NULL counts as "". If it is too long or has control characters the
 * field is "" and the result false.
 */
bool text_set(char *field, size_t size, const char *value);

#endif
