/* index.c - a hash table with linear probing that is never more than half full. */
#include "common/index.h"

enum { FIRST_SLOTS = 64 };

struct qm_index_slot {
    uint64_t hash;
    uint32_t after; /* the item + 1; 0: the slot is free */
};

uint32_t qm_index_find(const struct qm_index *index, uint64_t hash, qm_index_is *is, const void *wanted) {
    if (index->slot_count == 0) return QM_INDEX_NONE;
    for (uint64_t at = hash;; at++) {
        const struct qm_index_slot *slot = &index->slots[at & (index->slot_count - 1)];
        if (slot->after == 0) return QM_INDEX_NONE;
        if (slot->hash == hash && is(wanted, slot->after - 1)) return slot->after - 1;
    }
}

static void put(struct qm_index *index, const struct qm_index_slot *slot) {
    uint64_t at = slot->hash;
    while (index->slots[at & (index->slot_count - 1)].after != 0) at++;
    index->slots[at & (index->slot_count - 1)] = *slot;
}

/* Twice as many slots. */
static void grow(struct qm_index *index) {
    const struct qm_index_slot *before = index->slots;
    uint32_t count = index->slot_count;
    index->slot_count = count == 0 ? FIRST_SLOTS : 2 * count;
    index->slots = QM_ARENA_NEW(index->arena, struct qm_index_slot, index->slot_count);
    for (uint32_t i = 0; i < count; i++)
        if (before[i].after != 0) put(index, &before[i]);
}

void qm_index_add(struct qm_index *index, uint64_t hash, uint32_t item) {
    if (2 * index->count >= index->slot_count) grow(index);
    put(index, &(struct qm_index_slot){hash, item + 1});
    index->count++;
}
