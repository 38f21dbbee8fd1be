/* The parts of host-rawsend: packets, the kinds of them, frames and options. */
#pragma once

#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TAGS_MAX 4

struct options {
	const char *interface;
	uint8_t source[6], destination[6];
	bool random_source, snap;
	uint16_t tags[TAGS_MAX][2];
	int tags_count;
	int type; /* -1: that of the payload */
	int count;
};

struct bytes {
	uint8_t data[1600];
	size_t size;
};

extern char mark[48];

/* --- packet.c --- */

void put(struct bytes *b, const void *data, size_t size);
void put16(struct bytes *b, unsigned value);

/* Returns the size of the address: 4 or 16. */
size_t address_parse(const char *text, uint8_t address[16]);

/* Two addresses of one family; returns their size. */
size_t pair_parse(const char *from, const char *to, uint8_t source[16], uint8_t destination[16]);

uint16_t checksum(uint32_t sum, const uint8_t *data, size_t size);

/* Puts an IP header and *payload, whose checksum belongs at the offset. Returns the ethertype. */
uint16_t ip_put(struct bytes *b, const uint8_t *source, const uint8_t *destination, size_t size,
		int protocol, struct bytes *payload, size_t offset);
uint16_t udp_put(struct bytes *b, const char *from, const char *to, unsigned from_port,
		 unsigned to_port, const void *data, size_t length);

/* --- kinds.c --- */

struct kind {
	const char *name;
	int words; /* as many arguments */
	/* Puts the payload of a frame. Returns the ethertype. */
	uint16_t (*put)(struct bytes *b, const struct options *o, char **words);
};

/* NULL: there is no such kind with so many arguments. */
const struct kind *kind_find(const char *name, int words);
