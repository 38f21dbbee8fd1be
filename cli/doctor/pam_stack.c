/* PAM's stacks; see pam_stack.h. */
#include "pam_stack.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lines.h"

#define FILES_MAX    256
#define INCLUDES_MAX 16 /* files within each other; Linux-PAM has a limit, too */

const char *pam_folders[PAM_STACK_FOLDERS] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"};

struct reading {
	const char *type;
	struct pam_stack *stack;
	unsigned depth;	   /* of substacks within each other */
	unsigned includes; /* number of open files */
	unsigned
	    files; /* number of files read, so that a file that includes itself comes to an end */
};

static int file_read(struct reading *reading, const char *service);

void pam_stack_free(struct pam_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		struct pam_line *line = &stack->lines[i];

		for (char **argument = line->arguments; argument && *argument; argument++)
			free(*argument);
		free(line->arguments);
		free(line->file);
		free(line->control);
		free(line->module);
	}
	free(stack->lines);
	*stack = (struct pam_stack){0};
}

/* The next word, or the contents of a bracket; NULL at the end. "\]" in an
 * argument's bracket is a "]". */
static char *word_take(char **rest)
{
	char *word = *rest + strspn(*rest, " \t"), *end;

	if (!*word)
		return NULL;
	if (*word == '[') {
		end = ++word;
		while (*end && *end != ']')
			end += end[0] == '\\' && end[1] ? 2 : 1;
	} else {
		end = word + strcspn(word, " \t");
	}
	*rest = end + (*end != '\0');
	*end = '\0';
	return word;
}

static int arguments_take(struct pam_line *line, char *rest)
{
	size_t count = 0;
	char *word;

	line->arguments = calloc(1, sizeof(*line->arguments));
	while (line->arguments && (word = word_take(&rest))) {
		char **grown = reallocarray(line->arguments, count + 2, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		line->arguments = grown;
		grown[count + 1] = NULL;
		grown[count] = strdup(word);
		if (!grown[count++])
			return -ENOMEM;
	}
	return line->arguments ? 0 : -ENOMEM;
}

/* Fills a line: where it is, and its words. */
struct words {
	const char *file;
	unsigned number;
	bool optional;
	char *control, *module, *rest;
};

static int line_keep(struct reading *reading, const struct words *words)
{
	struct pam_stack *stack = reading->stack;
	struct pam_line *grown = reallocarray(stack->lines, stack->count + 1, sizeof(*grown)),
			*line;

	if (!grown)
		return -ENOMEM;
	stack->lines = grown;
	line = &grown[stack->count++];
	*line = (struct pam_line){.file = strdup(words->file),
				  .number = words->number,
				  .control = strdup(words->control),
				  .module = strdup(words->module),
				  .optional = words->optional,
				  .depth = reading->depth};
	if (!line->file || !line->control || !line->module)
		return -ENOMEM;
	for (char *c = line->control; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return arguments_take(line, words->rest);
}

/* A jump counts a substack as one module, so the line that includes it is kept. */
static int substack_read(struct reading *reading, struct words *words)
{
	const char *service = words->module;
	int result;

	words->module = words->rest = words->rest + strlen(words->rest);
	result = line_keep(reading, words);
	if (result)
		return result;
	reading->depth++;
	result = file_read(reading, service);
	reading->depth--;
	return result;
}

static int line_read(struct reading *reading, const char *file, unsigned number, char *text)
{
	struct words words = {.file = file, .number = number, .rest = text};
	char *type = word_take(&words.rest);

	if (!type)
		return 0;
	if (strcasecmp(type, "@include") == 0) {
		words.module = word_take(&words.rest);
		return words.module ? file_read(reading, words.module) : 0;
	}
	words.optional = *type == '-';
	if (strcasecmp(type + words.optional, reading->type) != 0)
		return 0;
	words.control = word_take(&words.rest);
	words.module = words.control ? word_take(&words.rest) : NULL;
	if (!words.module)
		return 0;
	if (strcasecmp(words.control, "include") == 0)
		return file_read(reading, words.module);
	if (strcasecmp(words.control, "substack") == 0)
		return substack_read(reading, &words);
	return line_keep(reading, &words);
}

/* A backslash at the end continues a line, and "#" ends it. Its number is
 * that of its first part. */
static int lines_read(struct reading *reading, const char *path, FILE *file)
{
	CLEANUP_FREE char *line = NULL, *whole = NULL;
	size_t room = 0, used = 0;
	unsigned number = 0, first = 1;
	int result = 0;

	while (result == 0 && getline(&line, &room, file) > 0) {
		size_t length = strcspn(line, "#\n");
		bool goes_on = line[length] == '\n' && length && line[length - 1] == '\\';
		char *grown = realloc(whole, used + length + 1);

		if (!grown)
			return -ENOMEM;
		whole = grown;
		number++;
		memcpy(whole + used, line, length);
		used += length;
		whole[used] = '\0';
		if (goes_on) {
			whole[used - 1] = ' ';
			continue;
		}
		result = line_read(reading, path, first, whole);
		used = 0;
		first = number + 1;
	}
	return result;
}

static int file_read(struct reading *reading, const char *service)
{
	int result = -ENOENT;

	if (reading->includes >= INCLUDES_MAX || reading->files >= FILES_MAX)
		return 0;
	reading->files++;
	reading->includes++;
	for (size_t i = 0; i < PAM_STACK_FOLDERS && result == -ENOENT; i++) {
		CLEANUP_FREE char *path = NULL;

		/* An include may name a path. */
		if (asprintf(&path, "%s%s%s", *service == '/' ? "" : pam_folders[i],
			     *service == '/' ? "" : "/", service) < 0)
			return -ENOMEM;
		CLEANUP_FILE FILE *file = lines_open(path);

		if (file)
			result = lines_read(reading, path, file);
		else if (errno == EACCES)
			result = -EACCES;
	}
	reading->includes--;
	/* If an included file is missing, libpam fails the login. */
	return result == -ENOENT && reading->includes ? 0 : result;
}

int pam_stack_read(const char *service, const char *type, struct pam_stack *out)
{
	struct reading reading = {.type = type, .stack = out};

	int result;

	*out = (struct pam_stack){0};
	result = file_read(&reading, service);
	return result || out->count ? result : file_read(&reading, "other");
}

const char *pam_line_module(const struct pam_line *line)
{
	const char *slash = strrchr(line->module, '/');

	return slash ? slash + 1 : line->module;
}

/* The action for a result in brackets. Without one, and without a default, it is "bad". */
static void control_action(const struct pam_line *line, const char *result, char out[32])
{
	CLEANUP_FREE char *copy = strdup(line->control);
	char *rest = copy, *pair;
	bool named = false;

	snprintf(out, 32, "bad");
	while (copy && (pair = strsep(&rest, " \t"))) {
		char *action = strchr(pair, '=');

		if (!action)
			continue;
		*action++ = '\0';
		if (strcmp(pair, result) != 0 && (named || strcmp(pair, "default") != 0))
			continue;
		named |= strcmp(pair, result) == 0;
		snprintf(out, 32, "%s", action);
	}
}

/* Does a jump past this many modules of its own stack pass the target? A substack counts as one. */
static bool jump_passes(const struct pam_stack *stack, size_t i, const char *jump, size_t target)
{
	unsigned long left = isdigit((unsigned char)*jump) ? strtoul(jump, NULL, 10) : 0;
	unsigned depth = stack->lines[i].depth;
	size_t at = i;

	while (left && at + 1 < stack->count && stack->lines[at + 1].depth >= depth) {
		do
			at++;
		while (at + 1 < stack->count && stack->lines[at + 1].depth > depth);
		left--;
	}
	/* A jump past the end fails the login. */
	return !left && at >= target;
}

/* Is the target in the same substack or in one below, so that an end of this
 * stack comes before it? */
static bool same_stack(const struct pam_stack *stack, size_t i, size_t target)
{
	for (size_t at = i; at <= target; at++)
		if (stack->lines[at].depth < stack->lines[i].depth)
			return false;
	return true;
}

/* A jump for a result other than success. */
static bool result_jumps(const struct pam_stack *stack, size_t i, size_t target)
{
	CLEANUP_FREE char *copy = strdup(stack->lines[i].control);
	char *rest = copy, *pair;

	while (copy && (pair = strsep(&rest, " \t"))) {
		const char *action = strchr(pair, '=');

		if (action && strncmp(pair, "success=", strlen("success=")) != 0 &&
		    jump_passes(stack, i, action + 1, target))
			return true;
	}
	return false;
}

enum pam_skip pam_line_skips(const struct pam_stack *stack, size_t i, size_t target)
{
	const struct pam_line *line = &stack->lines[i];
	char action[32];

	if (!*line->module)
		return SKIP_NEVER;
	if (strcmp(line->control, "sufficient") == 0)
		return same_stack(stack, i, target) ? SKIP_SUCCESS : SKIP_NEVER;
	control_action(line, "success", action);
	if ((strcmp(action, "done") == 0 && same_stack(stack, i, target)) ||
	    jump_passes(stack, i, action, target))
		return SKIP_SUCCESS;
	return result_jumps(stack, i, target) ? SKIP_RESULT : SKIP_NEVER;
}

bool pam_line_required(const struct pam_line *line)
{
	char action[32];

	if (strcmp(line->control, "required") == 0 || strcmp(line->control, "requisite") == 0)
		return true;
	if (!strchr(line->control, '='))
		return false;
	/* The module refuses with PAM_PERM_DENIED. */
	control_action(line, "perm_denied", action);
	return strcmp(action, "bad") == 0 || strcmp(action, "die") == 0;
}

size_t pam_modules_find(glob_t *found)
{
	static const char *const patterns[] = {"/lib/security/" PAM_MODULE,
					       "/lib64/security/" PAM_MODULE,
					       "/lib/*/security/" PAM_MODULE};

	*found = (glob_t){0};
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		(void)glob(patterns[i], GLOB_NOSORT | (i ? GLOB_APPEND : 0), NULL, found);
	return found->gl_pathc;
}
