/*
 * Characters of UTF-8 text that came from a user or a remote host, and may be shown on a terminal.
 *
 * A control is what a terminal or a log would act on: C0 (below space), DEL, and C1, which begins
 * escape sequences as ESC does (ECMA-48, 8-bit controls): U+0080 to U+009F in UTF-8, and the bytes
 * 0x80 to 0x9f where they belong to no character of UTF-8, because a terminal with 8-bit characters
 * acts on them.
 */
#ifndef PAM_NETNS_CHARACTERS_H
#define PAM_NETNS_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the character that text begins with; 0 if they are not valid UTF-8 (RFC 3629). */
size_t character_length(const char *text);
/* The bytes of the control that text begins with; 0 if it begins with something else, or ends. */
size_t control_length(const char *text);
bool text_has_control(const char *text);
/* Puts one '?' in the place of each control. The text gets no longer. */
void text_replace_controls(char *text);

#endif
