/* The form of a packet; see packet.h. */
#include "call/packet.h"

#include <errno.h>
#include <string.h>

#define NUMBER_TEXT_MAX 21 /* of 2^64-1, with its NUL */

static void put_bytes(struct packet_writer *writer, const char *bytes, size_t size)
{
	if (writer->full || size > writer->size - writer->used) {
		writer->full = true;
		return;
	}
	memcpy(writer->packet + writer->used, bytes, size);
	writer->used += size;
}

void packet_begin(struct packet_writer *writer, char *packet, size_t size, const char *kind)
{
	*writer = (struct packet_writer){.packet = packet, .size = size};
	put_bytes(writer, kind, strlen(kind) + 1);
}

void packet_put_text(struct packet_writer *writer, const char *key, const char *value)
{
	put_bytes(writer, key, strlen(key));
	put_bytes(writer, "=", 1);
	put_bytes(writer, value, strlen(value) + 1);
}

void packet_put_number(struct packet_writer *writer, const char *key, uint64_t value)
{
	char text[NUMBER_TEXT_MAX];
	char *at = text + sizeof(text) - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	packet_put_text(writer, key, at);
}

ssize_t packet_end(struct packet_writer *writer)
{
	packet_put_text(writer, "end", "");
	return writer->full ? -EMSGSIZE : (ssize_t)writer->used;
}

/* The text up to the next NUL; moves the reader past it. NULL: there is none. */
static const char *take_text(struct packet_reader *reader)
{
	const char *text = reader->at;
	size_t length = strnlen(text, reader->left);

	if (length == reader->left)
		return NULL;
	reader->at += length + 1;
	reader->left -= length + 1;
	return text;
}

bool packet_open(struct packet_reader *reader, const char *packet, size_t size, const char *kind)
{
	const char *found;

	*reader = (struct packet_reader){.at = packet, .left = size};
	found = take_text(reader);
	return found && strcmp(found, kind) == 0;
}

const char *packet_take(struct packet_reader *reader, const char *key)
{
	struct packet_reader ahead = *reader;
	const char *text = take_text(&ahead);
	size_t length = strlen(key);

	if (!text || strncmp(text, key, length) != 0 || text[length] != '=')
		return NULL;
	*reader = ahead;
	return text + length + 1;
}

bool packet_take_number(struct packet_reader *reader, const char *key, uint64_t max,
			uint64_t *value)
{
	const char *text = packet_take(reader, key);
	uint64_t number = 0;

	if (!text || !*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned char)*text - '0';

		if (digit > 9 || digit > max || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return true;
}

bool packet_close(struct packet_reader *reader)
{
	const char *text = packet_take(reader, "end");

	return text && !*text && reader->left == 0;
}
