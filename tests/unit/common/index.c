/* index.c - items are found by their hashes, and by themselves when those are the same. */
#include "common/index.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/prng.h"

TestSuite(qm_index);

enum { ITEMS = 1000 };

static uint32_t items[ITEMS];

static bool is(const void *wanted, uint32_t item) {
    return items[item] == *(const uint32_t *)wanted;
}

/* Hashes that are all the same, a few, and many. */
Test(qm_index, finds_what_was_added_whatever_the_hashes) {
    static const uint64_t masks[] = {0, 7, UINT64_MAX};
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        struct qm_index index = {.arena = qm_arena_create()};
        for (uint32_t i = 0; i < ITEMS; i++) {
            items[i] = 3 * i;
            uint64_t hash = qm_hash_bytes(0, &items[i], sizeof items[i]) & masks[m];
            cr_assert(eq(u32, qm_index_find(&index, hash, is, &items[i]), QM_INDEX_NONE));
            qm_index_add(&index, hash, i);
        }
        for (uint32_t number = 0; number < 3 * ITEMS; number++) {
            uint64_t hash = qm_hash_bytes(0, &number, sizeof number) & masks[m];
            cr_assert(eq(u32, qm_index_find(&index, hash, is, &number), number % 3 == 0 ? number / 3 : QM_INDEX_NONE));
        }
        qm_arena_destroy(index.arena);
    }
}
