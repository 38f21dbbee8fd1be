/* Reads the text of `nft list ruleset`; see dump.h. */
#include "rules/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rules/ruleset.h"

bool span_is(struct span s, const char *text)
{
	return s.length == strlen(text) && !memcmp(s.at, text, s.length);
}

static bool span_equal(struct span a, struct span b)
{
	return a.length == b.length && !memcmp(a.at, b.at, a.length);
}

bool next_line(struct span *rest, struct span *line)
{
	const char *end;

	if (!rest->length)
		return false;
	end = memchr(rest->at, '\n', rest->length);
	line->at = rest->at;
	line->length = end ? (size_t)(end - rest->at) : rest->length;
	rest->at += line->length + (end ? 1 : 0);
	rest->length -= line->length + (end ? 1 : 0);
	while (line->length && strchr(" \t", *line->at)) {
		line->at++;
		line->length--;
	}
	while (line->length && strchr(" \t\r", line->at[line->length - 1]))
		line->length--;
	return true;
}

bool next_word(struct span *rest, struct span *word)
{
	while (rest->length && strchr(" \t,;", *rest->at)) {
		rest->at++;
		rest->length--;
	}
	if (!rest->length)
		return false;
	word->at = rest->at;
	word->length = 1;
	if (*rest->at == '"') {
		while (word->length < rest->length && word->at[word->length++] != '"')
			;
	} else {
		while (word->length < rest->length && !strchr(" \t,;", word->at[word->length]))
			word->length++;
	}
	rest->at += word->length;
	rest->length -= word->length;
	return true;
}

bool line_has(struct span line, const char *text)
{
	struct span word;

	while (next_word(&line, &word))
		if (span_is(word, text))
			return true;
	return false;
}

struct span line_after(struct span line, const char *name)
{
	struct span word;

	while (next_word(&line, &word))
		if (span_is(word, name) && next_word(&line, &word))
			return word;
	return (struct span){.at = ""};
}

/* How many levels of braces deeper is the end of the line, apart from strings? */
static int line_depth(struct span line)
{
	struct span word;
	int depth = 0;

	while (next_word(&line, &word)) {
		if (span_is(word, "{"))
			depth++;
		else if (span_is(word, "}"))
			depth--;
		else if (*word.at == '#')
			break;
	}
	return depth;
}

static bool word_is_one_of(struct span word, const char *const *list)
{
	while (*list)
		if (span_is(word, *list++))
			return true;
	return false;
}

struct span line_bare_verdict(struct span line)
{
	static const char *const verdicts[] = {"accept", "drop", "reject", "jump", "goto", NULL};
	static const char *const passed_over[] = {"packets", "bytes", "prefix",
						  "level",   "flags", NULL};
	struct span word;

	while (next_word(&line, &word)) {
		if (word_is_one_of(word, verdicts))
			return word;
		if (word_is_one_of(word, passed_over))
			next_word(&line, &word);
		else if (!span_is(word, "counter") && !span_is(word, "log"))
			break;
	}
	return (struct span){.at = ""};
}

/* Reads the first line of a base chain. */
static void chain_read_hook(struct chain *chain)
{
	struct span rest = chain->body, line;

	while (next_line(&rest, &line)) {
		if (!line_has(line, "hook") || !span_is(line_after(line, "type"), "filter"))
			continue;
		chain->hook = line_after(line, "hook");
		chain->policy_drop = span_is(line_after(line, "policy"), "drop");
		return;
	}
}

static int chains_add(struct chains *chains, const struct chain *chain)
{
	struct chain *grown = reallocarray(chains->chain, chains->count + 1, sizeof(*grown));

	if (!grown)
		return log_errno(ENOMEM, "read the rules of other firewalls");
	chains->chain = grown;
	grown[chains->count] = *chain;
	chain_read_hook(&grown[chains->count++]);
	return 0;
}

int chains_read(const char *text, struct chains *chains)
{
	struct span rest = {text, strlen(text)}, line, word;
	struct chain chain = {0};
	int depth = 0, change, err;

	while (next_line(&rest, &line)) {
		struct span words = line;

		change = line_depth(line);
		if (!depth && next_word(&words, &word) && span_is(word, "table")) {
			chain = (struct chain){0};
			next_word(&words, &chain.family);
			next_word(&words, &chain.table);
		} else if (depth == 1 && chain.table.length && next_word(&words, &word) &&
			   span_is(word, "chain") && next_word(&words, &chain.name)) {
			chain.body.at = rest.at;
		} else if (depth == 2 && change < 0 && chain.body.at) {
			chain.body.length = (size_t)(line.at - chain.body.at);
			err = chains_add(chains, &chain);
			if (err)
				return err;
			chain.body.at = NULL;
		}
		depth += change;
	}
	return 0;
}

struct chain *chain_find(const struct chains *chains, const struct chain *from, struct span name)
{
	for (size_t i = 0; i < chains->count; i++) {
		struct chain *chain = &chains->chain[i];

		if (span_equal(chain->name, name) && span_equal(chain->table, from->table) &&
		    span_equal(chain->family, from->family))
			return chain;
	}
	return NULL;
}

bool ruleset_forwards_ours_alone(const char *text, bool ipv6)
{
	const char *table = strstr(text, "table inet pam_netns {\n");
	const char *end = table ? strstr(table, "\n}") : NULL;
	const char *drop =
	    end ? strstr(table, ipv6 ? "meta nfproto ipv6 drop\n" : "meta nfproto ipv4 drop\n")
		: NULL;

	return drop && drop < end;
}
