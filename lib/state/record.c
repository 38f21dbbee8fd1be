/* Records: a struct as key=value lines. See record.h. */
#include "state/record.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/address.h"
#include "base/characters.h"
#include "base/files.h"

#define RECORD_END "end\n"

static uint64_t number_get(const struct record_field *field, const void *member)
{
	uint32_t small;
	uint64_t number;

	if (field->size == sizeof(small)) {
		memcpy(&small, member, sizeof(small));
		return small;
	}
	memcpy(&number, member, sizeof(number));
	return number;
}

static bool number_set(const struct record_field *field, const char *value, void *member)
{
	uint64_t number;
	uint32_t small;
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || *end)
		return false;
	if (field->size == sizeof(number)) {
		memcpy(member, &number, sizeof(number));
		return true;
	}
	small = (uint32_t)number;
	memcpy(member, &small, sizeof(small));
	return small == number;
}

static bool address_set(const char *value, struct address *out)
{
	*out = (struct address){0};
	return !strcmp(value, "none") || address_parse(value, out) == 0;
}

/* sscanf(3) accepts spaces, signs and short numbers too, so only the text of
 * mac_format() counts. */
static bool mac_set(const char *value, struct mac *out)
{
	uint8_t *b = out->bytes;
	char text[MAC_TEXT_MAX];

	return sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", b, b + 1, b + 2, b + 3, b + 4,
		      b + 5) == 6 &&
	       !strcmp(mac_format(out, text), value);
}

/* Text that grows in a buffer. If it did not fit, used is more than size. */
struct buffer {
	char *text;
	size_t used, size;
};

static void buffer_add(struct buffer *b, const char *text, size_t length)
{
	if (b->used <= b->size && length <= b->size - b->used)
		memcpy(b->text + b->used, text, length);
	else
		b->used = b->size + 1;
	if (b->used <= b->size)
		b->used += length;
}

static void buffer_add_string(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

#define RECORD_TEXT_MAX 512 /* bytes of one value, with its NUL */

static void buffer_add_printable(struct buffer *b, const char *text, size_t size)
{
	char copy[RECORD_TEXT_MAX];
	size_t length = strnlen(text, size);

	if (length >= sizeof(copy)) {
		b->used = b->size + 1;
		return;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	text_replace_controls(copy);
	buffer_add_string(b, copy);
}

static void value_format(const struct record_field *field, const void *member, struct buffer *b)
{
	char text[ADDRESS_TEXT_MAX];

	switch (field->kind) {
	case RECORD_TEXT:
		buffer_add_printable(b, member, field->size);
		break;
	case RECORD_NUMBER:
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number_get(field, member));
		buffer_add_string(b, text);
		break;
	case RECORD_ADDRESS:
		buffer_add_string(b, address_format(member, text));
		break;
	case RECORD_MAC:
		buffer_add_string(b, mac_format(member, text));
		break;
	}
}

static bool value_parse(const struct record_field *field, const char *value, void *member)
{
	size_t length = strlen(value);

	switch (field->kind) {
	case RECORD_TEXT:
		if (length >= field->size)
			return false;
		memset(member, 0, field->size);
		memcpy(member, value, length);
		return true;
	case RECORD_NUMBER:
		return number_set(field, value, member);
	case RECORD_ADDRESS:
		return address_set(value, member);
	case RECORD_MAC:
		return mac_set(value, member);
	}
	return false;
}

ssize_t record_format(const struct record_field *fields, size_t count, const void *object,
		      char *text, size_t size)
{
	struct buffer b = {.text = text, .size = size};

	for (size_t i = 0; i < count; i++) {
		buffer_add_string(&b, fields[i].key);
		buffer_add_string(&b, "=");
		value_format(&fields[i], (const char *)object + fields[i].offset, &b);
		buffer_add_string(&b, "\n");
	}
	buffer_add_string(&b, RECORD_END);
	return b.used > b.size ? -EMSGSIZE : (ssize_t)b.used;
}

/* The text is not on the stack: it takes fewer bytes than a page. */
int record_write(int dir, const char *name, const struct record_field *fields, size_t count,
		 const void *object)
{
	CLEANUP_FREE char *text = malloc(RECORD_FILE_MAX);
	ssize_t length =
	    text ? record_format(fields, count, object, text, RECORD_FILE_MAX) : -ENOMEM;

	return length < 0 ? (int)length
			  : files_write_atomic(dir, name, 0644, text, (size_t)length, false);
}

static const struct record_field *field_find(const struct record_field *fields, size_t count,
					     const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

/* Reads one line without its newline; *seen has a bit for each field that was read. */
static bool line_parse(const struct record_field *fields, size_t count, char *line, uint64_t *seen,
		       void *object)
{
	char *equals = strchr(line, '=');
	const struct record_field *field;
	uint64_t bit;

	if (!equals)
		return false;
	*equals = '\0';
	field = field_find(fields, count, line);
	if (!field)
		return true;
	bit = UINT64_C(1) << (field - fields);
	if (*seen & bit)
		return false;
	*seen |= bit;
	return value_parse(field, equals + 1, (char *)object + field->offset);
}

/* Are all required fields there? Missing optional fields become zeroes. */
static bool fields_complete(const struct record_field *fields, size_t count, uint64_t seen,
			    void *object)
{
	for (size_t i = 0; i < count; i++) {
		if (seen & UINT64_C(1) << i)
			continue;
		if (!fields[i].optional)
			return false;
		memset((char *)object + fields[i].offset, 0, fields[i].size);
	}
	return true;
}

int record_parse(const struct record_field *fields, size_t count, char *text, size_t size,
		 void *object)
{
	size_t end = sizeof(RECORD_END) - 1;
	uint64_t seen = 0;
	char *line = text, *last;

	if (size < end || memchr(text, '\0', size))
		return -EBADMSG;
	last = text + size - end;
	if (memcmp(last, RECORD_END, end) || (last > text && last[-1] != '\n'))
		return -EBADMSG;
	while (line < last) {
		char *newline = memchr(line, '\n', (size_t)(last - line));

		*newline = '\0';
		if (!line_parse(fields, count, line, &seen, object))
			return -EBADMSG;
		line = newline + 1;
	}
	return fields_complete(fields, count, seen, object) ? 0 : -EBADMSG;
}
