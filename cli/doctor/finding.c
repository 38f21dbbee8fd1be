/* pam-netns doctor: findings as lines, or as JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../text.h"
#include "doctor.h"

#define ARROW " -> "

static const struct {
	const char *check, *line, *json;
} words[] = {
    [LEVEL_OK] = {NULL, "ok  ", "ok"},
    [LEVEL_NOTE] = {"note", "note", "note"},
    [LEVEL_WARNING] = {"warning", "warn", "warning"},
    [LEVEL_PROBLEM] = {"problem", "FAIL", "problem"},
    [LEVEL_SKIPPED] = {NULL, "skip", "skipped"},
};

static void line_print(FILE *out, const struct finding *finding, const char *arrow)
{
	if (finding->file)
		text_print(out, finding->file);
	if (finding->file && finding->line)
		fprintf(out, ":%u", finding->line);
	if (finding->file)
		fputs(": ", out);
	text_print(out, finding->what);
	if (finding->remedy) {
		fputs(arrow, out);
		text_print(out, finding->remedy);
	}
	fputc('\n', out);
}

static void member_print(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	if (value)
		json_string(stdout, value);
	else
		fputs("null", stdout);
}

static void json_print(const struct finding *finding, bool first)
{
	printf("%s{\"id\":\"%s\",\"level\":\"%s\"", first ? "[" : ",\n", finding->id,
	       words[finding->level].json);
	member_print("file", finding->file);
	if (finding->line)
		printf(",\"line\":%u", finding->line);
	else
		fputs(",\"line\":null", stdout);
	member_print("what", finding->what);
	member_print("remedy", finding->remedy);
	putchar('}');
}

void finding_print(struct doctor *doctor, const struct finding *finding)
{
	bool lines = doctor->format == FORMAT_LINES;

	if (doctor->format == FORMAT_JSON) {
		json_print(finding, !doctor->printed);
	} else if (lines ||
		   (doctor->format == FORMAT_PROBLEMS && finding->level == LEVEL_PROBLEM)) {
		FILE *out = lines ? stdout : stderr;

		fprintf(out, "%s %s: ", words[finding->level].line, finding->id);
		line_print(out, finding, ARROW);
	} else if (doctor->format == FORMAT_CHECK && words[finding->level].check) {
		printf("%s: ", words[finding->level].check);
		line_print(stdout, finding, ": ");
	}
	doctor->printed++;
	doctor->found++;
	doctor->warnings += finding->level == LEVEL_WARNING;
	doctor->problems += finding->level == LEVEL_PROBLEM;
}

void finding_end(const struct doctor *doctor)
{
	const char *many = doctor->warnings == 1 ? "" : "s";

	if (doctor->format == FORMAT_PROBLEMS)
		fputs(doctor->problems ? "run pam-netns doctor: it shows all findings\n" : "",
		      stderr);
	else if (doctor->format == FORMAT_JSON)
		puts("]");
	else if (doctor->problems)
		printf("%u problem%s, %u warning%s\n", doctor->problems,
		       doctor->problems == 1 ? "" : "s", doctor->warnings, many);
	else if (doctor->format == FORMAT_LINES)
		printf("no problem, %u warning%s\n", doctor->warnings, many);
	else if (doctor->warnings)
		printf("ok, with %u warning%s\n", doctor->warnings, many);
	else
		puts("ok");
}

static void report(struct doctor *doctor, struct finding *finding, const char *format, va_list args)
{
	CLEANUP_FREE char *text = NULL;
	char *arrow;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	arrow = text ? strstr(text, ARROW) : NULL;
	if (arrow) {
		*arrow = '\0';
		finding->remedy = arrow + strlen(ARROW);
	}
	finding->id = doctor->id;
	finding->what = text ?: "no memory for the text of this finding";
	finding_print(doctor, finding);
	finding->what = finding->remedy = NULL; /* they point into text */
}

void doctor_problem(struct doctor *doctor, const char *format, ...)
{
	struct finding finding = {.level = LEVEL_PROBLEM};
	va_list args;

	va_start(args, format);
	report(doctor, &finding, format, args);
	va_end(args);
}

void doctor_warning(struct doctor *doctor, const char *format, ...)
{
	struct finding finding = {.level = LEVEL_WARNING};
	va_list args;

	va_start(args, format);
	report(doctor, &finding, format, args);
	va_end(args);
}

void doctor_note(struct doctor *doctor, const char *format, ...)
{
	struct finding finding = {.level = LEVEL_NOTE};
	va_list args;

	va_start(args, format);
	report(doctor, &finding, format, args);
	va_end(args);
}

void doctor_at(struct doctor *doctor, enum level level, const char *file, unsigned line,
	       const char *format, ...)
{
	struct finding finding = {.level = level, .file = file, .line = line};
	va_list args;

	va_start(args, format);
	report(doctor, &finding, format, args);
	va_end(args);
}
