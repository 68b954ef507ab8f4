/* storage.c - places for values, rows and chunks. */
#include "compiler/passes/storage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PREFETCH_CHUNKS = 6, INPUT_PIECES = 4 };

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static const struct qm_value *root_value(const struct storage *storage, uint32_t value) {
    const struct qm_network *network = storage->plan->network;
    return &network->values[network->values[value].storage];
}

struct stored_value *storage_value(const struct storage *storage, uint32_t value) {
    return &storage->values[storage->plan->network->values[value].storage];
}

static uint32_t row_bytes(const struct storage *storage, uint32_t value) {
    const struct qm_value *v = &storage->plan->network->values[value];
    return v->w * v->c;
}

/* ---- set up ---- */

static uint32_t uses_of_chunks(const struct qm_tiling *tiling) {
    return tiling->order == QM_BLOCKS_OUTSIDE ? tiling->block_count * tiling->chunk_count : tiling->chunk_count;
}

static void list_fetches(struct storage *storage) {
    struct qm_plan *plan = storage->plan;
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < plan->network->layer_count; i++) total += uses_of_chunks(&plan->tilings[i]);
    storage->fetches = QM_ARENA_NEW(plan->arena, struct fetch, total + 1);
    storage->first_fetch = QM_ARENA_NEW(plan->arena, uint32_t, plan->network->layer_count + 1);
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        const struct qm_tiling *tiling = &plan->tilings[i];
        storage->first_fetch[i] = at;
        for (uint32_t use = 0; use < uses_of_chunks(tiling); use++)
            storage->fetches[at++] = (struct fetch){.chunk = &tiling->chunks[use % tiling->chunk_count], .layer = i};
    }
    storage->fetch_count = storage->first_fetch[plan->network->layer_count] = at;
}

static void find_last_uses(struct storage *storage) {
    const struct qm_network *network = storage->plan->network;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        storage_value(storage, network->layers[i].output)->last_use = i;
        for (uint32_t j = 0; j < network->layers[i].input_count; j++) storage_value(storage, network->layers[i].inputs[j])->last_use = i;
    }
}

void storage_init(struct storage *storage, struct qm_plan *plan, struct qm_diag *diag) {
    const struct qm_network *network = plan->network;
    *storage = (struct storage){.plan = plan, .diag = diag};
    qm_scratchpad_map_init(&storage->map, plan->machine->scratchpad_bytes);
    storage->values = QM_ARENA_NEW(plan->arena, struct stored_value, network->value_count);
    storage->arena_end = (uint32_t)plan->image.size;
    for (uint32_t i = 0; i < network->value_count; i++)
        storage->values[i].size_bytes = network->values[i].h * network->values[i].w * network->values[i].c;
    find_last_uses(storage);
    list_fetches(storage);
    for (uint32_t i = 0; i < network->input_count; i++) {
        storage_arena_place(storage, network->inputs[i]);
        storage_value(storage, network->inputs[i])->in_arena = true;
    }
}

void storage_emit(struct storage *storage, const struct qm_insn *insn) {
    struct qm_insns *insns = &storage->plan->insns;
    if (insns->count == insns->capacity) {
        insns->capacity = 2 * insns->capacity + 256;
        insns->data = realloc(insns->data, insns->capacity * sizeof *insns->data);
        insns->layer = realloc(insns->layer, insns->capacity * sizeof *insns->layer);
        QM_CHECK(insns->data != NULL && insns->layer != NULL);
    }
    insns->layer[insns->count] = storage->layer;
    insns->data[insns->count++] = *insn;
}

uint32_t storage_arena_place(struct storage *storage, uint32_t value) {
    struct stored_value *stored = storage_value(storage, value);
    if (!stored->has_arena_place) {
        stored->arena_offset = (storage->arena_end + 63) / 64 * 64;
        storage->arena_end = stored->arena_offset + stored->size_bytes;
        stored->has_arena_place = true;
    }
    return stored->arena_offset;
}

/* ---- room ---- */

static void emit_transfer(struct storage *storage, int64_t opcode, uint32_t dram, uint32_t spad, uint32_t size) {
    storage_emit(storage, &(struct qm_insn){
                              .opcode = opcode, .dram_addr = dram, .spad_addr = spad, .row_bytes = size, .row_count = 1, .plane_count = 1});
}

void storage_flush(struct storage *storage, uint32_t value) {
    struct stored_value *stored = storage_value(storage, value);
    if (stored->in_arena) return;
    QM_CHECK(stored->resident);
    emit_transfer(storage, QM_STORE, storage_arena_place(storage, value), stored->spad_addr, stored->size_bytes);
    stored->in_arena = true;
}

/* Drops the chunk that was loaded for the furthest future. */
static bool drop_prefetched(struct storage *storage) {
    for (uint32_t i = least(storage->fetch_in_use + PREFETCH_CHUNKS + 1, storage->fetch_count); i-- > storage->fetch_in_use + 1;) {
        if (!storage->fetches[i].loaded) continue;
        storage_release(storage, i);
        return true;
    }
    return false;
}

static bool spill(struct storage *storage) {
    uint32_t count = storage->plan->network->value_count, best = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct stored_value *stored = &storage->values[i];
        if (stored->resident && !stored->pinned && (best == count || stored->size_bytes > storage->values[best].size_bytes)) best = i;
    }
    if (best == count) return false;
    storage_flush(storage, best);
    storage->values[best].resident = false;
    qm_scratchpad_map_give(&storage->map, storage->values[best].spad_addr);
    return true;
}

static enum qm_status take(struct storage *storage, uint64_t size, uint32_t *addr) {
    while (!qm_scratchpad_map_take(&storage->map, size, addr))
        if (!drop_prefetched(storage) && !spill(storage)) {
            const struct qm_network *network = storage->plan->network;
            const struct qm_layer *layer = &network->layers[storage->layer];
            return qm_fail(storage->diag, QM_BAD_INPUT,
                           "%s: operator %u (%s) needs %" PRIu64
                           " more bytes of scratchpad for its smallest tile than the %u of machine %s leave: "
                           "give the machine a larger scratchpad_bytes",
                           network->graph->file, layer->graph_op, network->values[layer->output].name, size, storage->map.size_bytes,
                           storage->plan->machine->name);
        }
    return QM_OK;
}

/* ---- layers ---- */

/* Bytes of the largest block of a map that does not stay, twice for double buffering. */
static uint64_t block_need(const struct storage *storage, uint32_t value, uint32_t rows) {
    return 2ull * least(rows, storage->plan->network->values[value].h) * row_bytes(storage, value);
}

static uint32_t block_rows(const struct storage *storage, uint32_t layer) {
    return storage->plan->tilings[layer].block_count == 0 ? 1 : storage->plan->tilings[layer].blocks[0].h;
}

static uint32_t window_rows(const struct storage *storage, uint32_t layer) {
    const struct qm_layer *l = &storage->plan->network->layers[layer];
    return (block_rows(storage, layer) - 1) * l->stride_h + (l->kernel_h > 0 ? l->kernel_h - 1 : 0) * l->dilation_h + 1;
}

/* What the layer's weights still need. */
static uint64_t weight_need(const struct storage *storage, uint32_t layer) {
    const struct qm_tiling *tiling = &storage->plan->tilings[layer];
    uint64_t sum = 0, largest = 0;
    for (uint32_t i = 0; i < tiling->chunk_count; i++) {
        uint64_t size = tiling->chunks[i].size_bytes + 64;
        sum += storage->fetches[storage->first_fetch[layer] + i].loaded ? 0 : size;
        largest = size > largest ? size : largest;
    }
    return tiling->order == QM_ALL_WEIGHTS ? sum : 2 * largest;
}

/* What the blocks of one layer need for maps that do not stay, in rows of the layer that sets the blocks. */
static uint64_t map_need(const struct storage *storage, uint32_t layer, uint32_t in_rows, uint32_t out_rows) {
    const struct qm_layer *l = &storage->plan->network->layers[layer];
    uint64_t need = 0;
    for (uint32_t i = 0; i < l->input_count; i++)
        if (!storage_value(storage, l->inputs[i])->resident) need += block_need(storage, l->inputs[i], in_rows);
    if (!storage_value(storage, l->output)->resident) need += block_need(storage, l->output, out_rows);
    return need;
}

static uint64_t layer_need(const struct storage *storage) {
    uint32_t layer = storage->layer, rows = block_rows(storage, layer);
    uint64_t need = weight_need(storage, layer) + map_need(storage, layer, window_rows(storage, layer), rows);
    return storage->fused ? need + map_need(storage, layer + 1, rows, rows) : need;
}

/* Takes a place for the whole value if the layer still has what it needs then. */
static bool try_resident(struct storage *storage, uint32_t value) {
    struct stored_value *stored = storage_value(storage, value);
    if (stored->size_bytes > storage->map.size_bytes / 2) return false;
    stored->resident = true;
    uint64_t need = layer_need(storage);
    stored->resident = false;
    while (storage->map.free_bytes < need + stored->size_bytes)
        if (!drop_prefetched(storage)) return false;
    stored->resident = qm_scratchpad_map_take(&storage->map, stored->size_bytes, &stored->spad_addr);
    return stored->resident;
}

static void load_value(struct storage *storage, uint32_t value) {
    const struct qm_value *root = root_value(storage, value);
    const struct stored_value *stored = storage_value(storage, value);
    uint32_t bytes = root->w * root->c, step = (root->h + INPUT_PIECES - 1) / INPUT_PIECES;
    for (uint32_t y = 0; y < root->h; y += step)
        emit_transfer(storage, QM_LOAD, stored->arena_offset + y * bytes, stored->spad_addr + y * bytes, least(step, root->h - y) * bytes);
}

/* Pins the operands of a layer, then makes the inputs and the output resident, all but the value that passes to a fused addition. */
static void pin(struct storage *storage, uint32_t layer) {
    const struct qm_layer *l = &storage->plan->network->layers[layer];
    for (uint32_t i = 0; i < l->input_count; i++) storage_value(storage, l->inputs[i])->pinned = true;
    storage_value(storage, l->output)->pinned = true;
}

static void bring_in(struct storage *storage, uint32_t layer) {
    const struct qm_layer *l = &storage->plan->network->layers[layer];
    for (uint32_t i = 0; i < l->input_count; i++) {
        const struct stored_value *stored = storage_value(storage, l->inputs[i]);
        if (!stored->resident && stored->in_arena && try_resident(storage, l->inputs[i])) load_value(storage, l->inputs[i]);
    }
}

void storage_begin_layer(struct storage *storage, uint32_t layer, bool fused) {
    uint32_t last = fused ? layer + 1 : layer, output = storage->plan->network->layers[last].output;
    storage->layer = layer;
    storage->fused = fused;
    for (uint32_t i = layer; i <= last; i++) pin(storage, i);
    for (uint32_t i = layer; i <= last; i++) bring_in(storage, i);
    if (!try_resident(storage, output)) storage_arena_place(storage, output);
}

static void end_value(struct storage *storage, uint32_t value) {
    struct stored_value *stored = storage_value(storage, value);
    stored->pinned = false;
    if (stored->last_use > storage->layer || !stored->resident) return;
    stored->resident = false;
    qm_scratchpad_map_give(&storage->map, stored->spad_addr);
}

void storage_end_layer(struct storage *storage) {
    const struct qm_layer *layer = &storage->plan->network->layers[storage->layer];
    for (uint32_t i = storage->first_fetch[storage->layer]; i < storage->first_fetch[storage->layer + 1]; i++)
        if (storage->fetches[i].loaded) storage_release(storage, i);
    end_value(storage, layer->output);
    for (uint32_t i = 0; i < layer->input_count; i++) end_value(storage, layer->inputs[i]);
}

/* ---- rows ---- */

enum qm_status storage_read_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows) {
    const struct stored_value *stored = storage_value(storage, value);
    uint32_t bytes = row_bytes(storage, value);
    *rows = (struct rows){.addr = stored->spad_addr + y0 * bytes, .y0 = y0, .count = count, .temporary = !stored->resident};
    if (stored->resident) return QM_OK;
    QM_CHECK(stored->in_arena);
    QM_TRY(take(storage, (uint64_t)count * bytes, &rows->addr));
    emit_transfer(storage, QM_LOAD, stored->arena_offset + y0 * bytes, rows->addr, count * bytes);
    return QM_OK;
}

enum qm_status storage_write_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows) {
    const struct stored_value *stored = storage_value(storage, value);
    uint32_t bytes = row_bytes(storage, value);
    *rows = (struct rows){.addr = stored->spad_addr + y0 * bytes, .y0 = y0, .count = count, .temporary = !stored->resident};
    return stored->resident ? QM_OK : take(storage, (uint64_t)count * bytes, &rows->addr);
}

enum qm_status storage_passing_rows(struct storage *storage, uint32_t value, uint32_t y0, uint32_t count, struct rows *rows) {
    *rows = (struct rows){.y0 = y0, .count = count, .temporary = true};
    return take(storage, (uint64_t)count * row_bytes(storage, value), &rows->addr);
}

void storage_end_read(struct storage *storage, const struct rows *rows) {
    if (rows->temporary) qm_scratchpad_map_give(&storage->map, rows->addr);
}

/* Whole rows are one run of bytes; else each row is a plane of positions, or of one run of positions when all channels are there. */
static void store_written(struct storage *storage, uint32_t value, const struct rows *rows, struct written written) {
    const struct qm_value *v = &storage->plan->network->values[value];
    uint32_t pitch = v->w * v->c, offset = written.x0 * v->c + written.c0;
    uint32_t to = storage_arena_place(storage, value) + rows->y0 * pitch;
    bool all_channels = written.c == v->c;
    if (all_channels && written.w == v->w) {
        emit_transfer(storage, QM_STORE, to, rows->addr, rows->count * pitch);
        return;
    }
    storage_emit(storage, &(struct qm_insn){.opcode = QM_STORE,
                                            .dram_addr = to + offset,
                                            .spad_addr = rows->addr + offset,
                                            .row_bytes = all_channels ? written.w * v->c : written.c,
                                            .row_count = all_channels ? 1 : written.w,
                                            .plane_count = rows->count,
                                            .dram_row_stride = v->c,
                                            .spad_row_stride = v->c,
                                            .dram_plane_stride = pitch,
                                            .spad_plane_stride = pitch});
}

void storage_end_write(struct storage *storage, uint32_t value, const struct rows *rows, struct written written) {
    if (!rows->temporary) return;
    store_written(storage, value, rows, written);
    storage_value(storage, value)->in_arena = true;
    qm_scratchpad_map_give(&storage->map, rows->addr);
}

/* ---- chunks ---- */

static void load_chunk(struct storage *storage, struct fetch *fetch) {
    uint32_t layer = storage->layer;
    storage->layer = fetch->layer; /* the load belongs to the layer that needs it */
    emit_transfer(storage, QM_LOAD, fetch->chunk->image_offset, fetch->spad_addr, fetch->chunk->size_bytes);
    storage->layer = layer;
    fetch->loaded = true;
}

/* What layers up to the fetch's own will want for their outputs while the chunk waits. */
static uint64_t reserve_for(const struct storage *storage, const struct fetch *fetch) {
    uint64_t reserve = storage->map.size_bytes / 16;
    for (uint32_t i = storage->layer + 1; i <= fetch->layer; i++) {
        uint64_t size = storage_value(storage, storage->plan->network->layers[i].output)->size_bytes;
        uint64_t wanted = least((uint32_t)size, storage->map.size_bytes / 3) + storage->map.size_bytes / 16;
        reserve = wanted > reserve ? wanted : reserve;
    }
    return reserve;
}

static void prefetch(struct storage *storage, uint32_t from) {
    uint32_t ahead = least(PREFETCH_CHUNKS, storage->plan->machine->queue_depth - 1);
    for (uint32_t i = from; i < storage->fetch_count && i < storage->fetch_in_use + 1 + ahead; i++) {
        struct fetch *fetch = &storage->fetches[i];
        if (fetch->loaded) continue;
        if (storage->map.free_bytes < fetch->chunk->size_bytes + reserve_for(storage, fetch)) return;
        if (!qm_scratchpad_map_take(&storage->map, fetch->chunk->size_bytes, &fetch->spad_addr)) return;
        load_chunk(storage, fetch);
    }
}

enum qm_status storage_acquire(struct storage *storage, uint32_t fetch, uint32_t *spad_addr) {
    struct fetch *f = &storage->fetches[fetch];
    if (fetch > storage->fetch_in_use) storage->fetch_in_use = fetch;
    if (!f->loaded) {
        QM_TRY(take(storage, f->chunk->size_bytes, &f->spad_addr));
        load_chunk(storage, f);
    }
    prefetch(storage, storage->fetch_in_use + 1);
    *spad_addr = f->spad_addr;
    return QM_OK;
}

void storage_release(struct storage *storage, uint32_t fetch) {
    QM_CHECK(storage->fetches[fetch].loaded);
    storage->fetches[fetch].loaded = false;
    qm_scratchpad_map_give(&storage->map, storage->fetches[fetch].spad_addr);
}
