/*
 * Output for people and for programs: tables, JSON, times, sizes.
 *
 * Names come from users and from the network, so these functions let no byte through that a
 * terminal or a JSON reader would act on. Write errors show in ferror(out).
 */
#ifndef PAM_NETNS_TEXT_H
#define PAM_NETNS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define TEXT_TIME_MAX 32
#define TEXT_SIZE_MAX 16

/* Control characters (C0, DEL, C1) and invalid bytes become '?'. */
void text_print(FILE *out, const char *text);
size_t text_width(const char *text); /* characters that text_print writes */

/* A JSON string with its quotes; an invalid byte becomes U+FFFD. */
void json_string(FILE *out, const char *text);

/* RFC 3339 in UTC, "2026-01-31T23:59:59Z". Returns text. */
const char *time_utc(time_t when, char text[TEXT_TIME_MAX]);
/* For people: local time, "2026-01-31 23:59". */
const char *time_local(time_t when, char text[TEXT_TIME_MAX]);
/* "0", "999", "1.5K", "12M", powers of 1024. */
const char *size_text(uint64_t bytes, char text[TEXT_SIZE_MAX]);

/* Rows of cells. Each column is as wide as its widest cell; no cell is cut. */
struct table {
	const char *const *headings;
	const char *align; /* one letter a column: 'l' or 'r' */
	size_t columns;
	char **cells; /* rows * columns */
	size_t count, room;
	int failed; /* a cell could not be stored; table_print() then prints nothing */
};

void table_init(struct table *table, const char *const *headings, const char *align);
void table_cell(struct table *table, const char *text); /* "" shows as "-"; copied */
/* Every line begins with indent. Returns 0 or -ENOMEM. */
int table_print(const struct table *table, FILE *out, const char *indent);
void table_free(struct table *table);
#define CLEANUP_TABLE __attribute__((cleanup(table_free)))

#endif
