/* [profile NAME] of the conf file. */
#ifndef PAM_NETNS_CONF_PROFILE_H
#define PAM_NETNS_CONF_PROFILE_H

#include "conf/conf.h"
#include "conf/key.h"

/* out is zeroed but for its name; its network is not looked up. 0 or -ENOMEM. */
int conf_profile_read(const struct conf_section *section, struct profile *out,
		      struct conf_report *report) MUST_CHECK;
void conf_profile_free(struct profile *profile);

#endif
