/* The conf file as a whole: its sections, and rules between them. See conf.h. */
#include "conf/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/file.h"
#include "conf/key.h"
#include "conf/match.h"
#include "conf/network.h"
#include "conf/profile.h"
#include "conf/report.h"
#include "conf/text.h"
#include "base/log.h"

/* A conf that is being built. networks[i] and profiles[i] come from sections[i]. */
struct building {
	struct conf *conf;
	const struct conf_section **network_sections, **profile_sections;
	const struct conf_section *defaults;
	struct conf_report report;
};

static void section_report(struct building *building, const struct conf_section *section,
			   const char *problem)
{
	const struct conf_place place = {.line = section->line, .section = section->title};

	conf_report_add(&building->report, &place, "%s", problem);
}

/* The earlier section of the same title, or NULL. */
static const struct conf_section *section_twin(const struct conf_text *text,
					       const struct conf_section *section)
{
	for (const struct conf_section *s = text->sections; s < section; s++)
		if (!strcmp(s->title, section->title))
			return s;
	return NULL;
}

/* The name in a title such as "network lab", checked. False: it was reported. */
static bool title_name(struct building *building, const struct conf_section *section,
		       const char *kind, char name[CONF_NAME_MAX])
{
	const char *rest = section->title + strlen(kind);
	struct conf_reason why;

	if (!conf_value_name(rest + (*rest == ' '), name, &why))
		return true;
	section_report(building, section, why.text);
	return false;
}

static bool title_is(const struct conf_section *section, const char *kind)
{
	size_t length = strlen(kind);

	return !strncmp(section->title, kind, length) &&
	       (!section->title[length] || section->title[length] == ' ');
}

static int network_add(struct building *building, const struct conf_section *section)
{
	struct conf *conf = building->conf;
	struct network *network = &conf->networks[conf->networks_count];

	if (!title_name(building, section, "network", network->name))
		return 0;
	building->network_sections[conf->networks_count++] = section;
	return conf_network_read(section, network, &building->report);
}

static int profile_add(struct building *building, const struct conf_section *section)
{
	struct conf *conf = building->conf;
	struct profile *profile = &conf->profiles[conf->profiles_count];

	if (!title_name(building, section, "profile", profile->name))
		return 0;
	building->profile_sections[conf->profiles_count++] = section;
	return conf_profile_read(section, profile, &building->report);
}

static int section_add(struct building *building, const struct conf_text *text,
		       const struct conf_section *section)
{
	const struct conf_section *twin = section_twin(text, section);

	if (twin) {
		const struct conf_place place = {.line = section->line, .section = section->title};

		conf_report_add(
		    &building->report, &place,
		    "is a second section of this name (the first is in line %u); keep one",
		    twin->line);
		return 0;
	}
	if (!strcmp(section->title, "defaults"))
		building->defaults = section;
	else if (title_is(section, "network"))
		return network_add(building, section);
	else if (title_is(section, "profile"))
		return profile_add(building, section);
	else
		section_report(building, section,
			       "unknown section; there are [defaults], "
			       "[network NAME] and [profile NAME]");
	return 0;
}

static void network_missing(struct building *building, const struct profile *profile,
			    const struct conf_section *section)
{
	struct conf_place place = conf_section_place(section, "network");
	const struct conf *conf = building->conf;
	char names[192] = "";

	place.value = profile->network_name;
	for (size_t i = 0; i < conf->networks_count; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i ? ", " : "; or name one of: ", conf->networks[i].name);
	conf_report_add(&building->report, &place, "there is no [network %s]; write that section%s",
			profile->network_name, names);
}

/* Sets the profiles' networks, after the array of networks has its final place. */
static void profiles_link(struct building *building)
{
	struct conf *conf = building->conf;

	for (size_t i = 0; i < conf->profiles_count; i++) {
		struct profile *profile = &conf->profiles[i];

		if (!profile->isolate || !*profile->network_name)
			continue;
		profile->network = conf_network(conf, profile->network_name);
		if (!profile->network)
			network_missing(building, profile, building->profile_sections[i]);
	}
}

static int building_read(struct building *building, const struct conf_text *text)
{
	static const struct conf_section no_defaults = {.title = (char *)"defaults"};
	struct conf *conf = building->conf;
	int error = 0;

	for (size_t i = 0; !error && i < text->sections_count; i++)
		error = section_add(building, text, &text->sections[i]);
	if (error)
		return error;
	error = conf_section_read(building->defaults ? building->defaults : &no_defaults,
				  CONF_DEFAULTS, conf, &building->report);
	if (error)
		return error;
	if (!conf->profiles_count) {
		const struct conf_place whole_file = {0};

		conf_report_add(&building->report, &whole_file,
				"has no [profile NAME] section, so all logins would be refused; "
				"write one with match = *");
	}
	conf_networks_compare(conf->networks, building->network_sections, conf->networks_count,
			      &building->report);
	profiles_link(building);
	return 0;
}

/* Arrays for all networks and profiles of the text. */
static int building_begin(struct building *building, const struct conf_text *text)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	size_t networks = 0, profiles = 0;

	building->conf = conf;
	if (!conf)
		return -ENOMEM;
	for (size_t i = 0; i < text->sections_count; i++) {
		networks += title_is(&text->sections[i], "network");
		profiles += title_is(&text->sections[i], "profile");
	}
	networks += !networks;
	profiles += !profiles;
	conf->networks = calloc(networks, sizeof(*conf->networks));
	conf->profiles = calloc(profiles, sizeof(*conf->profiles));
	building->network_sections = calloc(networks, sizeof(*building->network_sections));
	building->profile_sections = calloc(profiles, sizeof(*building->profile_sections));
	if (!conf->networks || !conf->profiles || !building->network_sections ||
	    !building->profile_sections)
		return -ENOMEM;
	return 0;
}

/* Changes text, which has room for one byte more. */
static int text_parse(char *text, size_t size, const char *name, struct conf **out)
{
	struct building building = {.report.file = name};
	struct conf_text parsed = {0};
	bool wrong;
	int error;

	*out = NULL;
	if (size > CONF_SIZE_MAX) {
		log_error("%s: has %zu bytes; at most %u are read", name, size, CONF_SIZE_MAX);
		return -EFBIG;
	}
	error = conf_text_parse(text, size, &building.report, &parsed);
	error = error ?: building_begin(&building, &parsed);
	error = error ?: building_read(&building, &parsed);
	wrong = building.report.count > 0;
	conf_report_log(&building.report);
	if (error)
		log_errno(-error, "read %s", name);
	else if (wrong)
		error = -EINVAL;
	conf_text_free(&parsed);
	free(building.network_sections);
	free(building.profile_sections);
	if (error)
		conf_free(building.conf);
	else
		*out = building.conf;
	return error;
}

int conf_parse(const char *text, size_t size, const char *name, struct conf **out)
{
	CLEANUP_FREE char *copy = malloc(size + 1);

	*out = NULL;
	if (!copy)
		return log_errno(ENOMEM, "read %s", name);
	memcpy(copy, text, size);
	return text_parse(copy, size, name, out);
}

int conf_read(const char *path, struct conf **out)
{
	CLEANUP_FREE char *text = NULL;
	struct stat status;
	int error;

	*out = NULL;
	error = conf_file_read(path, CONF_SIZE_MAX, &text, &status);
	if (error)
		return error;
	error = text_parse(text, (size_t)status.st_size, path, out);
	if (!error)
		(*out)->file = status;
	return error;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->networks_count; i++)
		conf_network_free(&conf->networks[i]);
	for (size_t i = 0; i < conf->profiles_count; i++)
		conf_profile_free(&conf->profiles[i]);
	for (size_t i = 0; i < conf->services_exempt_count; i++)
		free(conf->services_exempt[i]);
	free(conf->services_exempt);
	free(conf->networks);
	free(conf->profiles);
	free(conf);
}

const struct profile *conf_match(const struct conf *conf, const struct who *who)
{
	for (size_t i = 0; i < conf->profiles_count; i++)
		for (size_t j = 0; j < conf->profiles[i].match_count; j++)
			if (match_who(&conf->profiles[i].match[j], who))
				return &conf->profiles[i];
	return NULL;
}

bool conf_service_exempt(const struct conf *conf, const char *service)
{
	/* libpam turns a service's name into lower case; the conf file may have upper case. */
	for (size_t i = 0; i < conf->services_exempt_count; i++)
		if (!strcasecmp(conf->services_exempt[i], service))
			return true;
	return false;
}

const struct network *conf_network(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->networks_count; i++)
		if (!strcmp(conf->networks[i].name, name))
			return &conf->networks[i];
	return NULL;
}
