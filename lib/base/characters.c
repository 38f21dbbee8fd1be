/* The bytes that a terminal would act on; see characters.h. */
#include "base/characters.h"

#include <stdint.h>
#include <string.h>

size_t character_length(const char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t first; /* the smallest code point that needs this many bytes */
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

size_t control_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	if (!*byte)
		return 0;
	switch (character_length(text)) {
	case 0:
		return *byte >= 0x80 && *byte < 0xa0 ? 1 : 0;
	case 1:
		return *byte < 0x20 || *byte == 0x7f ? 1 : 0;
	case 2:
		return *byte == 0xc2 && byte[1] < 0xa0 ? 2 : 0;
	default:
		return 0;
	}
}

bool text_has_control(const char *text)
{
	while (*text) {
		size_t size = character_length(text);

		if (control_length(text))
			return true;
		text += size ? size : 1;
	}
	return false;
}

void text_replace_controls(char *text)
{
	char *out = text;

	while (*text) {
		size_t size = control_length(text), kept = 0;

		if (size)
			*out++ = '?';
		else
			kept = character_length(text) ?: 1;
		for (text += size; kept; kept--)
			*out++ = *text++;
	}
	*out = '\0';
}

bool text_set(char *field, size_t size, const char *value)
{
	if (!value)
		value = "";
	field[0] = '\0';
	if (strnlen(value, size) == size || text_has_control(value))
		return false;
	strcpy(field, value);
	return true;
}
