/* hostname = of a profile: the template and its expansion. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HOST_CHARS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
#define LABEL_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
#define LABEL_MAX   63
#define RAW_MAX	    1024 /* a template, and the values of its escapes */

/* A name that is being built. Text that does not fit is dropped, but
 * LABEL_MAX cuts much earlier. */
struct raw {
	char text[RAW_MAX];
	size_t length;
};

/* Adds at most limit bytes of text. Bytes that are not in allowed become '-'. */
static void raw_add(struct raw *raw, const char *text, size_t limit, const char *allowed)
{
	for (size_t i = 0; i < limit && text[i] && raw->length + 1 < sizeof(raw->text); i++)
		raw->text[raw->length++] = strchr(allowed, text[i]) ? text[i] : '-';
}

/* A label without '-' at its ends and of at most 63 characters; returns its length. */
static size_t label_trim(const char **label, size_t length)
{
	while (length && **label == '-') {
		(*label)++;
		length--;
	}
	if (length > LABEL_MAX)
		length = LABEL_MAX;
	while (length && (*label)[length - 1] == '-')
		length--;
	return length;
}

/* Joins the remaining labels, as many as fit. */
static void labels_join(const char *raw, char out[CONF_HOSTNAME_MAX])
{
	size_t used = 0;

	while (*raw) {
		size_t span = strcspn(raw, ".");
		const char *label = raw;
		size_t length = label_trim(&label, span);

		raw += span + (raw[span] == '.');
		if (!length || used + (used > 0) + length >= CONF_HOSTNAME_MAX)
			continue;
		if (used)
			out[used++] = '.';
		memcpy(out + used, label, length);
		used += length;
	}
	out[used] = '\0';
}

int conf_hostname(const struct profile *profile, const char *user, uid_t uid, const char *group,
		  const char *host, char out[CONF_HOSTNAME_MAX])
{
	const char *template = profile->hostname;
	struct raw raw = {0};
	char number[16];

	out[0] = '\0';
	/* The host's name as it is, which sudo, mail and prompts know. */
	if (!strcmp(template, "%h") && *host && strlen(host) < CONF_HOSTNAME_MAX &&
	    !host[strspn(host, HOST_CHARS "_")]) {
		strcpy(out, host);
		return 0;
	}
	snprintf(number, sizeof(number), "%u", uid);
	for (const char *c = template; *c; c++) {
		if (*c != '%') {
			raw_add(&raw, c, 1, HOST_CHARS);
			continue;
		}
		switch (*++c) {
		case 'u':
			raw_add(&raw, user, LABEL_MAX, LABEL_CHARS);
			break;
		case 'U':
			raw_add(&raw, number, LABEL_MAX, LABEL_CHARS);
			break;
		case 'g':
			raw_add(&raw, group, LABEL_MAX, LABEL_CHARS);
			break;
		case 'h':
			raw_add(&raw, host, strcmp(template, "%h") ? strcspn(host, ".") : SIZE_MAX,
				HOST_CHARS);
			break;
		case '%': /* no host name may have one */
			raw_add(&raw, "-", 1, LABEL_CHARS);
			break;
		default:
			return -EINVAL;
		}
	}
	labels_join(raw.text, out);
	return *out ? 0 : -EINVAL;
}
