/* storage.h - where values and weights are while instructions are emitted: in the scratchpad, in the arena, or both.
 *
 * Decisions are made as instructions are emitted, like a compiler's registers: a place is taken when something is produced or loaded, given back after its
 * last use; when there is no room, weights loaded early are dropped first, then values that the current layer does not use are stored.
 */
#ifndef QM_COMPILER_PASSES_STORAGE_H
#define QM_COMPILER_PASSES_STORAGE_H

#include "compiler/ir/plan.h"
#include "compiler/passes/scratchpad_map.h"

struct stored_value {
    bool resident, in_arena, has_arena_place, pinned;
    uint32_t spad_addr, arena_offset, size_bytes;
    uint32_t last_use; /* layer; layer_count when it is a network output that nobody reads */
};

/* One use of a chunk, in the order of use over the whole network. */
struct fetch {
    const struct qm_chunk *chunk;
    uint32_t layer;
    bool loaded;
    uint32_t spad_addr;
};

struct storage {
    struct qm_plan *plan;
    struct qm_diag *diag;
    struct qm_scratchpad_map map;
    struct stored_value *values; /* [value_count], used at roots */
    struct fetch *fetches;
    uint32_t fetch_count, fetch_in_use; /* index of the latest acquired */
    uint32_t *first_fetch;              /* [layer_count] */
    uint32_t layer;                     /* being emitted */
    bool fused;                         /* with the addition behind it: its output lives only block by block */
    uint32_t arena_end;
};

/* Dense rows of a value in the scratchpad. */
struct rows {
    uint32_t addr; /* of row y0 */
    uint32_t y0, count;
    bool temporary; /* given back by storage_end_read and storage_end_write */
};

/* What of some rows was written: positions x0 .. x0 + w - 1, channels c0 .. c0 + c - 1. */
struct written {
    uint32_t x0, w, c0, c;
};

void storage_init(struct storage *storage, struct qm_plan *plan, struct qm_diag *diag);
void storage_emit(struct storage *storage, const struct qm_insn *insn);
struct stored_value *storage_value(const struct storage *storage, uint32_t value); /* of its root */
uint32_t storage_arena_place(struct storage *storage, uint32_t value);

/* At the start of a layer: brings inputs in and takes a place for the output when there is room, else leaves them to row blocks. Fused: for the layer and
 * the addition behind it, but for the value between them. */
void storage_begin_layer(struct storage *storage, uint32_t layer, bool fused);
/* Gives back what nobody reads any more. */
void storage_end_layer(struct storage *storage);

/* Rows to read, loaded from the arena when the value is not resident. */
QM_MUST_USE enum qm_status storage_read_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows);
/* Rows to write; storage_end_write stores what was written when the value is not resident. */
QM_MUST_USE enum qm_status storage_write_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows);
/* Rows of a value that is gone when they are given back by storage_end_read. */
QM_MUST_USE enum qm_status storage_passing_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows);
void storage_end_read(struct storage *storage, const struct rows *rows);
void storage_end_write(struct storage *storage, uint32_t value, const struct rows *rows, struct written written);

/* The chunk of a fetch in the scratchpad; loads it and, as far as there is room, the ones after it. */
QM_MUST_USE enum qm_status storage_acquire(struct storage *storage, uint32_t fetch, uint32_t *spad_addr);
void storage_release(struct storage *storage, uint32_t fetch);

/* Makes the arena hold the value. */
void storage_flush(struct storage *storage, uint32_t value);

#endif
