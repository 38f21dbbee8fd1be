/* A file with this text. */
#ifndef TEXT_WRITE_H
#define TEXT_WRITE_H

#include <stdio.h>

static void text_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#endif
