/*
 * The form of a packet between caller and helper: a kind and key=value fields, each closed by a
 * NUL.
 *
 * Private to message.c. No stdio, no allocation: all of it is async-signal-safe, because the child
 * between fork and exec writes a packet too.
 */
#ifndef PAM_NETNS_PACKET_H
#define PAM_NETNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* After a field that did not fit, full stays set and nothing more is written. */
struct packet_writer {
	char *packet;
	size_t used, size;
	bool full;
};

struct packet_reader {
	const char *at;
	size_t left;
};

void packet_begin(struct packet_writer *writer, char *packet, size_t size, const char *kind);
void packet_put_text(struct packet_writer *writer, const char *key, const char *value);
void packet_put_number(struct packet_writer *writer, const char *key, uint64_t value);
/* Returns the packet's size, or -EMSGSIZE. */
ssize_t packet_end(struct packet_writer *writer);

/* Is this a packet of that kind? Then the reader is at its first field. */
bool packet_open(struct packet_reader *reader, const char *packet, size_t size, const char *kind);
/* Takes the next field if it has that key. Returns its value, which points into
 * the packet, or NULL. */
const char *packet_take(struct packet_reader *reader, const char *key);
/* The same for a number of at most max, in its shortest decimal form. */
bool packet_take_number(struct packet_reader *reader, const char *key, uint64_t max,
			uint64_t *value);
/* Takes "end=". No field may follow. */
bool packet_close(struct packet_reader *reader);

#endif
