/* The texts of the conf file's keys; see keys.h. */
#include "keys.h"

#include "command.h"
#include "conf/kind.h"
#include "explain.h"

#define SAYS(...)					    .says = {__VA_ARGS__}
#define TOLD(function)					    .tell = (function)
#define KEY(section, name, otherwise, text, explained, ...) [KEY_##name] = {(text), explained},

const struct key_text key_texts[CONF_KEYS_COUNT] = {
#include "conf/keys.def"
};

/* What a value can be beside the key's words. */
static const char *const forms[VALUE_KINDS] = {
    [VALUE_NUMBER] = "NUMBER",
    [VALUE_TIME] = "TIME",
    [VALUE_SIZE] = "NUMBER% | SIZE",
    [VALUE_PREFIX] = "ADDRESS/LENGTH",
    [VALUE_PREFIX6] = "ADDRESS/LENGTH",
    [VALUE_SERVICES] = "SERVICE...",
    [VALUE_DIRECTORIES] = "DIRECTORY...",
    [VALUE_HIDE] = "[?]PATH...",
    [VALUE_READ_ONLY] = "[?]PATH...",
    [VALUE_BIND] = "[?]SOURCE[:TARGET][:ro]...",
    [VALUE_NAME] = "NAME",
    [VALUE_BRIDGE] = "NAME",
    [VALUE_NAT] = "ADDRESS...",
    [VALUE_HOST_ACCESS] = "WHAT...",
    [VALUE_EGRESS] = "RULE, ...",
    [VALUE_DNS] = "ADDRESS...",
    [VALUE_RATE] = "NUMBER/second burst NUMBER",
    [VALUE_MATCH] = "ITEM, ...",
    [VALUE_NAMESPACES] = "NAMESPACE...",
    [VALUE_PROCESSES] = "own GROUP",
    [VALUE_HOSTNAME] = "TEMPLATE",
    [VALUE_LIMITS] = "LIMITS",
    [VALUE_ROOT] = "[image:]DIRECTORY",
};

static void values_print(const struct conf_key *key)
{
	const char *word, *between = "";
	size_t length;

	for (unsigned i = 0; (word = conf_word(key, i, &length)); i++) {
		printf("%s%.*s", between, (int)length, word);
		between = " | ";
	}
	if (forms[key->kind])
		printf("%s%s", between, forms[key->kind]);
}

static void limits_print(const struct conf_key *key)
{
	switch ((enum value_kind)key->kind) {
	case VALUE_NUMBER:
		printf("The number is from %u to %u.", key->min, key->max);
		break;
	case VALUE_TIME:
		printf("The time is from %us to %us; milliseconds are written as 1500ms.",
		       key->min / 1000, key->max / 1000);
		break;
	case VALUE_PREFIX:
	case VALUE_PREFIX6:
		printf("The length is from %u to %u.", key->min, key->max);
		break;
	case VALUE_DIRECTORIES:
		printf("At most %u directories.", key->max);
		break;
	case VALUE_HIDE:
	case VALUE_READ_ONLY:
		printf("At most %u paths.", key->max);
		break;
	case VALUE_BRIDGE:
		printf("At most %u characters.", key->max);
		break;
	case VALUE_DNS:
		printf("At most %u addresses.", key->max);
		break;
	case VALUE_SIZE:
		printf(
		    "A share is from 1%% to 100%% of memory; a size has K, M or G, such as 512M.");
		break;
	default:
		break;
	}
}

static void words_print(enum conf_key_id id)
{
	const char *word;
	size_t length;

	for (unsigned i = 0; (word = conf_word(&conf_keys[id], i, &length)); i++)
		if (key_texts[id].says[i])
			printf("%s%.*s: %s", i ? "|" : "", (int)length, word,
			       key_texts[id].says[i]);
}

int keys_list(void)
{
	static const char *const sections[] = {
	    [CONF_DEFAULTS] = "defaults", [CONF_NETWORK] = "network", [CONF_PROFILE] = "profile"};

	for (enum conf_key_id i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];

		printf("%s\t%s\t", sections[key->section], key->name);
		values_print(key);
		printf("\t%s\t%s\t", key->fallback, key_texts[i].sentence);
		limits_print(key);
		putchar('\t');
		words_print(i);
		putchar('\n');
	}
	return STATUS_FINE;
}
