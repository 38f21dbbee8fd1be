/* The texts of the conf file's keys, which only the command has: columns of conf/keys.def. */
#ifndef PAM_NETNS_KEYS_H
#define PAM_NETNS_KEYS_H

#include "conf/key.h"

/*
 * pam-netns --keys, for the manual's list and the tests. A line a key, with tabs between: section,
 * name, values, default ("" if the key must be given), sentence, limits ("" if there are none), and
 * what its words mean, "WORD: MEANING|WORD: MEANING" ("" if the sentence and the manual's text do).
 */
int keys_list(void);

#define KEY_WORDS_MAX 3

struct subject;

extern const struct key_text {
	const char *sentence;
	const char *says[KEY_WORDS_MAX]; /* what each of the key's words means */
	/* Tells of the key in pam-netns explain; NULL: its value and what that means is enough. */
	void (*tell)(const struct subject *subject);
} key_texts[CONF_KEYS_COUNT];

#endif
