/* The key limits of a profile: what all of a user's sessions may use together. */
#ifndef PAM_NETNS_CONF_LIMITS_H
#define PAM_NETNS_CONF_LIMITS_H

#include "conf/conf.h"

#define CONF_LIMIT_MAX 24 /* a limit's text, with its NUL */

const char *conf_limit_name(enum limit limit);
/* As in the conf file, without the name: "4G", "200%". value is not 0. */
void conf_limit_format(enum limit limit, uint64_t value, char text[CONF_LIMIT_MAX]);
static inline bool conf_limits_any(const struct limits *limits)
{
	const uint64_t *v = limits->values;

	return v[LIMIT_MEMORY] || v[LIMIT_CPU] || v[LIMIT_TASKS] || v[LIMIT_IO];
}

#endif
