/*
 * libFuzzer target: the conf file's text, and queries to an accepted conf.
 *
 *	clang -fsanitize=fuzzer,address,undefined … && conf_fuzz tests/fuzz/corpus/conf
 */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/kind.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void discard(void *context, int level, const char *text)
{
	(void)context;
	(void)level;
	/* A message is one printable line for each file. */
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			abort();
}

/* Each value can be printed. A profile on the host has no values without an effect there. */
static void values_print(const void *target, enum conf_section_kind section, bool all)
{
	for (size_t i = 0; i < CONF_KEYS_COUNT; i++) {
		const struct conf_key *key = &conf_keys[i];
		char *text;

		if (key->section != section)
			continue;
		text = conf_key_print(key, target);
		if (!text || (all && !*text))
			abort();
		free(text);
	}
}

/* No path leads out of the place that its text names, whatever the user is called. */
static void paths_use(const struct profile *p)
{
	static const char *const names[] = {"alice", "..", "a/b", ""};
	char path[CONF_PATH_MAX];
	struct bind bind;

	for (size_t i = 0; i < p->hide.count + p->read_only.count; i++) {
		size_t hidden = p->hide.count;

		(void)conf_path_word(i < hidden ? p->hide.words[i] : p->read_only.words[i - hidden],
				     path);
		if (*path != '/' || !path[1] || strstr(path, "/../"))
			abort();
	}
	for (size_t i = 0; i < p->bind.count * 4; i++) {
		struct who who = {.uid = 1000};

		strcpy(who.user, names[i % 4]);
		strcpy(who.group, names[i % 4]);
		if (!conf_bind(p->bind.words[i / 4], &who, &bind) &&
		    (*bind.source != '/' || *bind.target != '/' || strstr(bind.source, "/../") ||
		     strstr(bind.target, "/../")))
			abort();
	}
}

/* Properties of each accepted conf. */
static void conf_use(const struct conf *conf)
{
	const struct who who = {.uid = 1000,
				.user = "alice",
				.groups_count = 1,
				.groups_size = 6,
				.groups = (char[]){"wheel"}};
	const struct profile *profile = conf_match(conf, &who);
	char hostname[CONF_HOSTNAME_MAX];

	if (!conf->profiles_count || conf->deadline_ms < 1000 || conf->deadline_ms > 60000)
		abort();
	for (size_t i = 0; i < conf->networks_count; i++) {
		const struct network *network = &conf->networks[i];

		values_print(network, CONF_NETWORK, true);
		if (!network->bridge[0] || strlen(network->bridge) > 11 ||
		    !network->ports_per_bridge || !network->max_connections ||
		    !network->new_connections != !network->new_connections_burst)
			abort();
	}
	for (size_t i = 0; i < conf->profiles_count; i++) {
		const struct profile *p = &conf->profiles[i];

		values_print(p, CONF_PROFILE, p->isolate);
		paths_use(p);
		if (p->isolate != (p->network != NULL) || !p->match_count ||
		    (p->isolate && !(p->namespaces & NAMESPACE_NET)))
			abort();
	}
	values_print(conf, CONF_DEFAULTS, true);
	(void)conf_service_exempt(conf, "sshd");
	if (profile && !conf_hostname(profile, "al_ice", 1000, "users", "lab.example", hostname) &&
	    (!*hostname || strlen(hostname) >= CONF_HOSTNAME_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *conf;

	log_set_sink(discard, NULL);
	if (!conf_parse((const char *)data, size, "fuzz", &conf))
		conf_use(conf);
	else if (conf)
		abort();
	conf_free(conf);
	return 0;
}
