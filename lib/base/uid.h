/* User ids as text: decimal, without sign, space or leading zero. (uid_t)-1 belongs to no user. */
#ifndef PAM_NETNS_UID_H
#define PAM_NETNS_UID_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UID_TEXT_MAX 11 /* with its NUL */

const char *uid_format(uid_t uid, char text[UID_TEXT_MAX]);
/* Accepts only text that uid_format() writes. */
bool uid_parse(const char *text, uid_t *out);

#endif
