/* The conf file's syntax; see conf_text.h. */
#include "conf_text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define BLANKS	       " \t"
#define CONF_VALUE_MAX 16384

/* One pass over a file. */
struct pass {
	const char *next, *end;
	struct conf_report *report;
	struct conf_text *out;
	struct conf_section *section; /* the open one; NULL before the first */
	unsigned line;
	bool continued; /* an indented line now continues the section's last entry */
	int error;
};

static void pass_report(struct pass *pass, const char *key, const char *value, const char *problem)
{
	const struct conf_place place = {
	    .line = pass->line,
	    .section = pass->section ? pass->section->title : NULL,
	    .key = key,
	    .value = value,
	};

	conf_report_add(pass->report, &place, "%s", problem);
}

/* Makes room for one more item in an array that grows by doubling. */
static int array_grow(void **array, size_t count, size_t item)
{
	void *bigger;

	/* Full at 0, 1, 2, 4, 8, … items. */
	if (count & (count - 1))
		return 0;
	bigger = reallocarray(*array, count ? count * 2 : 1, item);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	return 0;
}

/* "[  network   lab ]" is "network lab". */
static void words_join(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (!strchr(BLANKS, *from))
			*to++ = *from;
		else if (to > text && !strchr(BLANKS, to[-1]))
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static int section_open(struct pass *pass, const char *title)
{
	struct conf_text *out = pass->out;
	struct conf_section *section;

	if (array_grow((void **)&out->sections, out->sections_count, sizeof(*section)))
		return -ENOMEM;
	section = &out->sections[out->sections_count];
	*section = (struct conf_section){.line = pass->line, .title = strdup(title)};
	if (!section->title)
		return -ENOMEM;
	words_join(section->title);
	out->sections_count++;
	pass->section = section;
	pass->continued = false;
	return 0;
}

/* text is a whole line that begins with '['. What is wrong with it is reported, its keys kept. */
static void header_read(struct pass *pass, char *text)
{
	char *close = strchr(text, ']');

	if (pass->out->sections_count == CONF_SECTIONS_MAX) {
		const struct conf_place place = {.line = pass->line};

		conf_report_add(pass->report, &place,
				"more sections than %d; what follows was not read",
				CONF_SECTIONS_MAX);
		pass->error = -E2BIG;
		return;
	}
	if (close) {
		*close++ = '\0';
		close += strspn(close, BLANKS);
	}
	pass->error = section_open(pass, text + 1);
	if (pass->error)
		return;
	if (!close)
		pass_report(pass, NULL, NULL, "the section's name has no end; write [NAME]");
	else if (*close)
		pass_report(pass, NULL, close,
			    "text after a section's name; begin a new line, or a comment with ;");
}

/* Cuts an inline comment (" ;") and trailing blanks, a carriage return among them. */
static void comment_cut(char *line)
{
	size_t length;

	for (char *c = strchr(line, ';'); c; c = strchr(c + 1, ';')) {
		if (c == line || strchr(BLANKS, c[-1])) {
			*c = '\0';
			break;
		}
	}
	for (length = strlen(line); length && strchr(" \t\r", line[length - 1]); length--)
		line[length - 1] = '\0';
}

static void byte_report(struct pass *pass, unsigned char byte, size_t column)
{
	const struct conf_place place = {.line = pass->line};

	conf_report_add(pass->report, &place,
			"byte 0x%02x in column %zu; the file must be plain text", byte, column);
}

/* The line's bytes up to its newline. False where text has no business to hold such bytes. */
static bool bytes_check(struct pass *pass, const char *line, size_t length)
{
	if (pass->line == 1 && length >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
		pass_report(pass, NULL, NULL,
			    "the file begins with a byte order mark; save it without one");
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)line[i];

		if ((byte >= 0x20 && byte != 0x7f) || byte == '\t' ||
		    (byte == '\r' && i == length - 1))
			continue;
		byte_report(pass, byte, i + 1);
		return false;
	}
	return true;
}

/* As little as a lost last digit changes what the file means. */
static void cut_off_report(struct pass *pass, const char *line, size_t length)
{
	CLEANUP_FREE char *copy = strndup(line, length);

	pass_report(
	    pass, NULL, copy,
	    "the last line has no newline: the file may have been cut off; end it with one");
}

static bool line_is_comment(const char *line, size_t length)
{
	while (length && strchr(BLANKS, *line)) {
		line++;
		length--;
	}
	return !length || *line == '#' || *line == ';';
}

static void value_report(struct pass *pass, const char *key, const char *value)
{
	const struct conf_place place = {pass->line, pass->section->title, key, value};

	conf_report_add(pass->report, &place, "the value is longer than %d bytes; shorten it",
			CONF_VALUE_MAX);
}

static int entry_add(struct pass *pass, const char *key, const char *value)
{
	struct conf_section *section = pass->section;
	struct conf_entry entry = {.line = pass->line};

	if (array_grow((void **)&section->entries, section->entries_count, sizeof(entry)))
		return -ENOMEM;
	entry.key = strdup(key);
	entry.value = strdup(value);
	section->entries[section->entries_count++] = entry;
	pass->continued = true;
	return entry.key && entry.value ? 0 : -ENOMEM;
}

static int entry_continue(struct pass *pass, const char *value)
{
	struct conf_entry *last = &pass->section->entries[pass->section->entries_count - 1];
	char *joined;

	if (strlen(last->value) + strlen(value) >= CONF_VALUE_MAX) {
		value_report(pass, last->key, last->value);
		return 0;
	}
	if (asprintf(&joined, "%s%s%s", last->value, *last->value ? " " : "", value) < 0)
		return -ENOMEM;
	free(last->value);
	last->value = joined;
	return 0;
}

/* "key = value", with equals the first of its '='. */
static int entry_read(struct pass *pass, char *key, char *equals)
{
	char *value = equals + 1 + strspn(equals + 1, BLANKS);

	while (equals > key && strchr(BLANKS, equals[-1]))
		equals--;
	*equals = '\0';
	if (strlen(value) < CONF_VALUE_MAX && *key)
		return entry_add(pass, key, value);
	if (*key)
		value_report(pass, key, value);
	else
		pass_report(pass, NULL, value, "there is no key before the =; write key = value");
	return 0;
}

/* A line that is more than a comment. */
static void line_read(struct pass *pass, char *text)
{
	char *start = text + strspn(text, BLANKS), *equals;
	bool indented = start > text;

	comment_cut(text);
	equals = strchr(start, '=');
	if (!*start)
		return;
	if (*start == '[')
		header_read(pass, start);
	else if (!pass->section)
		pass_report(pass, NULL, start,
			    "stands before any section; begin with [defaults], "
			    "[network NAME] or [profile NAME]");
	else if (indented && (!pass->continued || equals))
		pass_report(pass, NULL, start,
			    "begins with a blank, so it would continue the value "
			    "above; begin a key in the first column");
	else if (indented)
		pass->error = entry_continue(pass, start);
	else if (!equals)
		pass_report(pass, NULL, start,
			    "is neither a section nor a key; write key = value, and "
			    "indent a line that continues a value");
	else
		pass->error = entry_read(pass, start, equals);
}

static void line_next(struct pass *pass)
{
	const char *line = pass->next;
	const char *newline = memchr(line, '\n', (size_t)(pass->end - line));
	size_t length = (size_t)((newline ? newline : pass->end) - line);
	CLEANUP_FREE char *copy = NULL;

	pass->line++;
	pass->next = newline ? newline + 1 : pass->end;
	if (!newline)
		cut_off_report(pass, line, length);
	if (!bytes_check(pass, line, length) || line_is_comment(line, length))
		return;
	copy = strndup(line, length);
	if (copy)
		line_read(pass, copy);
	else
		pass->error = -ENOMEM;
}

int conf_text_parse(const char *text, size_t size, struct conf_report *report,
		    struct conf_text *out)
{
	struct pass pass = {.next = text, .end = text + size, .report = report, .out = out};

	*out = (struct conf_text){0};
	while (!pass.error && pass.next < pass.end)
		line_next(&pass);
	return pass.error == -ENOMEM ? -ENOMEM : 0;
}

void conf_text_free(struct conf_text *text)
{
	for (size_t i = 0; i < text->sections_count; i++) {
		struct conf_section *section = &text->sections[i];

		for (size_t j = 0; j < section->entries_count; j++) {
			free(section->entries[j].key);
			free(section->entries[j].value);
		}
		free(section->entries);
		free(section->title);
	}
	free(text->sections);
	*text = (struct conf_text){0};
}

const struct conf_entry *conf_section_entry(const struct conf_section *section, const char *key)
{
	for (size_t i = 0; i < section->entries_count; i++)
		if (!strcmp(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}
