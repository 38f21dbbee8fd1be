/* User ids as text. See uid.h. */
#include "base/uid.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *uid_format(uid_t uid, char text[UID_TEXT_MAX])
{
	snprintf(text, UID_TEXT_MAX, "%u", uid);
	return text;
}

bool uid_parse(const char *text, uid_t *out)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number = 0;

	if (digits < 1 || digits >= UID_TEXT_MAX || text[digits] || (digits > 1 && *text == '0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (unsigned)(text[i] - '0');
	if (number >= UINT32_MAX)
		return false;
	*out = (uid_t)number;
	return true;
}
