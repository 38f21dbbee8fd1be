/* Tables with aligned columns; see text.h. */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void table_init(struct table *table, const char *const *headings, const char *align)
{
	*table = (struct table){.headings = headings, .align = align, .columns = strlen(align)};
}

void table_cell(struct table *table, const char *text)
{
	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		char **cells = reallocarray(table->cells, room, sizeof(*cells));

		if (!cells) {
			table->failed = 1;
			return;
		}
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->count] = strdup(*text ? text : "-");
	if (!table->cells[table->count])
		table->failed = 1;
	else
		table->count++;
}

static void spaces(FILE *out, size_t count)
{
	while (count--)
		fputc(' ', out);
}

/* No blanks after the last column: they would wrap on a narrow terminal. */
static void row_print(const struct table *table, FILE *out, const char *const *row,
		      const size_t *widths, const char *indent)
{
	fputs(indent, out);
	for (size_t i = 0; i < table->columns; i++) {
		size_t padding = widths[i] - text_width(row[i]);

		if (table->align[i] == 'r')
			spaces(out, padding);
		text_print(out, row[i]);
		if (i + 1 < table->columns)
			spaces(out, 2 + (table->align[i] == 'l' ? padding : 0));
	}
	fputc('\n', out);
}

int table_print(const struct table *table, FILE *out, const char *indent)
{
	size_t *widths = calloc(table->columns, sizeof(*widths));

	if (!widths || table->failed) {
		free(widths);
		return -ENOMEM;
	}
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = text_width(table->headings[i]);
	for (size_t i = 0; i < table->count; i++) {
		size_t width = text_width(table->cells[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	row_print(table, out, table->headings, widths, indent);
	for (size_t i = 0; i + table->columns <= table->count; i += table->columns)
		row_print(table, out, (const char *const *)table->cells + i, widths, indent);
	free(widths);
	return 0;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
}
