/*
 * Parsers and printers of the kinds of value. target is the struct conf, network or profile of the
 * key's section.
 */
#ifndef PAM_NETNS_CONF_KIND_H
#define PAM_NETNS_CONF_KIND_H

#include "base/cleanup.h"
#include "conf/key.h"

/* 0, -EINVAL with *why, or -ENOMEM. */
typedef int conf_parser(const struct conf_key *key, void *target, const char *value,
			struct conf_reason *why);

conf_parser conf_key_parse MUST_CHECK;

/* The key's value in the form of the conf file: parsing it gives the same value.
 * NULL: out of memory. */
char *conf_key_print(const struct conf_key *key, const void *target) MUST_CHECK;

/* Place of a word among the key's words, or -1. */
int conf_word_index(const struct conf_key *key, const char *word);
/* The word at that place, and its length. NULL: there are fewer words. */
const char *conf_word(const struct conf_key *key, unsigned index, size_t *length);

#endif
