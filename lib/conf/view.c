/* Paths that differ from the host's for a profile's users; see conf/view.h. */
#include "conf/view.h"

#include <string.h>

#include "base/resolve.h"
#include "conf/key.h"

/* In place of the user, because the conf file does not know which one it is. */
static const struct who sample = {.uid = 1000, .user = "user", .group = "group"};

enum never { NOT_HIDDEN = 1 << 0, NOT_READ_ONLY = 1 << 1, NOT_BOUND = 1 << 2, NOT_CHANGED = 7 };

/* Without the host's no login works, or isolation could not be verified. */
static const struct {
	char path[20];
	bool below;	/* and all paths below these */
	unsigned never; /* enum never */
} needed[] = {
    {"/", false, NOT_CHANGED},
    {"/proc", false, NOT_CHANGED},
    {"/sys", false, NOT_CHANGED},
    {"/sys/fs", false, NOT_CHANGED},
    {"/dev", false, NOT_CHANGED},
    {"/dev/shm", false, NOT_HIDDEN},
    {"/run", false, NOT_CHANGED},
    {"/var/run", false, NOT_CHANGED},
    {"/etc", false, NOT_HIDDEN | NOT_BOUND},
    {"/usr", false, NOT_HIDDEN},
    {"/usr/bin", false, NOT_HIDDEN},
    {"/usr/lib", false, NOT_HIDDEN},
    {"/bin", false, NOT_HIDDEN},
    {"/sbin", false, NOT_HIDDEN},
    {"/lib", false, NOT_HIDDEN},
    {"/lib64", false, NOT_HIDDEN},
    {"/var", false, NOT_CHANGED},
    {"/var/lib", false, NOT_CHANGED},
    {"/var/log", false, NOT_READ_ONLY},
    {"/proc/self", true, NOT_CHANGED},
    {"/proc/thread-self", true, NOT_CHANGED},
    {"/sys/fs/cgroup", true, NOT_CHANGED},
    {"/dev/pts", true, NOT_CHANGED},
    {"/run/pam-netns", true, NOT_CHANGED},
    {"/run/netns", true, NOT_CHANGED},
    {"/run/user", true, NOT_CHANGED},
    /* A user's own procfs and sysfs are mounted later. */
    {"/proc", true, NOT_READ_ONLY},
    {"/sys", true, NOT_READ_ONLY},
};

/* Is the path, or one that contains it, needed as the host has it? */
static bool path_needed(const char *path, enum never never)
{
	/* The kernel mounts nothing on what ends with a process. */
	if (!strncmp(path, "/proc/", 6) && strchr("0123456789", path[6]))
		return true;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if ((needed[i].never & never) &&
		    (!strcmp(path, needed[i].path) ||
		     (needed[i].below && path_below(path, needed[i].path))))
			return true;
	return false;
}

static int path_check(const char *path, struct conf_reason *why)
{
	if (path[strspn(path, CONF_PATH_CHARS)])
		return conf_wrong(why, "a path has letters, digits and '/._-+@'");
	if (strcmp(path, "/") != 0 && !conf_path_normal(path))
		return conf_wrong(why,
				  "'%s' must be an absolute path without '.', '..', '//' or a "
				  "'/' at its end",
				  path);
	return 0;
}

bool conf_path_word(const char *word, char path[CONF_PATH_MAX])
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

/* A word that overlaps with one before it is an error, so that their order has no meaning. */
static int overlap_check(const char *word, const char *path, char *const *others, size_t count,
			 struct conf_reason *why)
{
	char other[CONF_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		(void)conf_path_word(others[i], other);
		if (path_below(path, other) || path_below(other, path))
			return conf_wrong(why, "'%s' and '%s' overlap; keep one", word, others[i]);
	}
	return 0;
}

/* refused: what follows "cannot be" if logins need the path as the host has it. */
static int word_check(const char *word, const char *path, enum never never, const char *refused,
		      char *const *others, size_t count, struct conf_reason *why)
{
	int error;

	if (strlen(word) >= CONF_PATH_MAX)
		return conf_wrong(why, "a path has less than %d characters", CONF_PATH_MAX);
	error = path_check(path, why);
	if (error)
		return error;
	if (path_needed(path, never))
		return conf_wrong(why, "'%s' cannot be %s in it", path, refused);
	return overlap_check(word, path, others, count, why);
}

int conf_hide_check(const char *word, char *const *others, size_t count, struct conf_reason *why)
{
	char path[CONF_PATH_MAX];

	(void)conf_path_word(word, path);
	return word_check(word, path, NOT_HIDDEN,
			  "hidden, because logins need it; name what is secret", others, count,
			  why);
}

/* Without the "/" and "*" of hide. */
int conf_read_only_check(const char *word, char *const *others, size_t count,
			 struct conf_reason *why)
{
	return word_check(word, word + (*word == '?'), NOT_READ_ONLY,
			  "read-only, because logins write to it; name what users must not change",
			  others, count, why);
}

int conf_bind_check(const char *word, char *const *others, size_t count, struct conf_reason *why)
{
	struct bind bind, other;
	int error = conf_bind(word, &sample, &bind);
	char shown[64];

	conf_printable(word, shown, sizeof(shown));
	if (error)
		return conf_wrong(why,
				  "'%s' must be SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro, of "
				  "absolute paths, with %%u for the user, %%U for the uid and %%g "
				  "for the group",
				  shown);
	error = path_check(bind.source, why);
	error = error ?: path_check(bind.target, why);
	if (error)
		return error;
	if (path_needed(bind.target, NOT_BOUND))
		return conf_wrong(why,
				  "nothing can be mounted on '%s', because logins need the host's; "
				  "name a path in it",
				  bind.target);
	for (size_t i = 0; i < count; i++)
		if (!conf_bind(others[i], &sample, &other) && !strcmp(bind.target, other.target))
			return conf_wrong(why, "'%s' and '%s' have the same target; keep one", word,
					  others[i]);
	return 0;
}

/* The keys of one profile, compared with each other. */
struct view {
	const struct conf_section *section;
	const struct profile *profile;
	struct conf_report *report;
};

/* Reports the path of a key that is in, or (around) contains, one of a list. */
static void overlap_report(const struct view *view, const char *key, const char *path, bool around,
			   char *const *words, size_t count, const char *why)
{
	const struct conf_place place = conf_section_place(view->section, key);
	char other[CONF_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		(void)conf_path_word(words[i], other);
		if (path_below(path, other) || (around && path_below(other, path)))
			conf_report_add(view->report, &place, "'%s' overlaps with %s, %s; keep one",
					path, words[i], why);
	}
}

#define WHY_PRIVATE "a private directory, in which users have only their own files"

static void hide_compare(const struct view *view)
{
	const struct profile *p = view->profile;
	char path[CONF_PATH_MAX];

	for (size_t i = 0; i < p->hide.count; i++) {
		(void)conf_path_word(p->hide.words[i], path);
		overlap_report(view, "hide", path, true, p->private_dirs, p->private_count,
			       WHY_PRIVATE);
	}
}

static void read_only_compare(const struct view *view)
{
	const struct profile *p = view->profile;
	char path[CONF_PATH_MAX];

	for (size_t i = 0; i < p->read_only.count; i++) {
		(void)conf_path_word(p->read_only.words[i], path);
		overlap_report(view, "read_only", path, false, p->private_dirs, p->private_count,
			       WHY_PRIVATE);
		overlap_report(view, "read_only", path, false, p->hide.words, p->hide.count,
			       "which is hidden, and so read-only");
	}
}

/* A path of hide or read_only in the target would be the source's. */
static void target_compare(const struct view *view, const char *target,
			   const struct path_list *list)
{
	const struct conf_place place = conf_section_place(view->section, "bind");
	char path[CONF_PATH_MAX];

	for (size_t i = 0; i < list->count; i++) {
		(void)conf_path_word(list->words[i], path);
		if (path_below(path, target))
			conf_report_add(view->report, &place,
					"'%s' would be mounted over '%s', which hide or read_only "
					"names; keep one",
					target, path);
	}
}

/* A source that is below a hidden path is shown on purpose; one that contains it is not. */
static void source_compare(const struct view *view, const struct bind *bind)
{
	const struct conf_place place = conf_section_place(view->section, "bind");
	const struct path_list *hide = &view->profile->hide;
	char path[CONF_PATH_MAX];

	for (size_t i = 0; i < hide->count; i++) {
		(void)conf_path_word(hide->words[i], path);
		if (strcmp(path, bind->source) != 0 && path_below(path, bind->source))
			conf_report_add(
			    view->report, &place,
			    "'%s' would show '%s', which hide names, below '%s'; name a "
			    "part of it",
			    bind->source, path, bind->target);
	}
}

static void bind_compare(const struct view *view)
{
	const struct profile *p = view->profile;
	struct bind bind;

	for (size_t i = 0; i < p->bind.count; i++) {
		if (conf_bind(p->bind.words[i], &sample, &bind))
			continue;
		overlap_report(view, "bind", bind.target, true, p->private_dirs, p->private_count,
			       WHY_PRIVATE);
		source_compare(view, &bind);
		target_compare(view, bind.target, &p->hide);
		target_compare(view, bind.target, &p->read_only);
	}
}

void conf_view_check(const struct conf_section *section, const struct profile *profile,
		     struct conf_report *report)
{
	const struct view view = {section, profile, report};

	hide_compare(&view);
	read_only_compare(&view);
	bind_compare(&view);
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
	free(profile->root);
	profile->root = NULL;
	free(profile->watchers);
	profile->watchers = NULL;
	list_forget(&profile->hide);
	list_forget(&profile->read_only);
	list_forget(&profile->bind);
}
