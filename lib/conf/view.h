/* The keys of [profile NAME] about paths that differ from the host's: hide, read_only, bind. */
#ifndef PAM_NETNS_CONF_VIEW_H
#define PAM_NETNS_CONF_VIEW_H

#include "conf/conf.h"
#include "conf/report.h"
#include "conf/text.h"
#include "conf/value.h"

#define CONF_PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"

/* One word, and those before it: 0, or -EINVAL with *why. */
int conf_hide_check(const char *word, char *const *others, size_t count,
		    struct conf_reason *why) MUST_CHECK;
int conf_read_only_check(const char *word, char *const *others, size_t count,
			 struct conf_reason *why) MUST_CHECK;
int conf_bind_check(const char *word, char *const *others, size_t count,
		    struct conf_reason *why) MUST_CHECK;
/* Reports paths that are in a private directory, which covers what the host has there. */
void conf_view_check(const struct conf_section *section, const struct profile *profile,
		     struct conf_report *report);
void conf_view_forget(struct profile *profile);

#endif
