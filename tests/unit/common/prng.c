/* prng.c - the generator against its published numbers, and the hash for what it is used for. */
#include <criterion/criterion.h>

#include "common/prng.h"

TestSuite(prng);

/* Steele, Lea, Flood: SplitMix64 with seed 1234567 [published: the reference program's first outputs]. */
Test(prng, gives_the_published_numbers) {
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
                                    16408922859458223821u};
    struct qm_prng prng;
    qm_prng_init(&prng, 1234567);
    for (int i = 0; i < 5; i++) cr_assert_eq(qm_prng_next(&prng), want[i], "number %d", i);
}

Test(prng, fills_bytes_from_the_low_end_of_each_number) {
    uint8_t bytes[11];
    struct qm_prng prng;
    qm_prng_init(&prng, 1234567);
    qm_prng_fill(&prng, bytes, sizeof bytes);
    for (int i = 0; i < 8; i++) cr_assert_eq(bytes[i], (uint8_t)(6457827717110365317u >> 8 * i));
    for (int i = 0; i < 3; i++) cr_assert_eq(bytes[8 + i], (uint8_t)(3203168211198807973u >> 8 * i));
}

Test(prng, hash_is_uniform_over_each_argument) {
    enum { DRAWS = 20000 };
    int below[3] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        below[0] += qm_hash3(i, 5, 1) < UINT64_MAX / 4;
        below[1] += qm_hash3(7, i, 1) < UINT64_MAX / 4;
        below[2] += qm_hash3(7, 5, i) < UINT64_MAX / 4;
    }
    for (int i = 0; i < 3; i++)
        cr_assert(below[i] > DRAWS / 4 - 400 && below[i] < DRAWS / 4 + 400, "argument %d: %d of 20000", i, below[i]);
}

Test(prng, hash_tells_its_arguments_apart) {
    cr_assert_neq(qm_hash3(1, 2, 3), qm_hash3(1, 3, 2));
    cr_assert_neq(qm_hash3(1, 2, 3), qm_hash3(2, 1, 3));
    cr_assert_neq(qm_hash3(1, 2, 3), qm_hash3(3, 2, 1));
}

/* Of bytes that differ in one, wherever it is, and of fewer bytes. */
Test(prng, hash_of_bytes_tells_them_apart) {
    enum { BYTES = 21 };
    uint8_t bytes[BYTES] = {0};
    uint64_t hash = qm_hash_bytes(1, bytes, BYTES);
    cr_assert_eq(qm_hash_bytes(1, bytes, BYTES), hash);
    cr_assert_neq(qm_hash_bytes(2, bytes, BYTES), hash);
    for (size_t i = 0; i < BYTES; i++) {
        cr_assert_neq(qm_hash_bytes(1, bytes, i), hash);
        bytes[i] = 1;
        cr_assert_neq(qm_hash_bytes(1, bytes, BYTES), hash, "byte %zu", i);
        bytes[i] = 0;
    }
    cr_assert_eq(qm_hash_bytes(1, NULL, 0), qm_hash_bytes(1, bytes, 0));
}
