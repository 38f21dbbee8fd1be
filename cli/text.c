/* Text for people and for programs; see text.h. */
#include "text.h"

#include <stdbool.h>
#include <string.h>

size_t text_character(const char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t first; /* smallest code point that needs this many bytes */
	} forms[] = {{0x80, 0, 1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const unsigned char *byte = (const unsigned char *)text;

	for (size_t size = 1; size <= 4; size++) {
		uint32_t point = *byte & (unsigned char)~forms[size - 1].mask;

		if ((*byte & forms[size - 1].mask) != forms[size - 1].lead)
			continue;
		for (size_t i = 1; i < size; i++) {
			if ((byte[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (byte[i] & 0x3f);
		}
		if (point < forms[size - 1].first || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return 0;
		return size;
	}
	return 0;
}

static bool is_control(const char *text, size_t size)
{
	unsigned char first = (unsigned char)text[0];

	if (size == 1)
		return first < 0x20 || first == 0x7f;
	return size == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0;
}

void text_print(FILE *out, const char *text)
{
	while (*text) {
		size_t size = text_character(text);

		if (size == 0 || is_control(text, size))
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
		size_t size = text_character(text);

		text += size ? size : 1;
	}
	return width;
}

void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		size_t size = text_character(text);

		if (size == 0)
			fputs("\\ufffd", out);
		else if (is_control(text, size))
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
