/* The text of `nft list ruleset`, which contains other programs' rules and comments. */
#include "base/address.h"
#include "conf/conf.h"
#include "fuzz.h"
#include "rules/ruleset.h"

static void report(void *context, const char *what, const char *remedy)
{
	unsigned *lines = context;

	++*lines;
	/* A command that an administrator types: one line of text. */
	if (!*what || strchr(what, '\n') || !*remedy || strchr(remedy, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct network network = {
	    .name = "n", .bridge = "pnbr0", .host_dns = true, .host_icmp = true};
	char *text = malloc(size + 1);
	unsigned lines = 0;
	int result;

	if (!text || prefix_parse("10.9.0.0/16", &network.subnet) < 0)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	result = ruleset_foreign(text, &network, 2, report, &lines);
	if (result >= 0 && (unsigned)result > lines)
		abort();
	(void)ruleset_foreign_input(text, &network, 2, report, &lines);
	free(text);
	return 0;
}
