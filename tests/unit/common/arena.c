/* arena.c - memory of every size is zeroed, aligned and nobody else's. */
#include "common/arena.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <string.h>

TestSuite(arena);

/* Small ones between ones that need a block of their own, and in the end more than the first blocks hold. */
static size_t size_of(uint32_t i) {
    return i % 7 == 3 ? 100000 + (size_t)i * 5000 : 1 + (size_t)i * 37 % 3000;
}

Test(arena, memory_is_zeroed_aligned_and_apart) {
    enum { COUNT = 200 };
    struct qm_arena *arena = qm_arena_create();
    uint8_t *memory[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        memory[i] = qm_arena_alloc(arena, size_of(i));
        cr_assert(eq(sz, (uintptr_t)memory[i] % 64, 0), "%u", i);
        for (size_t at = 0; at < size_of(i); at++) cr_assert(memory[i][at] == 0, "%u", i);
        memset(memory[i], (int)(i % 255 + 1), size_of(i));
    }
    for (uint32_t i = 0; i < COUNT; i++)
        for (size_t at = 0; at < size_of(i); at += size_of(i) / 16 + 1) cr_assert(memory[i][at] == i % 255 + 1, "%u", i);
    qm_arena_destroy(arena);
}

Test(arena, a_list_keeps_its_items_when_it_grows) {
    enum { COUNT = 1000 };
    struct qm_arena *arena = qm_arena_create();
    uint32_t *list = NULL, room = 0, moves = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint32_t *before = list;
        list = qm_arena_grow(arena, list, sizeof *list, i, &room);
        moves += list != before;
        cr_assert(i < room);
        list[i] = 3 * i;
    }
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(u32, list[i], 3 * i));
    cr_expect(moves < 10);
    qm_arena_destroy(arena);
}
