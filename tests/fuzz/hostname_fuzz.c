/*
 * Host names: the template, a user's, a group's and the host's name, one a line. The result is a host name
 * (RFC 1123) for each user name. T19.
 */
#include <ctype.h>

#include "conf/conf.h"
#include "fuzz.h"

static void name_check(const char *name)
{
	size_t label = 0;

	if (strlen(name) >= CONF_HOSTNAME_MAX)
		abort();
	for (const char *c = name;; c++) {
		if (*c == '.' || !*c) {
			if (!label || label > 63 || c[-1] == '-')
				abort();
			label = 0;
			if (!*c)
				return;
			continue;
		}
		if (!isalnum((unsigned char)*c) && *c != '-')
			abort();
		if (*c == '-' && !label)
			abort();
		label++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char input[2048], *lines[4], *rest = input, out[CONF_HOSTNAME_MAX];
	struct profile profile = {0};
	bool host_is_kept;

	if (size >= sizeof(input) || memchr(data, '\0', size))
		return 0;
	memcpy(input, data, size);
	input[size] = '\0';
	for (int i = 0; i < 4; i++) {
		lines[i] = rest ? strsep(&rest, "\n") : input + size;
	}
	if (strlen(lines[0]) >= sizeof(profile.hostname))
		return 0;
	strcpy(profile.hostname, lines[0]);
	/* If the template is only %h, the host's own name is unchanged. */
	host_is_kept = !strcmp(lines[0], "%h");
	if (conf_hostname(&profile, lines[1], 4294967294U, lines[2], lines[3], out) == 0 &&
	    !(host_is_kept && !strcmp(out, lines[3])))
		name_check(out);
	return 0;
}
