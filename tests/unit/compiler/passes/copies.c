/* copies.c - a copy is made once for all that ask for the same, and only for those. */
#include "compiler/passes/copies.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(copies);

static int made;

static void write_plain(const struct copy *copy, int8_t *to) {
    memcpy(to, copy->from, copy->size_bytes);
    made++;
}

static void write_less(const struct copy *copy, int8_t *to) {
    for (uint64_t i = 0; i < copy->size_bytes; i++) to[i] = (int8_t)(copy->from[i] - copy->zero);
    made++;
}

Test(copies, are_made_once_for_each_way_to_make_them) {
    enum { WAYS = 9, ROUNDS = 50 };
    static const int8_t from[] = {10, 20, 30, 40, 50}, other[] = {1, 2, 3, 4};
    struct copies copies = {.index = {.arena = qm_arena_create()}};
    const int8_t *got[WAYS];
    made = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct copy ways[WAYS];
        for (int i = 0; i < WAYS; i++) ways[i] = (struct copy){write_plain, from, 4, .channels = 4, .taps = 1, .depth = 1};
        ways[1].write = write_less;
        ways[2].from = other;
        ways[3].size_bytes = 5;
        ways[4].channels = 2;
        ways[5].taps = 2;
        ways[6].depth = 2;
        ways[7].from_depth = 2;
        ways[8].zero = 2;
        for (int i = 0; i < WAYS; i++) {
            const int8_t *bytes = copies_get(&copies, &ways[i]);
            if (round > 0) cr_expect(bytes == got[i], "way %d", i);
            got[i] = bytes;
        }
    }
    cr_expect(eq(int, made, WAYS));
    cr_expect(got[2][0] == 1 && got[3][4] == 50 && got[0][3] == 40);
    qm_arena_destroy(copies.index.arena);
}
