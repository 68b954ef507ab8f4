/* index.h - finds items of a list by a hash of what they are: a table of their places in the list. The list is the caller's. */
#ifndef QM_COMMON_INDEX_H
#define QM_COMMON_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

#define QM_INDEX_NONE UINT32_MAX

/* Zeroed but for the arena, which its table belongs to, it is empty. */
struct qm_index {
    struct qm_arena *arena;
    struct qm_index_slot *slots; /* [slot_count], a power of two or 0 */
    uint32_t slot_count, count;
};

/* Says whether an item of the list is what is looked for. */
typedef bool qm_index_is(const void *wanted, uint32_t item);

/* The item with this hash that `is` says is it; QM_INDEX_NONE: there is none. */
uint32_t qm_index_find(const struct qm_index *index, uint64_t hash, qm_index_is *is, const void *wanted);
/* Adds an item of which qm_index_find has found none. */
void qm_index_add(struct qm_index *index, uint64_t hash, uint32_t item);

#endif
