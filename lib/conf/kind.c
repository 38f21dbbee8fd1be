/* Parsers of the kinds of value; see conf/kind.h. */
#include "conf/kind.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "conf/match.h"
#include "conf/network.h"
#include "conf/profile.h"
#include "conf/view.h"

#define SERVICE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+@-"

static void *field(const struct conf_key *key, void *target)
{
	return (char *)target + key->offset;
}

static void *field_also(const struct conf_key *key, void *target)
{
	return (char *)target + key->also;
}

const char *conf_word(const struct conf_key *key, unsigned index, size_t *length)
{
	const char *word = key->words;

	for (; *word && index; index--) {
		word += strcspn(word, " ");
		word += *word == ' ';
	}
	*length = strcspn(word, " ");
	return *length ? word : NULL;
}

int conf_word_index(const struct conf_key *key, const char *word)
{
	const char *known;
	size_t length;

	for (unsigned i = 0; (known = conf_word(key, i, &length)); i++)
		if (strlen(word) == length && !memcmp(word, known, length))
			return (int)i;
	return -1;
}

/* "must be no, yes or group". */
static int word_wrong(const struct conf_key *key, struct conf_reason *why)
{
	size_t length, next, used;
	const char *word;

	if (!conf_word(key, 1, &next))
		return conf_wrong(why, "is not supported by this version; write %s", key->words);
	conf_wrong(why, "must be");
	for (unsigned i = 0; (word = conf_word(key, i, &length)); i++) {
		const char *between = !i ? "" : conf_word(key, i + 1, &next) ? "," : " or";

		used = strlen(why->text);
		snprintf(why->text + used, sizeof(why->text) - used, "%s %.*s", between,
			 (int)length, word);
	}
	return -EINVAL;
}

static int word_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	int index = conf_word_index(key, value);
	const unsigned number = (unsigned)index;

	if (index < 0)
		return word_wrong(key, why);
	if (key->kind == VALUE_BOOL)
		*(bool *)field(key, target) = index == 0;
	else if (key->size == sizeof(bool))
		*(bool *)field(key, target) = index == 1;
	else
		memcpy(field(key, target), &number, sizeof(number));
	return 0;
}

static int number_parse(const struct conf_key *key, void *target, const char *value,
			struct conf_reason *why)
{
	unsigned *out = field(key, target);
	uint64_t number;

	if (!conf_word_index(key, value)) {
		*out = 0;
		return 0;
	}
	if (!conf_digits(value, key->max, &number) || number < key->min)
		return conf_wrong(why, "must be %s%sa number from %u to %u", key->words,
				  *key->words ? " or " : "", key->min, key->max);
	*out = (unsigned)number;
	return 0;
}

static int time_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	unsigned *out = field(key, target);
	uint64_t count;
	const char *unit = conf_number(value, key->max, &count);
	bool seconds = unit && !strcmp(unit, "s");

	if (unit && !*unit)
		return conf_wrong(why, "has no unit; write it as 10s or 1500ms");
	if (!unit || (!seconds && strcmp(unit, "ms") != 0) ||
	    count * (seconds ? 1000 : 1) < key->min || count * (seconds ? 1000 : 1) > key->max)
		return conf_wrong(why, "must be a time from %us to %us, such as 10s or 1500ms",
				  key->min / 1000, key->max / 1000);
	*out = (unsigned)count * (seconds ? 1000 : 1);
	return 0;
}

/* "25%" of memory, "512M", or "auto", which leaves both at 0. */
static int size_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	static const char units[] = "%KMG";
	unsigned *percent = field_also(key, target);
	uint64_t *bytes = field(key, target);
	uint64_t count;
	const char *end = conf_number(value, 1 << 30, &count);
	const char *unit = end && *end ? strchr(units, *end) : NULL;

	if (!conf_word_index(key, value))
		return 0;
	if (!unit || end[1] || !count || (*unit == '%' && count > 100))
		return conf_wrong(
		    why, "must be auto, a share of memory from 1%% to 100%%, or a size with "
			 "K, M or G, such as 512M");
	if (*unit == '%')
		*percent = (unsigned)count;
	else
		*bytes = count << (10 * (unit - units));
	return 0;
}

static int prefix_parse_by(const struct conf_key *key, void *target, const char *value,
			   struct conf_reason *why)
{
	enum conf_source *source = field_also(key, target);
	int index = conf_word_index(key, value);

	*source = !index ? SOURCE_AUTO : index > 0 ? SOURCE_NONE : SOURCE_GIVEN;
	if (*source != SOURCE_GIVEN)
		return 0;
	return conf_value_subnet(value, key->kind == VALUE_PREFIX ? AF_INET : AF_INET6, key->min,
				 key->max, field(key, target), why);
}

static int service_check(const char *word, char *const *others, size_t count,
			 struct conf_reason *why)
{
	(void)others;
	(void)count;
	if (word[strspn(word, SERVICE_CHARS)])
		return conf_wrong(why, "must be none, or names of PAM services, which are files "
				       "of /etc/pam.d");
	return 0;
}

/* What the words of a list are, and the function that checks one against those before it. */
static const struct {
	const char *what;
	int (*check)(const char *word, char *const *others, size_t count, struct conf_reason *why);
} lists[VALUE_KINDS] = {
    [VALUE_SERVICES] = {"PAM services", service_check},
    [VALUE_DIRECTORIES] = {"directories", conf_directory_check},
    [VALUE_HIDE] = {"paths", conf_hide_check},
    [VALUE_READ_ONLY] = {"paths", conf_read_only_check},
    [VALUE_BIND] = {"mounts", conf_bind_check},
};

/* Words, each compared with those before it. Words before an error stay in target. */
static int list_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	char ***list = field(key, target);
	size_t *count = field_also(key, target);
	int error;

	if (!conf_word_index(key, value))
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (!words.count || words.count > key->max)
		return conf_wrong(why, "must be none, or from 1 to %u %s", key->max,
				  lists[key->kind].what);
	*list = calloc(words.count, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < words.count; i++) {
		error = lists[key->kind].check(words.words[i], *list, *count, why);
		if (error)
			return error;
		(*list)[i] = strdup(words.words[i]);
		if (!(*list)[i])
			return -ENOMEM;
		++*count;
	}
	return 0;
}

static int name_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	return conf_value_name(value, field(key, target), why);
}

static int egress_parse(const struct conf_key *key, void *target, const char *value,
			struct conf_reason *why)
{
	struct network *network = target;

	(void)key;
	return conf_value_egress(value, &network->egress, &network->egress_count, why);
}

static int match_parse_by(const struct conf_key *key, void *target, const char *value,
			  struct conf_reason *why)
{
	struct profile *profile = target;

	(void)key;
	return match_parse(value, &profile->match, &profile->match_count, why);
}

static conf_parser *const parsers[VALUE_KINDS] = {
    [VALUE_BOOL] = word_parse,
    [VALUE_WORD] = word_parse,
    [VALUE_NUMBER] = number_parse,
    [VALUE_TIME] = time_parse,
    [VALUE_SIZE] = size_parse,
    [VALUE_PREFIX] = prefix_parse_by,
    [VALUE_PREFIX6] = prefix_parse_by,
    [VALUE_SERVICES] = list_parse,
    [VALUE_DIRECTORIES] = list_parse,
    [VALUE_HIDE] = list_parse,
    [VALUE_READ_ONLY] = list_parse,
    [VALUE_BIND] = list_parse,
    [VALUE_NAME] = name_parse,
    [VALUE_BRIDGE] = conf_bridge_parse,
    [VALUE_NAT] = conf_nat_parse,
    [VALUE_HOST_ACCESS] = conf_host_access_parse,
    [VALUE_EGRESS] = egress_parse,
    [VALUE_DNS] = conf_dns_parse,
    [VALUE_RATE] = conf_rate_parse,
    [VALUE_MATCH] = match_parse_by,
    [VALUE_NAMESPACES] = conf_namespaces_parse,
    [VALUE_PROCESSES] = conf_processes_parse,
    [VALUE_HOSTNAME] = conf_hostname_parse,
    [VALUE_LIMITS] = conf_limits_parse,
    [VALUE_ROOT] = conf_root_parse,
};

int conf_key_parse(const struct conf_key *key, void *target, const char *value,
		   struct conf_reason *why)
{
	return parsers[key->kind](key, target, value, why);
}
