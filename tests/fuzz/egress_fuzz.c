/*
 * The grammar of egress and host_access, and the rules that they become: the first line of the input is
 * egress, the second host_access. Only what was parsed reaches nft.
 */
#include <ctype.h>

#include "conf/conf.h"
#include "fuzz.h"
#include "rules/ruleset.h"

static char conf_text[20000];

/* The next line of the input as a value of the conf. */
static void value_add(size_t *used, const char *key, const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t length = end ? (size_t)(end - *data) : *size;

	*used += (size_t)snprintf(conf_text + *used, sizeof(conf_text) - *used, "%s = %.*s\n", key,
				  (int)length, (const char *)*data);
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
}

static void rules_check(const struct conf *conf)
{
	struct network_state network = {.conf = &conf->networks[0],
					.name = "n",
					.bridge = "b0",
					.subnet = conf->networks[0].subnet,
					.bridges = 2};
	const struct network_state *networks = &network;
	const struct ruleset ruleset = {.networks = &networks, .networks_count = 1};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || ruleset_write(out, &ruleset) < 0 || fclose(out) != 0)
		abort();
	/* Only words of rules: no foreign quote, no escape, no control. */
	for (size_t i = 0; i < size; i++)
		if (!isprint((unsigned char)text[i]) && text[i] != '\n' && text[i] != '\t')
			abort();
	if (strchr(text, '$') || strchr(text, '`') || strstr(text, "include"))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf;
	size_t used;

	if (size > 8192)
		return 0;
	log_set_sink(log_check, NULL);
	used = (size_t)snprintf(conf_text, sizeof(conf_text),
				"[network n]\nbridge = b0\nsubnet = 10.9.0.0/16\nsubnet6 = none\n");
	value_add(&used, "egress", &data, &size);
	value_add(&used, "host_access", &data, &size);
	used += (size_t)snprintf(conf_text + used, sizeof(conf_text) - used,
				 "[profile p]\nmatch = *\nnetwork = n\n");
	if (conf_parse(conf_text, used, "fuzz", &conf) == 0)
		rules_check(conf);
	conf_free(conf);
	return 0;
}
