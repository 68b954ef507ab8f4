/* copies.c - finds a copy by the address that it is made from and by how it is made. */
#include "compiler/passes/copies.h"

#include <string.h>

#include "common/prng.h"

struct copy_made {
    struct copy copy;
    const int8_t *bytes;
};

struct wanted {
    const struct copies *copies;
    const struct copy *copy;
};

static bool is_wanted(const void *wanted, uint32_t item) {
    const struct wanted *w = wanted;
    const struct copy *a = &w->copies->made[item].copy, *b = w->copy;
    return a->write == b->write && a->from == b->from && a->size_bytes == b->size_bytes && a->channels == b->channels &&
           a->taps == b->taps && a->depth == b->depth && a->from_depth == b->from_depth && a->zero == b->zero;
}

static uint64_t hash_of(const struct copy *copy) {
    const uint64_t what[] = {(uintptr_t)copy->from, copy->size_bytes, copy->channels,      copy->taps,
                             copy->depth,           copy->from_depth, (uint32_t)copy->zero};
    return qm_hash_bytes((uintptr_t)copy->write, what, sizeof what);
}

const int8_t *copies_get(struct copies *copies, const struct copy *wanted) {
    uint64_t hash = hash_of(wanted);
    uint32_t item = qm_index_find(&copies->index, hash, is_wanted, &(struct wanted){copies, wanted});
    if (item != QM_INDEX_NONE) return copies->made[item].bytes;
    int8_t *bytes = QM_ARENA_NEW(copies->index.arena, int8_t, wanted->size_bytes);
    wanted->write(wanted, bytes);
    copies->made = qm_arena_grow(copies->index.arena, copies->made, sizeof *copies->made, copies->index.count, &copies->room);
    copies->made[copies->index.count] = (struct copy_made){*wanted, bytes};
    qm_index_add(&copies->index, hash, copies->index.count);
    return bytes;
}

/* ---- what is written ---- */

void copy_signed(const struct copy *copy, int8_t *to) {
    for (size_t i = 0; i < copy->size_bytes; i++) to[i] = (int8_t)((uint8_t)copy->from[i] - copy->zero);
}

void copy_joined(const struct copy *copy, int8_t *to) {
    uint32_t own = copy->from_depth, per_group = copy->channels / (copy->depth / own);
    memset(to, copy->zero, copy->size_bytes);
    for (size_t c = 0; c < copy->channels; c++)
        for (size_t tap = c * copy->taps; tap < (c + 1) * copy->taps; tap++)
            memcpy(to + tap * copy->depth + c / per_group * own, copy->from + tap * own, own);
}

void copy_expanded(const struct copy *copy, int8_t *to) {
    uint32_t multiplier = copy->channels / copy->depth;
    memset(to, copy->zero, copy->size_bytes);
    for (size_t c = 0; c < copy->channels; c++)
        for (size_t tap = 0; tap < copy->taps; tap++)
            to[(c * copy->taps + tap) * copy->depth + c / multiplier] = copy->from[tap * copy->channels + c];
}

void copy_twice(const struct copy *copy, int8_t *to) {
    size_t count = copy->size_bytes / 2;
    memcpy(to, copy->from, count);
    memset(to + count, -copy->zero, count);
}

void copy_flipped(const struct copy *copy, int8_t *to) {
    size_t taps = copy->taps, depth = copy->depth;
    for (size_t c = 0; c < copy->channels; c++)
        for (size_t tap = 0; tap < taps; tap++)
            memcpy(to + (c * taps + tap) * depth, copy->from + (c * taps + taps - 1 - tap) * depth, depth);
}

void copy_turned(const struct copy *copy, int8_t *to) {
    size_t depth = copy->depth, channels = copy->channels;
    for (size_t row = 0; row < depth; row++)
        for (size_t column = 0; column < channels; column++) to[column * depth + row] = copy->from[row * channels + column];
}
