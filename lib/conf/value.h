/*
 * The grammars of the conf file's values. Every reader returns 0, -EINVAL with *why (the error and
 * a correction), or -ENOMEM.
 */
#ifndef PAM_NETNS_CONF_VALUE_H
#define PAM_NETNS_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "conf/conf.h"

struct conf_reason {
	char text[384];
};

/* Sets *why and returns -EINVAL. */
int conf_wrong(struct conf_reason *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The words of a value; text has the memory of all. The caller frees both: conf_words_free(). */
struct conf_words {
	char *text;
	char **words;
	size_t count;
};

/* Splits at blanks and commas; there are no empty words. */
int conf_words_split(const char *value, struct conf_words *out) MUST_CHECK;
/* Splits only at commas, and trims each item; an item may be empty. */
int conf_items_split(const char *value, struct conf_words *out) MUST_CHECK;
void conf_words_free(struct conf_words *words);
#define CLEANUP_WORDS __attribute__((cleanup(conf_words_free)))

/* Decimal digits, of a number of at most max: what follows them. NULL: there is no such number. */
const char *conf_number(const char *text, uint64_t max, uint64_t *out) MUST_CHECK;
/* Only digits. */
bool conf_digits(const char *text, uint64_t max, uint64_t *out);

/* Is it absolute, without '.', '..', '//' and a '/' at its end? */
bool conf_path_normal(const char *path);

/* A network's or profile's name. */
int conf_value_name(const char *value, char out[CONF_NAME_MAX], struct conf_reason *why) MUST_CHECK;
/* "tcp/443", "udp/60000-61000". */
int conf_value_port_rule(const char *word, struct port_rule *out,
			 struct conf_reason *why) MUST_CHECK;
/* An address that packets can be sent to: no loopback, multicast, link-local or unspecified one. */
int conf_value_address(const char *word, struct address *out, struct conf_reason *why) MUST_CHECK;
/* A prefix of min to max bits that users' addresses may come from. */
int conf_value_subnet(const char *word, int family, unsigned min, unsigned max, struct prefix *out,
		      struct conf_reason *why) MUST_CHECK;
/* "any", "none", or rules: "allow|deny [tcp/PORT[-PORT]|udp/…] [ADDRESS[/LENGTH]|any], …". */
int conf_value_egress(const char *value, struct egress_rule **out, size_t *count,
		      struct conf_reason *why) MUST_CHECK;

#endif
