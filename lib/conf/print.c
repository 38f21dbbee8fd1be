/*
 * Printers of the kinds of value, in the form of the conf file; see conf/kind.h. Only the command
 * prints values, so module and helper do not include this file.
 */
#include <netinet/in.h>
#include <string.h>

#include "conf/kind.h"
#include "conf/limits.h"
#include "conf/match.h"

typedef void printer(const struct conf_key *key, const void *target, FILE *out);

static const void *field(const struct conf_key *key, const void *target)
{
	return (const char *)target + key->offset;
}

static const void *field_also(const struct conf_key *key, const void *target)
{
	return (const char *)target + key->also;
}

static void word_out(const struct conf_key *key, unsigned index, FILE *out)
{
	size_t length;
	const char *word = conf_word(key, index, &length);

	if (word)
		fwrite(word, 1, length, out);
}

static void word_print(const struct conf_key *key, const void *target, FILE *out)
{
	unsigned index;

	if (key->kind == VALUE_BOOL)
		index = !*(const bool *)field(key, target);
	else if (key->size == sizeof(bool))
		index = *(const bool *)field(key, target);
	else
		memcpy(&index, field(key, target), sizeof(index));
	word_out(key, index, out);
}

static void number_print(const struct conf_key *key, const void *target, FILE *out)
{
	unsigned number = *(const unsigned *)field(key, target);

	if (number)
		fprintf(out, "%u", number);
	else
		word_out(key, 0, out);
}

static void time_print(const struct conf_key *key, const void *target, FILE *out)
{
	unsigned ms = *(const unsigned *)field(key, target);

	fprintf(out, ms % 1000 ? "%ums" : "%us", ms % 1000 ? ms : ms / 1000);
}

static void size_print(const struct conf_key *key, const void *target, FILE *out)
{
	uint64_t size = *(const uint64_t *)field(key, target) >> 10;
	unsigned percent = *(const unsigned *)field_also(key, target);
	const char *unit = "KMG";

	while (size && size % 1024 == 0 && unit[1]) {
		size /= 1024;
		unit++;
	}
	if (percent)
		fprintf(out, "%u%%", percent);
	else if (size)
		fprintf(out, "%llu%c", (unsigned long long)size, *unit);
	else
		word_out(key, 0, out);
}

static void prefix_print(const struct conf_key *key, const void *target, FILE *out)
{
	const enum conf_source *source = field_also(key, target);
	char text[ADDRESS_TEXT_MAX];

	if (*source == SOURCE_GIVEN)
		fputs(prefix_format(field(key, target), text), out);
	else
		word_out(key, *source == SOURCE_NONE, out);
}

static void list_print(const struct conf_key *key, const void *target, FILE *out)
{
	char *const *list = *(char *const *const *)field(key, target);
	size_t count = *(const size_t *)field_also(key, target);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " " : "", list[i]);
	if (!count)
		word_out(key, 0, out);
}

static void text_print(const struct conf_key *key, const void *target, FILE *out)
{
	fputs(field(key, target), out);
}

static void nat_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct network *network = target;
	const struct address *v4 = &network->nat_address, *v6 = &network->nat_address6;
	char text[ADDRESS_TEXT_MAX];

	if (v4->family)
		fputs(address_format(v4, text), out);
	if (v6->family)
		fprintf(out, "%s%s", v4->family ? " " : "", address_format(v6, text));
	if (!v4->family && !v6->family)
		word_out(key, !network->nat, out);
}

static void port_print(const struct port_rule *rule, FILE *out)
{
	fprintf(out, " %s/%u", rule->protocol == IPPROTO_TCP ? "tcp" : "udp", rule->first);
	if (rule->last != rule->first)
		fprintf(out, "-%u", rule->last);
}

static void host_access_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct network *network = target;

	if (network->host_icmp)
		fputs(" icmp", out);
	if (network->host_dns)
		fputs(" dns", out);
	for (size_t i = 0; i < network->host_ports_count; i++)
		port_print(&network->host_ports[i], out);
	if (network->host_all ||
	    (!network->host_icmp && !network->host_dns && !network->host_ports_count))
		word_out(key, network->host_all, out);
}

static bool rule_is_any(const struct egress_rule *rule)
{
	return rule->allow && !rule->port.protocol && !rule->destination.address.family;
}

static void egress_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct network *network = target;
	size_t count = network->egress_count;
	char text[ADDRESS_TEXT_MAX];

	if (!count || (count == 1 && rule_is_any(network->egress))) {
		word_out(key, !count, out);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct egress_rule *rule = &network->egress[i];

		fprintf(out, "%s%s", i ? ", " : "", rule->allow ? "allow" : "deny");
		if (rule->port.protocol)
			port_print(&rule->port, out);
		fprintf(out, " %s",
			rule->destination.address.family ? prefix_format(&rule->destination, text)
							 : "any");
	}
}

static void dns_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct network *network = target;
	char text[ADDRESS_TEXT_MAX];

	if (network->dns != SOURCE_GIVEN)
		word_out(key, network->dns == SOURCE_NONE, out);
	for (size_t i = 0; i < network->dns_count; i++)
		fprintf(out, "%s%s", i ? " " : "", address_format(&network->dns_servers[i], text));
}

static void rate_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct network *network = target;

	if (network->new_connections)
		fprintf(out, "%u/second burst %u", network->new_connections,
			network->new_connections_burst);
	else
		word_out(key, 0, out);
}

static void match_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct profile *profile = target;

	(void)key;
	for (size_t i = 0; i < profile->match_count; i++) {
		const struct match *match = &profile->match[i];

		fputs(i ? ", " : "", out);
		if (match->kind == MATCH_ALL)
			putc('*', out);
		else if (match->kind != MATCH_UIDS)
			fprintf(out, "%s%s", match->kind == MATCH_GROUP ? "@" : "", match->name);
		else if (match->first == match->last)
			fprintf(out, "%u", match->first);
		else
			fprintf(out, "%u-%u", match->first, match->last);
	}
}

static void namespaces_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct profile *profile = target;
	char names[NAMESPACES_TEXT_MAX];

	(void)key;
	fputs(namespaces_text(profile->namespaces, names), out);
}

static void processes_print(const struct conf_key *key, const void *target, FILE *out)
{
	const char *watchers = *(char *const *)field_also(key, target);

	word_print(key, target, out);
	if (watchers)
		fprintf(out, " %s", watchers);
}

static void root_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct profile *profile = target;

	if (profile->root)
		fprintf(out, "%s%s", profile->root_changes ? ROOT_IMAGE : "", profile->root);
	else
		word_out(key, 0, out);
}

static void limits_print(const struct conf_key *key, const void *target, FILE *out)
{
	const struct profile *profile = target;

	if (!conf_limits_any(&profile->limits))
		word_out(key, 0, out);
	for (int i = 0; i < LIMITS; i++) {
		uint64_t value = profile->limits.values[i];
		char text[CONF_LIMIT_MAX];

		if (!value)
			continue;
		conf_limit_format((enum limit)i, value, text);
		fprintf(out, " %s=%s", conf_limit_name((enum limit)i), text);
	}
}

static printer *const printers[VALUE_KINDS] = {
    [VALUE_BOOL] = word_print,
    [VALUE_WORD] = word_print,
    [VALUE_NUMBER] = number_print,
    [VALUE_TIME] = time_print,
    [VALUE_SIZE] = size_print,
    [VALUE_PREFIX] = prefix_print,
    [VALUE_PREFIX6] = prefix_print,
    [VALUE_SERVICES] = list_print,
    [VALUE_DIRECTORIES] = list_print,
    [VALUE_HIDE] = list_print,
    [VALUE_READ_ONLY] = list_print,
    [VALUE_BIND] = list_print,
    [VALUE_NAME] = text_print,
    [VALUE_BRIDGE] = text_print,
    [VALUE_NAT] = nat_print,
    [VALUE_HOST_ACCESS] = host_access_print,
    [VALUE_EGRESS] = egress_print,
    [VALUE_DNS] = dns_print,
    [VALUE_RATE] = rate_print,
    [VALUE_MATCH] = match_print,
    [VALUE_NAMESPACES] = namespaces_print,
    [VALUE_PROCESSES] = processes_print,
    [VALUE_HOSTNAME] = text_print,
    [VALUE_LIMITS] = limits_print,
    [VALUE_ROOT] = root_print,
};

char *conf_key_print(const struct conf_key *key, const void *target)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	printers[key->kind](key, target, out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	/* Some begin each word with a blank. */
	if (*text == ' ')
		memmove(text, text + 1, strlen(text));
	return text;
}
