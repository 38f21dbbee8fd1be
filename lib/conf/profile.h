/* [profile NAME] of the conf file. */
#ifndef PAM_NETNS_CONF_PROFILE_H
#define PAM_NETNS_CONF_PROFILE_H

#include "conf/conf.h"
#include "conf/kind.h"

conf_parser conf_limits_parse, conf_namespaces_parse, conf_hostname_parse, conf_processes_parse,
    conf_root_parse;
/* Can a user have that directory privately, together with the others? 0, or -EINVAL with *why. */
int conf_directory_check(const char *dir, char *const *others, size_t count,
			 struct conf_reason *why) MUST_CHECK;
/* The first namespace that the key needs and a profile with these lacks; NULL: none. */
const char *conf_key_lacks(const struct conf_key *key, unsigned namespaces);

/* out is zero except for its name; its network is not looked up yet. 0 or -ENOMEM. */
int conf_profile_read(const struct conf_section *section, struct profile *out,
		      struct conf_report *report) MUST_CHECK;
void conf_profile_free(struct profile *profile);

#endif
