/* prng.h - seeded numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, OOPSLA 2014), and hashes made from its finalizer for numbers that need no state.
 */
#ifndef QM_COMMON_PRNG_H
#define QM_COMMON_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct qm_prng {
    uint64_t state;
};

void qm_prng_init(struct qm_prng *prng, uint64_t seed);
uint64_t qm_prng_next(struct qm_prng *prng);
void qm_prng_fill(struct qm_prng *prng, void *bytes, size_t size_bytes); /* the same bytes whatever the host's byte order */

/* A number for (seed, a, b), well mixed, without state. */
uint64_t qm_hash3(uint64_t seed, uint64_t a, uint64_t b);
/* A number for (seed, bytes), to find equal ones in memory: it depends on the host's byte order. bytes may be NULL when there are none. */
uint64_t qm_hash_bytes(uint64_t seed, const void *bytes, size_t size_bytes);

#endif
