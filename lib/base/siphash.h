/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of a short text, as 64 bits. */
#ifndef PAM_NETNS_SIPHASH_H
#define PAM_NETNS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint8_t key[16], const void *data, size_t size);

#endif
