/* Paths that differ from the host's for a profile's users; see conf/view.h. */
#include "conf/view.h"

#include <string.h>

#include "conf/key.h"

bool conf_path_within(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return !strncmp(path, dir, length) && (!path[length] || path[length] == '/');
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

/* Without these no login works, or isolation could not be verified. */
static const struct {
	char path[20];
	bool below; /* and all paths below these */
} needed[] = {
    {"/", false},	 {"/proc", false},	   {"/proc/self", true},     {"/sys", false},
    {"/sys/fs", false},	 {"/sys/fs/cgroup", true}, {"/dev", false},	     {"/dev/pts", true},
    {"/dev/shm", false}, {"/run", false},	   {"/run/pam-netns", true}, {"/run/netns", true},
    {"/run/user", true}, {"/var/run", false},	   {"/etc", false},	     {"/usr", false},
    {"/usr/bin", false}, {"/usr/lib", false},	   {"/bin", false},	     {"/sbin", false},
    {"/lib", false},	 {"/lib64", false},	   {"/var", false},	     {"/var/lib", false},
};

static bool path_needed(const char *path)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!strcmp(path, needed[i].path) ||
		    (needed[i].below && conf_path_within(path, needed[i].path)))
			return true;
	return false;
}

/* The word of another key's path, or of one that overlaps with it. */
static const char *path_overlap(const char *path, char *const *others, size_t count)
{
	char other[CONF_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		(void)conf_hide_path(others[i], other);
		if (conf_path_within(path, other) || conf_path_within(other, path))
			return others[i];
	}
	return NULL;
}

static int path_check(const char *path, struct conf_reason *why)
{
	if (path[strspn(path, CONF_PATH_CHARS)])
		return conf_wrong(why, "a path has letters, digits and '/._-+@', and only at its "
				       "end '/*'");
	if (strcmp(path, "/") != 0 && !conf_path_normal(path))
		return conf_wrong(why,
				  "'%s' must be an absolute path without '.', '..', '//' or a "
				  "'/' at its end",
				  path);
	return 0;
}

bool conf_hide_path(const char *word, char path[CONF_PATH_MAX])
{
	bool optional = *word == '?';
	size_t length;

	word += optional;
	length = strlen(word);
	if (length > 2 && !strcmp(word + length - 2, "/*"))
		length -= 2;
	if (length >= CONF_PATH_MAX)
		length = CONF_PATH_MAX - 1;
	memcpy(path, word, length);
	path[length] = '\0';
	return optional;
}

int conf_hide_check(const char *word, char *const *others, size_t count, struct conf_reason *why)
{
	char path[CONF_PATH_MAX];
	const char *other;
	int error;

	if (strlen(word) >= CONF_PATH_MAX)
		return conf_wrong(why, "a path has less than %d characters", CONF_PATH_MAX);
	(void)conf_hide_path(word, path);
	error = path_check(path, why);
	if (error)
		return error;
	if (path_needed(path))
		return conf_wrong(why,
				  "'%s' cannot be hidden, because logins need it; name what is "
				  "secret in it",
				  path);
	other = path_overlap(path, others, count);
	if (other)
		return conf_wrong(why, "'%s' and '%s' overlap; keep one", word, other);
	return 0;
}

void conf_view_check(const struct conf_section *section, const struct profile *profile,
		     struct conf_report *report)
{
	for (size_t i = 0; i < profile->hide.count; i++) {
		const struct conf_place place = conf_section_place(section, "hide");
		char path[CONF_PATH_MAX];

		(void)conf_hide_path(profile->hide.words[i], path);
		for (size_t j = 0; j < profile->private_count; j++)
			if (conf_path_within(path, profile->private_dirs[j]) ||
			    conf_path_within(profile->private_dirs[j], path))
				conf_report_add(report, &place,
						"'%s' overlaps with the private directory %s, in "
						"which users have only their own files; keep one",
						path, profile->private_dirs[j]);
	}
}

static void list_forget(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->words[i]);
	free(list->words);
	*list = (struct path_list){0};
}

void conf_view_forget(struct profile *profile)
{
	free(profile->watchers);
	profile->watchers = NULL;
	list_forget(&profile->hide);
}
