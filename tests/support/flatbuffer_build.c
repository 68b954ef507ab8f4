/* flatbuffer_build.c - every field takes 8 bytes of its table, so that places can be computed from the slot. */
#include "tests/support/flatbuffer_build.h"

#include <string.h>

#include "common/status.h"

enum { SLOT_BYTES = 8, HEADER_BYTES = 8 };

void fbb_put(struct fbb *b, uint32_t at, uint64_t value, uint32_t bytes) {
    QM_CHECK(at + bytes <= FBB_BYTES);
    for (uint32_t i = 0; i < bytes; i++) b->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

void fbb_point(struct fbb *b, uint32_t element, uint32_t target) {
    fbb_put(b, element, target - element, 4);
}

static uint32_t reserve(struct fbb *b, uint32_t bytes) {
    uint32_t at = (b->size + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
    QM_CHECK(at + bytes <= FBB_BYTES);
    b->size = at + bytes;
    return at;
}

void fbb_open(struct fbb *b, const char *identifier) {
    memset(b, 0, sizeof *b);
    memcpy(b->bytes + 4, identifier, 4);
    b->size = 8;
}

uint32_t fbb_table(struct fbb *b, uint32_t slots) {
    uint32_t vtable = reserve(b, 4 + 2 * slots), bytes = HEADER_BYTES + SLOT_BYTES * slots, table = reserve(b, bytes);
    fbb_put(b, vtable, 4 + 2 * slots, 2);
    fbb_put(b, vtable + 2, bytes, 2);
    fbb_put(b, table, table - vtable, 4);
    if (b->bytes[0] == 0 && b->bytes[1] == 0) fbb_put(b, 0, table, 4);
    return table;
}

static uint32_t open_field(struct fbb *b, uint32_t table, uint32_t slot) {
    uint32_t distance;
    memcpy(&distance, b->bytes + table, 4);
    fbb_put(b, table - distance + 4 + 2 * slot, HEADER_BYTES + SLOT_BYTES * slot, 2);
    return table + HEADER_BYTES + SLOT_BYTES * slot;
}

void fbb_set(struct fbb *b, uint32_t table, uint32_t slot, uint64_t value, uint32_t bytes) {
    fbb_put(b, open_field(b, table, slot), value, bytes);
}

void fbb_link(struct fbb *b, uint32_t table, uint32_t slot, uint32_t target) {
    fbb_point(b, open_field(b, table, slot), target);
}

uint32_t fbb_vector(struct fbb *b, uint32_t table, uint32_t slot, uint32_t count, uint32_t element_bytes) {
    uint32_t at = reserve(b, SLOT_BYTES + count * element_bytes + 1);
    fbb_put(b, at + 4, count, 4);
    fbb_link(b, table, slot, at + 4);
    return at + SLOT_BYTES;
}
