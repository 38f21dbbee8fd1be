/* The text of `nft list ruleset` as tables' chains, their rules as lines and words. */
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
	struct span hook; /* empty: no base chain */
	bool policy_drop;
	unsigned seen; /* while jumps are followed: 1 + whether every packet of ours got here */
};

struct chains {
	struct chain *chain;
	size_t count;
};

bool span_is(struct span s, const char *text);
/* Takes the next line, without surrounding blanks, off the rest. */
bool next_line(struct span *rest, struct span *line);
/* Takes the next word, a quoted string being one word with its quotes, off the rest. */
bool next_word(struct span *rest, struct span *word);

bool line_has(struct span line, const char *text);
/* The word after the first one of that name; an empty span if there is none. */
struct span line_after(struct span line, const char *name);
/*
 * The verdict of a rule that speaks of every packet ("accept", "drop", "reject", "jump", "goto"),
 * or empty where there is a condition. Counters and logs are none.
 */
struct span line_bare_verdict(struct span line);

/* All chains, pointing into the text; the caller frees chains->chain, also on error (-ENOMEM). */
int chains_read(const char *text, struct chains *chains) MUST_CHECK;
/* The chain of that name in the same table as from, or NULL. */
struct chain *chain_find(const struct chains *chains, const struct chain *from, struct span name);

#endif
