/* [network NAME]: a bridge, its addresses, its policy. See conf/network.h. */
#include "conf/network.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "conf/kind.h"

#define RATE_MAX      100000
#define BURST_MAX     1000000
#define ENDED_SECONDS 120 /* nf_conntrack_tcp_timeout_time_wait */
#define BRIDGE_CHARS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

int conf_bridge_parse(const struct conf_key *key, void *target, const char *value,
		      struct conf_reason *why)
{
	/* Names with another meaning for sysctl, and names that every host has. */
	static const char taken[][8] = {"all", "default", "lo", "eth0"};
	struct network *network = target;

	if (strlen(value) > key->max)
		return conf_wrong(why,
				  "the name has more than %u characters; further bridges need "
				  "room for .NN after it",
				  key->max);
	if (value[strspn(value, BRIDGE_CHARS)] || strchr("._-", value[0]))
		return conf_wrong(why, "a bridge's name has letters, digits, '.', '_' and '-', and "
				       "begins with a letter or digit");
	if (!strncmp(value, "pnu", 3))
		return conf_wrong(why,
				  "names that begin with pnu are those of users' ports; choose "
				  "another, such as pnbr1");
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(value, taken[i]))
			return conf_wrong(why, "is a name that the kernel or the host uses; choose "
					       "another, such as pnbr1");
	strcpy(network->bridge, value);
	return 0;
}

static int nat_wrong(struct conf_reason *why)
{
	return conf_wrong(why, "must be yes, no, or the host's addresses to send from, one of each "
			       "family at most");
}

int conf_nat_parse(const struct conf_key *key, void *target, const char *value,
		   struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct network *network = target;
	int error;

	(void)key;
	network->nat = strcmp(value, "no") != 0;
	if (!network->nat || !strcmp(value, "yes"))
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (!words.count)
		return nat_wrong(why);
	for (size_t i = 0; i < words.count; i++) {
		struct address address, *place;

		if (address_parse(words.words[i], &address))
			return nat_wrong(why);
		error = conf_value_address(words.words[i], &address, why);
		if (error)
			return error;
		place = address.family == AF_INET ? &network->nat_address : &network->nat_address6;
		if (place->family)
			return conf_wrong(why,
					  "has two addresses of one family; give one of each at "
					  "most");
		*place = address;
	}
	return 0;
}

static int host_wrong(struct conf_reason *why)
{
	return conf_wrong(why, "must be none, all, or a list of icmp, dns, tcp/PORT and udp/PORT");
}

static int host_word_read(struct network *network, const char *word, struct conf_reason *why)
{
	if (!strcmp(word, "icmp"))
		network->host_icmp = true;
	else if (!strcmp(word, "dns"))
		network->host_dns = true;
	else if (strchr(word, '/'))
		return conf_value_port_rule(word, &network->host_ports[network->host_ports_count++],
					    why);
	else
		return host_wrong(why);
	return 0;
}

int conf_host_access_parse(const struct conf_key *key, void *target, const char *value,
			   struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct network *network = target;
	int error;

	(void)key;
	network->host_all = !strcmp(value, "all");
	if (network->host_all || !strcmp(value, "none"))
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (!words.count)
		return host_wrong(why);
	network->host_ports = calloc(words.count + 1, sizeof(*network->host_ports));
	if (!network->host_ports)
		return -ENOMEM;
	for (size_t i = 0; !error && i < words.count; i++)
		error = host_word_read(network, words.words[i], why);
	return error;
}

int conf_dns_parse(const struct conf_key *key, void *target, const char *value,
		   struct conf_reason *why)
{
	CLEANUP_WORDS struct conf_words words = {0};
	struct network *network = target;
	int error;

	network->dns = !strcmp(value, "auto")	? SOURCE_AUTO
		       : !strcmp(value, "none") ? SOURCE_NONE
						: SOURCE_GIVEN;
	if (network->dns != SOURCE_GIVEN)
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (!words.count || words.count > key->max)
		return conf_wrong(why, "must be auto, none, or at most %u addresses", key->max);
	for (size_t i = 0; i < words.count; i++) {
		error = conf_value_address(words.words[i], &network->dns_servers[i], why);
		if (error)
			return error;
	}
	network->dns_count = words.count;
	return 0;
}

int conf_rate_parse(const struct conf_key *key, void *target, const char *value,
		    struct conf_reason *why)
{
	static const char unit[] = "/second";
	CLEANUP_WORDS struct conf_words words = {0};
	struct network *network = target;
	uint64_t rate, burst;
	int error;

	if (!strcmp(value, "none"))
		return 0;
	error = conf_words_split(value, &words);
	if (error)
		return error;
	if (words.count == 3 && !strcmp(words.words[1], "burst")) {
		char *end = strchr(words.words[0], '/');

		if (end && !strcmp(end, unit)) {
			*end = '\0';
			if (conf_digits(words.words[0], RATE_MAX, &rate) && rate &&
			    conf_digits(words.words[2], BURST_MAX, &burst) && burst) {
				network->new_connections = (unsigned)rate;
				network->new_connections_burst = (unsigned)burst;
				return 0;
			}
		}
	}
	return conf_wrong(
	    why, "must be none, or NUMBER/second burst NUMBER, such as %s (at most %d and %d)",
	    key->fallback, RATE_MAX, BURST_MAX);
}

int conf_network_read(const struct conf_section *section, struct network *out,
		      struct conf_report *report)
{
	const struct prefix *v4 = &out->subnet, *v6 = &out->subnet6;
	int error = conf_section_read(section, CONF_NETWORK, out, report);

	if (error)
		return error;
	/* A user has the same place in both prefixes. */
	if (v4->length && v6->length && 128 - v6->length < 32 - v4->length) {
		const struct conf_place place = conf_section_place(section, "subnet6");

		conf_report_add(report, &place,
				"has fewer addresses than subnet, and each user needs "
				"one of both; write /%u or shorter",
				96 + v4->length);
	}
	return 0;
}

/* Is one name the other with ".N" after it, the name of a further bridge? */
static bool bridge_is_further(const char *name, const char *other)
{
	size_t length = strlen(name);

	return !strncmp(name, other, length) && other[length] == '.' && other[length + 1] &&
	       !other[length + 1 + strspn(other + length + 1, "0123456789")];
}

static void bridges_compare(const struct network *a, const struct network *b,
			    const struct conf_section *section_a,
			    const struct conf_section *section_b, struct conf_report *report)
{
	const struct conf_place first = conf_section_place(section_a, "bridge");
	struct conf_place place = conf_section_place(section_b, "bridge");

	if (!*a->bridge || !*b->bridge)
		return;
	place.value = b->bridge;
	if (!strcmp(a->bridge, b->bridge))
		conf_report_add(report, &place,
				"is the bridge of [%s] already (line %u); give each "
				"network its own",
				section_a->title, first.line);
	else if (bridge_is_further(a->bridge, b->bridge) || bridge_is_further(b->bridge, a->bridge))
		conf_report_add(
		    report, &place,
		    "differs from bridge %s of [%s] (line %u) only by .N, which further "
		    "bridges have; choose another name",
		    a->bridge, section_a->title, first.line);
}

static void subnets_compare(const char *key, const struct prefix *a, const struct prefix *b,
			    const struct conf_section *section_a,
			    const struct conf_section *section_b, struct conf_report *report)
{
	const struct conf_place first = conf_section_place(section_a, key);
	struct conf_place place = conf_section_place(section_b, key);
	char text_a[ADDRESS_TEXT_MAX], text_b[ADDRESS_TEXT_MAX];

	if (!a->length || !b->length || !prefix_overlaps(a, b))
		return;
	place.value = prefix_format(b, text_b);
	conf_report_add(report, &place,
			"overlaps %s of [%s] (line %u); give each network its own, or "
			"write auto",
			prefix_format(a, text_a), section_a->title, first.line);
}

void conf_networks_compare(const struct network *networks,
			   const struct conf_section *const *sections, size_t count,
			   struct conf_report *report)
{
	for (size_t j = 1; j < count; j++) {
		for (size_t i = 0; i < j; i++) {
			const struct network *a = &networks[i], *b = &networks[j];

			bridges_compare(a, b, sections[i], sections[j], report);
			subnets_compare("subnet", &a->subnet, &b->subnet, sections[i], sections[j],
					report);
			subnets_compare("subnet6", &a->subnet6, &b->subnet6, sections[i],
					sections[j], report);
		}
	}
}

uint64_t conf_network_entries(const struct network *network)
{
	/* max_connections counts for each address of a user, new_connections for the user. */
	uint64_t addresses = network->subnet6_source == SOURCE_NONE ? 1 : 2;

	if (!network->new_connections)
		return 0;
	return addresses * network->max_connections + network->new_connections_burst +
	       (uint64_t)network->new_connections * ENDED_SECONDS;
}

void conf_network_free(struct network *network)
{
	free(network->host_ports);
	free(network->egress);
}
