/* prng.c - SplitMix64. */
#include "common/prng.h"

#include <string.h>

static const uint64_t GOLDEN_GAMMA = 0x9e3779b97f4a7c15u;

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void qm_prng_init(struct qm_prng *prng, uint64_t seed) {
    prng->state = seed;
}

uint64_t qm_prng_next(struct qm_prng *prng) {
    return mix(prng->state += GOLDEN_GAMMA);
}

void qm_prng_fill(struct qm_prng *prng, void *bytes, size_t size_bytes) {
    uint8_t *out = bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < size_bytes; i++) {
        if (i % 8 == 0) word = qm_prng_next(prng);
        out[i] = (uint8_t)(word >> 8 * (i % 8));
    }
}

uint64_t qm_hash3(uint64_t seed, uint64_t a, uint64_t b) {
    return mix(mix(mix(seed + GOLDEN_GAMMA) ^ a) + b * GOLDEN_GAMMA);
}

/* Each word is mixed once and quickly, the result well. */
uint64_t qm_hash_bytes(uint64_t seed, const void *bytes, size_t size_bytes) {
    uint64_t hash = mix(seed + GOLDEN_GAMMA) ^ size_bytes, word;
    size_t at = 0;
    for (; at + sizeof word <= size_bytes; at += sizeof word) {
        memcpy(&word, (const uint8_t *)bytes + at, sizeof word);
        hash = (hash ^ word) * GOLDEN_GAMMA;
        hash ^= hash >> 32;
    }
    word = 0;
    if (at < size_bytes) memcpy(&word, (const uint8_t *)bytes + at, size_bytes - at);
    return mix(hash ^ word);
}
