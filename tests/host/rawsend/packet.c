#include <arpa/inet.h>

#include "rawsend.h"

void put(struct bytes *b, const void *data, size_t size)
{
	if (b->size + size > sizeof(b->data))
		errx(1, "the frame is too long");
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

void put16(struct bytes *b, unsigned value)
{
	const uint8_t data[] = {value >> 8, value};

	put(b, data, 2);
}

size_t address_parse(const char *text, uint8_t address[16])
{
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, address) == 1)
		return 16;
	errx(2, "no address: %s", text);
}

size_t pair_parse(const char *from, const char *to, uint8_t source[16], uint8_t destination[16])
{
	size_t size = address_parse(from, source);

	if (address_parse(to, destination) != size)
		errx(2, "%s and %s are of two families", from, to);
	return size;
}

uint16_t checksum(uint32_t sum, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

uint16_t ip_put(struct bytes *b, const uint8_t *source, const uint8_t *destination, size_t size,
		int protocol, struct bytes *payload, size_t offset)
{
	uint8_t pseudo[36] = {0}, head4[20] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64};
	uint32_t sum = protocol + payload->size;
	uint16_t value;

	memcpy(pseudo, source, size);
	memcpy(pseudo + size, destination, size);
	sum += (uint16_t)~checksum(0, pseudo, 2 * size);
	if (protocol == IPPROTO_ICMP) /* it has no pseudo header */
		sum = 0;
	value = htons(checksum(sum, payload->data, payload->size));
	memcpy(payload->data + offset, &value, 2);
	if (size == 16) {
		const uint8_t head6[] = {0x60,		0,	  0,  0, payload->size >> 8,
					 payload->size, protocol, 255};

		put(b, head6, sizeof(head6));
		put(b, pseudo, 32);
	} else {
		head4[2] = (20 + payload->size) >> 8;
		head4[3] = 20 + payload->size;
		head4[9] = protocol;
		memcpy(head4 + 12, pseudo, 8);
		value = htons(checksum(0, head4, 20));
		memcpy(head4 + 10, &value, 2);
		put(b, head4, 20);
	}
	put(b, payload->data, payload->size);
	return size == 4 ? 0x0800 : 0x86dd;
}

uint16_t udp_put(struct bytes *b, const char *from, const char *to, unsigned from_port,
		 unsigned to_port, const void *data, size_t length)
{
	uint8_t source[16], destination[16];
	size_t size = pair_parse(from, to, source, destination);
	struct bytes udp = {0};

	put16(&udp, from_port);
	put16(&udp, to_port);
	put16(&udp, 8 + length);
	put16(&udp, 0);
	put(&udp, data, length);
	return ip_put(b, source, destination, size, IPPROTO_UDP, &udp, 6);
}
