/* Errors in a conf file; see conf/report.h. */
#include "conf/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define PROBLEM_TEXT_MAX 640
#define SHOWN_NAME_MAX	 48
#define SHOWN_VALUE_MAX	 128

const char *conf_printable(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (const char *c = text; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		size_t wanted = byte >= 0x20 && byte < 0x7f ? 1 : 4;

		/* Leaves room for "..." and the NUL. */
		if (used + wanted + 4 > size) {
			strcpy(out + used, "...");
			return out;
		}
		if (wanted == 1)
			out[used] = (char)byte;
		else
			snprintf(out + used, wanted + 1, "\\x%02x", byte);
		used += wanted;
	}
	out[used] = '\0';
	return out;
}

/* "[section] key = value: ", the known parts of it. */
static void format_place(const struct conf_place *place, char *out, size_t size)
{
	char section[SHOWN_NAME_MAX * 2];
	char key[SHOWN_NAME_MAX];
	char value[SHOWN_VALUE_MAX];

	out[0] = '\0';
	if (place->section)
		snprintf(out, size, "[%s]%s",
			 conf_printable(place->section, section, sizeof(section)),
			 place->key || place->value ? " " : ": ");
	size -= strlen(out);
	out += strlen(out);
	if (place->key && place->value)
		snprintf(out, size, "%s = %s: ", conf_printable(place->key, key, sizeof(key)),
			 conf_printable(place->value, value, sizeof(value)));
	else if (place->key)
		snprintf(out, size, "%s: ", conf_printable(place->key, key, sizeof(key)));
	else if (place->value)
		snprintf(out, size, "%s: ", conf_printable(place->value, value, sizeof(value)));
}

void conf_report_add(struct conf_report *report, const struct conf_place *place, const char *format,
		     ...)
{
	char text[PROBLEM_TEXT_MAX];
	struct conf_problem *problem;
	va_list args;
	size_t used;

	if (report->count++ >= CONF_PROBLEMS_MAX)
		return;
	format_place(place, text, sizeof(text));
	used = strlen(text);
	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	problem = &report->problems[report->count - 1];
	problem->line = place->line;
	problem->order = (unsigned)report->count;
	problem->text = strdup(text);
}

static int problem_compare(const void *left, const void *right)
{
	const struct conf_problem *a = left, *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void conf_report_log(struct conf_report *report)
{
	size_t shown = report->count < CONF_PROBLEMS_MAX ? report->count : CONF_PROBLEMS_MAX;

	qsort(report->problems, shown, sizeof(report->problems[0]), problem_compare);
	for (size_t i = 0; i < shown; i++) {
		const struct conf_problem *problem = &report->problems[i];
		const char *text = problem->text ? problem->text : "out of memory";

		if (problem->line)
			log_error("%s:%u: %s", report->file, problem->line, text);
		else
			log_error("%s: %s", report->file, text);
		free(problem->text);
	}
	if (report->count > shown)
		log_error("%s: and %zu more errors", report->file, report->count - shown);
	report->count = 0;
}
