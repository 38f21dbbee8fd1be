/* The grammars of the conf file's values; see conf/value.h. */
#include "conf/value.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/report.h"

#define BLANKS	"\t "
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

int conf_wrong(struct conf_reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return -EINVAL;
}

void conf_words_free(struct conf_words *words)
{
	free(words->text);
	free(words->words);
	*words = (struct conf_words){0};
}

/* A copy of the value, and room for the largest number of words that it can have. */
static int words_begin(const char *value, struct conf_words *out)
{
	size_t room = 1;

	for (const char *c = value; *c; c++)
		room += strchr(BLANKS ",", *c) != NULL;
	*out = (struct conf_words){0};
	out->text = strdup(value);
	out->words = calloc(room, sizeof(*out->words));
	return out->text && out->words ? 0 : -ENOMEM;
}

int conf_words_split(const char *value, struct conf_words *out)
{
	char *state, *word;
	int error = words_begin(value, out);

	if (error)
		return error;
	for (word = strtok_r(out->text, BLANKS ",", &state); word;
	     word = strtok_r(NULL, BLANKS ",", &state))
		out->words[out->count++] = word;
	return 0;
}

int conf_items_split(const char *value, struct conf_words *out)
{
	char *rest, *item;
	int error = words_begin(value, out);

	if (error)
		return error;
	rest = out->text;
	while ((item = strsep(&rest, ","))) {
		size_t length;

		item += strspn(item, BLANKS);
		for (length = strlen(item); length && strchr(BLANKS, item[length - 1]); length--)
			item[length - 1] = '\0';
		out->words[out->count++] = item;
	}
	return 0;
}

const char *conf_number(const char *text, uint64_t max, uint64_t *out)
{
	const char *end = text + strspn(text, DIGITS);

	*out = 0;
	if (text == end)
		return NULL;
	for (; text < end; text++) {
		*out = *out * 10 + (uint64_t)(*text - '0');
		if (*out > max)
			return NULL;
	}
	return end;
}

bool conf_digits(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t number;
	const char *end = conf_number(text, max, &number);

	if (!end || *end)
		return false;
	*out = number;
	return true;
}

bool conf_path_normal(const char *path)
{
	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (!length || (length == 1 && *path == '.') ||
		    (length == 2 && !strncmp(path, "..", 2)))
			return false;
		path += length;
	}
	return true;
}

int conf_value_name(const char *value, char out[CONF_NAME_MAX], struct conf_reason *why)
{
	if (!*value)
		return conf_wrong(why, "a name is missing");
	if (strlen(value) >= CONF_NAME_MAX)
		return conf_wrong(why, "the name has more than %d characters", CONF_NAME_MAX - 1);
	/* The name becomes part of file names and of nftables identifiers. */
	if (!strchr(LETTERS, value[0]) || value[strspn(value, LETTERS DIGITS "_-")])
		return conf_wrong(
		    why, "a name begins with a letter, and has letters, digits, '_' and '-'");
	strcpy(out, value);
	return 0;
}

static bool port_parse(const char *text, uint16_t *out)
{
	uint64_t number;

	if (!conf_digits(text, UINT16_MAX, &number) || !number)
		return false;
	*out = (uint16_t)number;
	return true;
}

int conf_value_port_rule(const char *word, struct port_rule *out, struct conf_reason *why)
{
	char ports[12], shown[64];
	char *dash;

	conf_printable(word, shown, sizeof(shown));
	if (!strncmp(word, "tcp/", 4))
		out->protocol = IPPROTO_TCP;
	else if (!strncmp(word, "udp/", 4))
		out->protocol = IPPROTO_UDP;
	else
		return conf_wrong(why, "'%s' must be tcp/PORT or udp/PORT", shown);
	if (strlen(word + 4) >= sizeof(ports))
		return conf_wrong(why, "'%s' must have a port from 1 to 65535", shown);
	strcpy(ports, word + 4);
	dash = strchr(ports, '-');
	if (dash)
		*dash = '\0';
	if (!port_parse(ports, &out->first) || !port_parse(dash ? dash + 1 : ports, &out->last))
		return conf_wrong(why,
				  "'%s' must have a port from 1 to 65535, or a range such as "
				  "tcp/8000-8080",
				  shown);
	if (out->first > out->last)
		return conf_wrong(why,
				  "'%s' is a range that ends before it begins; write %.4s%u-%u",
				  shown, word, out->last, out->first);
	return 0;
}

/* Addresses that no user can have and no packet can be sent to, with the reason. */
struct special {
	char prefix[16];
	char what[56];
};

static const struct special specials[] = {
    {"0.0.0.0/8", "is not an address of a host (0.0.0.0/8)"},
    {"127.0.0.0/8", "is loopback (127.0.0.0/8), which is each user's own"},
    {"169.254.0.0/16", "is link-local (169.254.0.0/16)"},
    {"224.0.0.0/4", "is multicast (224.0.0.0/4)"},
    {"240.0.0.0/4", "is reserved (240.0.0.0/4)"},
    {"::/128", "is not an address of a host (::)"},
    {"::1/128", "is loopback (::1), which is each user's own"},
    {"::ffff:0:0/96", "is an IPv4 address in IPv6 form (::ffff:0:0/96)"},
    {"fe80::/10", "is link-local (fe80::/10)"},
    {"ff00::/8", "is multicast (ff00::/8)"},
};

/* The special range that overlaps a prefix, or NULL. */
static const struct special *special_find(const struct prefix *prefix)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		struct prefix special;

		if (!prefix_parse(specials[i].prefix, &special) &&
		    prefix_overlaps(prefix, &special))
			return &specials[i];
	}
	return NULL;
}

int conf_value_address(const char *word, struct address *out, struct conf_reason *why)
{
	const struct special *special;
	struct prefix prefix;
	char shown[64];

	conf_printable(word, shown, sizeof(shown));
	if (address_parse(word, out))
		return conf_wrong(why, "'%s' is not an IPv4 or IPv6 address", shown);
	prefix = (struct prefix){.address = *out, .length = (unsigned)address_size(out) * 8};
	special = special_find(&prefix);
	if (special)
		return conf_wrong(why,
				  "'%s' %s; give an address that the host reaches over its "
				  "network",
				  shown, special->what);
	return 0;
}

/* A prefix, or a bare address as the prefix of only that address. max 0: as long as the address. */
static int prefix_read(const char *word, unsigned min, unsigned max, struct prefix *out,
		       struct conf_reason *why)
{
	char shown[64], text[ADDRESS_TEXT_MAX];
	const char *slash = strchr(word, '/');
	uint64_t length;

	conf_printable(word, shown, sizeof(shown));
	if (!slash && !address_parse(word, &out->address)) {
		out->length = (unsigned)address_size(&out->address) * 8;
		return 0;
	}
	if (!prefix_parse(word, out))
		return 0;
	/* Most often the host bits are wrong: the message gives the prefix that was meant. */
	if (!slash || (size_t)(slash - word) >= sizeof(text))
		return conf_wrong(why, "'%s' is not ADDRESS/LENGTH", shown);
	memcpy(text, word, (size_t)(slash - word));
	text[slash - word] = '\0';
	if (address_parse(text, &out->address))
		return conf_wrong(why, "'%s' is not ADDRESS/LENGTH", shown);
	if (!conf_digits(slash + 1, address_size(&out->address) * 8, &length))
		return conf_wrong(why, "'%s' must have a length from /%u to /%u", shown, min,
				  max ? max : (unsigned)address_size(&out->address) * 8);
	out->length = (unsigned)length;
	for (size_t bit = out->length; bit < address_size(&out->address) * 8; bit++)
		out->address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return conf_wrong(why, "'%s' has bits set after its length; write %s", shown,
			  prefix_format(out, text));
}

static int subnet_read(const char *word, int family, unsigned min, unsigned max, struct prefix *out,
		       struct conf_reason *why)
{
	const struct special *special;
	char shown[64];
	int error;

	conf_printable(word, shown, sizeof(shown));
	if (!strchr(word, '/'))
		return conf_wrong(why, "must be ADDRESS/LENGTH, such as %s, or auto%s",
				  family == AF_INET ? "10.203.0.0/16" : "fd12:3456:789a::/64",
				  family == AF_INET ? "" : " or none");
	error = prefix_read(word, min, max, out, why);
	if (error)
		return error;
	if (out->address.family != family)
		return conf_wrong(
		    why, "'%s' is of the other family; subnet takes IPv4, subnet6 takes IPv6",
		    shown);
	if (out->length < min || out->length > max)
		return conf_wrong(why, "'%s' must have a length from /%u to /%u", shown, min, max);
	special = special_find(out);
	if (special)
		return conf_wrong(why, "%s; use private addresses such as %s", special->what,
				  family == AF_INET ? "10.203.0.0/16" : "fd12:3456:789a::/64");
	return 0;
}

int conf_value_subnet(const char *word, int family, unsigned min, unsigned max, struct prefix *out,
		      struct conf_reason *why)
{
	int error = subnet_read(word, family, min, max, out, why);

	/* A partly read prefix would be compared with others. */
	if (error)
		*out = (struct prefix){0};
	return error;
}

static int egress_rule_parse(const char *item, struct egress_rule *rule, struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	char shown[64];
	size_t i = 1;
	int error = conf_words_split(item, &words);

	if (error)
		return error;
	conf_printable(item, shown, sizeof(shown));
	*rule = (struct egress_rule){0};
	if (!words.count)
		return conf_wrong(why,
				  "a rule between commas is empty; write allow or deny, then what");
	rule->allow = !strcmp(words.words[0], "allow");
	if (!rule->allow && strcmp(words.words[0], "deny") != 0)
		return conf_wrong(why,
				  "'%s' must begin with allow or deny (or the value be any or "
				  "none)",
				  shown);
	if (i < words.count &&
	    (!strncmp(words.words[i], "tcp", 3) || !strncmp(words.words[i], "udp", 3))) {
		error = conf_value_port_rule(words.words[i++], &rule->port, why);
		if (error)
			return error;
	}
	if (i < words.count && !strcmp(words.words[i], "any")) {
		i++;
	} else if (i < words.count) {
		error = prefix_read(words.words[i++], 0, 0, &rule->destination, why);
		if (error)
			return error;
	}
	if (i < words.count)
		return conf_wrong(
		    why, "'%s' has more words after its destination; put a comma between rules",
		    shown);
	return 0;
}

int conf_value_egress(const char *value, struct egress_rule **out, size_t *count,
		      struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words items = {0};
	CLEANUP_FREE struct egress_rule *rules = NULL;
	int error;

	if (!strcmp(value, "none"))
		return 0;
	error = conf_items_split(strcmp(value, "any") ? value : "allow any", &items);
	if (error)
		return error;
	rules = calloc(items.count, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < items.count; i++) {
		error = egress_rule_parse(items.words[i], &rules[i], why);
		if (error)
			return error;
	}
	*out = rules;
	*count = items.count;
	rules = NULL;
	return 0;
}
