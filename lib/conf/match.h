/* match = of a profile: the users that it is for. */
#ifndef PAM_NETNS_CONF_MATCH_H
#define PAM_NETNS_CONF_MATCH_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "conf/conf.h"
#include "conf/value.h"

enum match_kind { MATCH_ALL, MATCH_USER, MATCH_GROUP, MATCH_UIDS };

struct match {
	enum match_kind kind;
	char *name; /* of the user or group */
	uid_t first, last;
};

/* "root, @wheel, 1-999", "*". 0, -EINVAL with *why, -ENOMEM; the caller frees *out either way. */
int match_parse(const char *value, struct match **out, size_t *count,
		struct conf_reason *why) MUST_CHECK;
/* Can a user or group have the name, as identity_resolve() gives it? A blank is most often a
 * forgotten comma. */
bool match_name_valid(const char *name);
void match_free(struct match *matches, size_t count);
bool match_who(const struct match *match, const struct who *who);

#endif
