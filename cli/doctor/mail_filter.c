/* Mail filters that run programs of users; see mail.h. */
#include "mail.h"

#include <string.h>

static const char *const filters[] = {"procmail", "maildrop"};

const char *mail_filter(const char *text)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++)
		if (strstr(text, filters[i]))
			return filters[i];
	return NULL;
}
