/* The conf file's syntax; see conf/text.h. */
#include "conf/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define CONF_VALUE_MAX 16384

/* One pass over a file. */
struct pass {
	char *next, *end;
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

/* Makes room for one more item in an array that is full at 0, 8, 16, 32, 64, ... items. */
static int array_grow(void **array, size_t count, size_t item)
{
	void *bigger;

	if (count & (count - 1) || (count && count < 8))
		return 0;
	bigger = reallocarray(*array, count ? count * 2 : 8, item);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *blanks_skip(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

/* "[  network   lab ]" is "network lab". */
static void words_join(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (!is_blank(*from))
			*to++ = *from;
		else if (to > text && !is_blank(to[-1]))
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static int section_open(struct pass *pass, char *title)
{
	struct conf_text *out = pass->out;
	struct conf_section *section;

	if (array_grow((void **)&out->sections, out->sections_count, sizeof(*section)))
		return -ENOMEM;
	section = &out->sections[out->sections_count];
	*section = (struct conf_section){.line = pass->line, .title = title};
	words_join(title);
	out->sections_count++;
	pass->section = section;
	pass->continued = false;
	return 0;
}

/* text is a whole line that begins with '['. Its errors are reported, and its keys are kept. */
static void header_read(struct pass *pass, char *text)
{
	char *close = strchr(text, ']');

	if (pass->out->sections_count == CONF_SECTIONS_MAX) {
		const struct conf_place place = {.line = pass->line};

		conf_report_add(pass->report, &place,
				"the file has more than %d sections; the rest was not read",
				CONF_SECTIONS_MAX);
		pass->error = -E2BIG;
		return;
	}
	if (close) {
		*close++ = '\0';
		close = blanks_skip(close);
	}
	pass->error = section_open(pass, text + 1);
	if (pass->error)
		return;
	if (!close)
		pass_report(pass, NULL, NULL, "the section's name has no end; write [NAME]");
	else if (*close)
		pass_report(pass, NULL, close,
			    "stands after a section's name; begin a new line, or a comment with ;");
}

/* Removes an inline comment (" ;") and trailing blanks, also a carriage return. */
static void comment_cut(char *line)
{
	size_t length;

	for (char *c = strchr(line, ';'); c; c = strchr(c + 1, ';')) {
		if (c == line || is_blank(c[-1])) {
			*c = '\0';
			break;
		}
	}
	for (length = strlen(line);
	     length && (is_blank(line[length - 1]) || line[length - 1] == '\r'); length--)
		line[length - 1] = '\0';
}

static void byte_report(struct pass *pass, unsigned char byte, size_t column)
{
	const struct conf_place place = {.line = pass->line};

	conf_report_add(pass->report, &place,
			"byte 0x%02x in column %zu; the file must be plain text", byte, column);
}

/* The line's bytes up to its newline. False: a text does not have such bytes. */
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

static void value_report(struct pass *pass, const char *key, const char *value)
{
	const struct conf_place place = {pass->line, pass->section->title, key, value};

	conf_report_add(pass->report, &place, "the value is longer than %d bytes; shorten it",
			CONF_VALUE_MAX);
}

static int entry_add(struct pass *pass, char *key, char *value)
{
	struct conf_section *section = pass->section;

	if (array_grow((void **)&section->entries, section->entries_count,
		       sizeof(*section->entries)))
		return -ENOMEM;
	section->entries[section->entries_count++] =
	    (struct conf_entry){.key = key, .value = value, .line = pass->line};
	pass->continued = true;
	return 0;
}

/* There is room after the last value: it is followed by its newline and a blank. */
static void entry_continue(struct pass *pass, const char *value)
{
	struct conf_entry *last = &pass->section->entries[pass->section->entries_count - 1];
	size_t used = strlen(last->value), length = strlen(value);

	if (used + length >= CONF_VALUE_MAX) {
		value_report(pass, last->key, last->value);
		return;
	}
	if (used)
		last->value[used++] = ' ';
	memmove(last->value + used, value, length + 1);
}

/* "key = value", with equals the first of its '='. */
static int entry_read(struct pass *pass, char *key, char *equals)
{
	char *value = blanks_skip(equals + 1);

	while (equals > key && is_blank(equals[-1]))
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

static void line_read(struct pass *pass, char *text)
{
	char *start = blanks_skip(text), *equals;
	bool indented = start > text;

	if (!*start || *start == '#' || *start == ';')
		return;
	comment_cut(text);
	if (!*start)
		return;
	equals = strchr(start, '=');
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
		entry_continue(pass, start);
	else if (!equals)
		pass_report(pass, NULL, start,
			    "is neither a section nor a key; write key = value, and "
			    "indent a line that continues a value");
	else
		pass->error = entry_read(pass, start, equals);
}

static void line_next(struct pass *pass)
{
	char *line = pass->next;
	char *newline = memchr(line, '\n', (size_t)(pass->end - line));
	size_t length = (size_t)((newline ? newline : pass->end) - line);

	pass->line++;
	pass->next = newline ? newline + 1 : pass->end;
	line[length] = '\0';
	/* The loss of a single last digit could change the meaning. */
	if (!newline)
		pass_report(pass, NULL, line,
			    "the last line has no newline: the file may have been cut off; "
			    "end it with one");
	if (bytes_check(pass, line, length))
		line_read(pass, line);
}

int conf_text_parse(char *text, size_t size, struct conf_report *report, struct conf_text *out)
{
	struct pass pass = {.report = report, .out = out};

	*out = (struct conf_text){0};
	pass.next = text;
	pass.end = text + size;
	while (!pass.error && pass.next < pass.end)
		line_next(&pass);
	return pass.error == -ENOMEM ? -ENOMEM : 0;
}

void conf_text_free(struct conf_text *text)
{
	for (size_t i = 0; i < text->sections_count; i++)
		free(text->sections[i].entries);
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
