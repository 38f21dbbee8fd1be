/* Text for people and for programs; see text.h. */
#include "text.h"

#include <string.h>

#include "base/characters.h"

void text_print(FILE *out, const char *text)
{
	while (*text) {
		size_t size = character_length(text);

		if (size == 0 || control_length(text))
			fputc('?', out);
		else
			fwrite(text, 1, size, out);
		text += size ? size : 1;
	}
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; width++) {
		size_t size = character_length(text);

		text += size ? size : 1;
	}
	return width;
}

void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		size_t size = character_length(text);

		if (size == 0)
			fputs("\\ufffd", out);
		else if (control_length(text))
			fprintf(out, "\\u%04x", (unsigned char)text[size - 1]);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fwrite(text, 1, size, out);
		text += size ? size : 1;
	}
	fputc('"', out);
}

const char *time_utc(time_t when, char text[TEXT_TIME_MAX])
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(text, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(text, "?");
	return text;
}

const char *time_local(time_t when, char text[TEXT_TIME_MAX])
{
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(text, TEXT_TIME_MAX, "%Y-%m-%d %H:%M", &tm))
		strcpy(text, "?");
	return text;
}

const char *size_text(uint64_t bytes, char text[TEXT_SIZE_MAX])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;

	for (; value >= 1023.5 && units[unit + 1]; unit++)
		value /= 1024;
	if (unit < 0)
		snprintf(text, TEXT_SIZE_MAX, "%u", (unsigned)bytes);
	else
		snprintf(text, TEXT_SIZE_MAX, value < 9.95 ? "%.1f%c" : "%.0f%c", value,
			 units[unit]);
	return text;
}
