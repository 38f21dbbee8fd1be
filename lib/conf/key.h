/* The table of all keys (conf/keys.def), and the function that reads a section by it. */
#ifndef PAM_NETNS_CONF_KEY_H
#define PAM_NETNS_CONF_KEY_H

#include "base/cleanup.h"
#include "conf/report.h"
#include "conf/text.h"
#include "conf/value.h"

enum conf_section_kind { CONF_DEFAULTS, CONF_NETWORK, CONF_PROFILE };

/* Index of a key in conf_keys. */
enum conf_key_id {
#define KEY(section, name, ...) KEY_##name,
#include "conf/keys.def"
#undef KEY
	CONF_KEYS_COUNT
};

/* What a value looks like. conf/kind.c has a parser, conf/print.c a printer of each. */
enum value_kind {
	VALUE_BOOL, /* yes or no */
	/* One of .words. The field, an enum or a bool, is the word's index. */
	VALUE_WORD,
	/* .min to .max; .words may have a word for 0. unsigned */
	VALUE_NUMBER,
	/* "10s" or "1500ms", .min to .max milliseconds. unsigned */
	VALUE_TIME,
	/* "10%" or "512M". uint64_t of bytes, also: unsigned percent */
	VALUE_SIZE,
	/* Of .min to .max bits; .words by enum conf_source. struct prefix, also: enum conf_source
	 */
	VALUE_PREFIX,
	VALUE_PREFIX6,
	/* "none", or .max words at most. char **, also: size_t of their count */
	VALUE_SERVICES,
	VALUE_DIRECTORIES,
	VALUE_HIDE,
	VALUE_READ_ONLY,
	VALUE_BIND,
	/* A network's name. char[CONF_NAME_MAX] */
	VALUE_NAME,
	/* One key each: the functions know the struct. */
	VALUE_BRIDGE,
	VALUE_NAT,
	VALUE_HOST_ACCESS,
	VALUE_EGRESS,
	VALUE_DNS,
	VALUE_RATE,
	VALUE_MATCH,
	VALUE_NAMESPACES,
	VALUE_PROCESSES,
	VALUE_HOSTNAME,
	VALUE_LIMITS,
	VALUE_ROOT,
	VALUE_KINDS
};

/* The profiles that a key has an effect in. */
enum conf_only { CONF_ALL_PROFILES, CONF_ISOLATED, CONF_ON_HOST };

/* Without pointers: the table needs no relocation, which would cost each start of the helper. */
struct conf_key {
	char name[20];
	uint8_t section;       /* enum conf_section_kind */
	uint8_t kind;	       /* enum value_kind */
	uint8_t size;	       /* of the field */
	uint8_t only;	       /* enum conf_only */
	uint16_t offset, also; /* of the field, and of the one that goes with it */
	unsigned needs;	       /* namespaces without which the key has no effect */
	unsigned min, max;
	char fallback[72]; /* the value if the key is not given; "": it must be given */
	char words[24];	   /* that can replace the value, with a blank between them; "": none */
};

extern const struct conf_key conf_keys[CONF_KEYS_COUNT];

/*
 * Sets all keys of the section's kind in target, each once. Unknown, repeated and missing keys and
 * bad values go to report; their fields stay zero. Returns 0 or -ENOMEM.
 */
int conf_section_read(const struct conf_section *section, enum conf_section_kind kind, void *target,
		      struct conf_report *report) MUST_CHECK;

/* The place of a key: its line and value, or the section's line and no value if it is not given. */
struct conf_place conf_section_place(const struct conf_section *section, const char *key);

#endif
