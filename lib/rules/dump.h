/* The text of `nft list ruleset`: chains of tables, with their rules as lines and words. */
#ifndef PAM_NETNS_RULESET_DUMP_H
#define PAM_NETNS_RULESET_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* A part of the text. */
struct span {
	const char *at;
	size_t length;
};

struct chain {
	struct span family, table, name;
	struct span body;
	struct span hook; /* empty: it is not a base chain */
	bool policy_drop;
	unsigned seen; /* while jumps are followed: 1 + does every packet of ours get here? */
};

struct chains {
	struct chain *chain;
	size_t count;
};

bool span_is(struct span s, const char *text);
/* Takes the next line, without surrounding blanks, from the rest. */
bool next_line(struct span *rest, struct span *line);
/* Takes the next word from the rest. A quoted string is one word, with its quotes. */
bool next_word(struct span *rest, struct span *word);

bool line_has(struct span line, const char *text);
/* The word after the first one with that name; an empty span if there is none. */
struct span line_after(struct span line, const char *name);
/*
 * The verdict of a rule about every packet ("accept", "drop", "reject", "jump", "goto"), or empty
 * if the rule has a condition. Counters and logs are no conditions.
 */
struct span line_bare_verdict(struct span line);

/* All chains; they point into the text. The caller frees chains->chain, after an
 * error too (-ENOMEM). */
int chains_read(const char *text, struct chains *chains) MUST_CHECK;
/* The chain with that name in the same table as from, or NULL. */
struct chain *chain_find(const struct chains *chains, const struct chain *from, struct span name);

#endif
