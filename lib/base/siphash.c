/* SipHash-2-4: two rounds for each word of eight bytes, four to finish. Words are little-endian. */
#include "base/siphash.h"

static uint64_t word_read(const uint8_t *bytes, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

static uint64_t word_rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void state_mix(uint64_t v[4], unsigned rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = word_rotate(v[1], 13) ^ v[0];
		v[3] = word_rotate(v[3], 16) ^ v[2];
		v[0] = word_rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = word_rotate(v[1], 17) ^ v[2];
		v[3] = word_rotate(v[3], 21) ^ v[0];
		v[2] = word_rotate(v[2], 32);
	}
}

static void state_absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	state_mix(v, 2);
	v[0] ^= word;
}

uint64_t siphash(const uint8_t key[16], const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t k0 = word_read(key, 8), k1 = word_read(key + 8, 8);
	/* The constants spell "somepseudorandomlygeneratedbytes". */
	uint64_t v[4] = {
	    k0 ^ 0x736f6d6570736575U,
	    k1 ^ 0x646f72616e646f6dU,
	    k0 ^ 0x6c7967656e657261U,
	    k1 ^ 0x7465646279746573U,
	};
	size_t rest = size % 8;

	for (size_t i = 0; i < size - rest; i += 8)
		state_absorb(v, word_read(bytes + i, 8));
	state_absorb(v, (uint64_t)size << 56 | word_read(bytes + size - rest, rest));
	v[2] ^= 0xff;
	state_mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
