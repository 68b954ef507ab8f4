/* emit.c - layers to instructions: block by block, chunk by chunk, group by group, in the order in which the machine should meet them. */
#include <stdlib.h>
#include <string.h>

#include "compiler/passes/storage.h"

struct emitter {
    struct storage storage;
    struct qm_plan *plan;
    const struct qm_layer *layer;
    const struct qm_tiling *tiling;
    const struct qm_value *in, *out;
    uint32_t acc_at;
};

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static int64_t clip(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* ---- windows ---- */

/* First and one past the last input row that a block's windows meet inside the map; never empty. */
static void input_rows(const struct emitter *e, const struct qm_block *block, uint32_t *y0, uint32_t *count) {
    int64_t first = (int64_t)block->y0 * e->layer->stride_h - e->layer->pad_top;
    int64_t end = first + (int64_t)(block->h - 1) * e->layer->stride_h + (e->layer->kernel_h - 1) * e->layer->dilation_h + 1;
    int64_t low = clip(first, 0, e->in->h - 1), high = clip(end, low + 1, e->in->h);
    *y0 = (uint32_t)low;
    *count = (uint32_t)(high - low);
}

/* The window fields for a block over rows of the input; ky0 and byte0 move the window's corner. */
static void set_window(const struct emitter *e, struct qm_insn *insn, const struct qm_block *block, const struct rows *rows) {
    const struct qm_layer *layer = e->layer;
    int64_t c = e->in->c;
    insn->in_addr = rows->addr;
    insn->in_pitch = insn->in_row_bytes = e->in->w * c;
    insn->in_rows = rows->count;
    insn->out_h = block->h;
    insn->out_w = block->w;
    insn->kernel_h = layer->kernel_h;
    insn->kernel_w = layer->kernel_w;
    insn->y_start = (int64_t)block->y0 * layer->stride_h - layer->pad_top - rows->y0;
    insn->x_start = ((int64_t)block->x0 * layer->stride_w - layer->pad_left) * c;
    insn->y_stride = layer->stride_h;
    insn->x_stride = layer->stride_w * c;
    insn->y_dilation = layer->dilation_h;
    insn->x_dilation = layer->dilation_w * c;
    insn->run_bytes = 1;
    insn->pad_value = (uint8_t)layer->pad_value;
    insn->in_unsigned = layer->in_unsigned;
}

static void set_output(const struct emitter *e, struct qm_insn *insn, const struct qm_block *block, const struct rows *rows) {
    int64_t c = e->out->c;
    insn->out_pixel = c;
    insn->out_pitch = e->out->w * c;
    insn->out_addr = rows->addr + (block->y0 - rows->y0) * insn->out_pitch + block->x0 * c;
    insn->out_zero = e->layer->out_zero;
    insn->clamp_min = e->layer->clamp_min;
    insn->clamp_max = e->layer->clamp_max;
    insn->rounding = e->layer->rounding;
}

/* ---- convolutions ---- */

/* Some tiles of a chunk on one block. */
struct group {
    uint32_t fetch, chunk_addr;
    uint32_t first, tiles; /* in the chunk */
    const struct qm_block *block;
    const struct rows *in, *out;
};

static uint32_t channels_of(const struct emitter *e, uint32_t tile0, uint32_t tiles) {
    return least(e->out->c, (tile0 + tiles) * e->tiling->tile) - tile0 * e->tiling->tile;
}

/* What a block writes: all channels, or those of one chunk. */
static struct written written_of(const struct emitter *e, const struct qm_block *block, const struct qm_chunk *chunk) {
    struct written written = {block->x0, block->w, 0, e->out->c};
    if (chunk != NULL) {
        written.c0 = chunk->tile0 * e->tiling->tile;
        written.c = channels_of(e, chunk->tile0, chunk->tiles);
    }
    return written;
}

static void emit_matmul(struct emitter *e, const struct group *group, const struct qm_chunk *chunk) {
    const struct qm_part *part = &e->tiling->parts[chunk->part0];
    uint32_t row_weights = part->kernel_h * e->tiling->runs * part->run_bytes, tile0 = chunk->tile0 + group->first;
    struct qm_insn insn = {.opcode = QM_MATMUL};
    set_window(e, &insn, group->block, group->in);
    insn.depthwise = e->tiling->depthwise;
    insn.accumulate = chunk->part0 > 0;
    insn.kernel_h = part->kernel_h;
    insn.kernel_w = e->tiling->runs;
    insn.run_bytes = part->run_bytes;
    insn.y_start += (int64_t)part->ky0 * e->layer->dilation_h;
    insn.x_start += part->run0 + (e->tiling->depthwise ? tile0 * e->tiling->tile : 0);
    insn.tiles = group->tiles;
    insn.channels = channels_of(e, tile0, group->tiles);
    insn.weight_addr = group->chunk_addr + chunk->param_bytes + group->first * e->tiling->tile * row_weights;
    insn.acc_addr = e->acc_at;
    storage_emit(&e->storage, &insn);
}

static void emit_requantize(struct emitter *e, const struct group *group, const struct qm_chunk *chunk) {
    uint32_t tile0 = chunk->tile0 + group->first;
    struct qm_insn insn = {.opcode = QM_REQUANTIZE, .out_h = group->block->h, .out_w = group->block->w};
    set_output(e, &insn, group->block, group->out);
    insn.depthwise = e->tiling->depthwise;
    insn.out_addr += tile0 * e->tiling->tile;
    insn.tiles = group->tiles;
    insn.channels = channels_of(e, tile0, group->tiles);
    insn.param_addr = group->chunk_addr + group->first * 9 * e->plan->machine->cols;
    insn.acc_addr = e->acc_at;
    storage_emit(&e->storage, &insn);
}

/* The accumulator is a ring: each group takes the next rows, so that its sums are read while later groups are added up. */
static void begin_group(struct emitter *e, const struct group *group) {
    uint32_t rows = group->tiles * group->block->h * group->block->w;
    if (e->acc_at + rows > e->plan->machine->accumulator_rows) e->acc_at = 0;
}

static enum qm_status emit_chunk(struct emitter *e, uint32_t fetch, const struct qm_block *block, const struct rows *in,
                                 const struct rows *out) {
    const struct qm_chunk *chunk = e->storage.fetches[fetch].chunk;
    struct group group = {.fetch = fetch, .block = block, .in = in, .out = out};
    bool is_last = chunk->part0 + chunk->parts == e->tiling->part_count;
    QM_TRY(storage_acquire(&e->storage, fetch, &group.chunk_addr));
    for (group.first = 0; group.first < chunk->tiles; group.first += group.tiles) {
        group.tiles = least(e->tiling->group, chunk->tiles - group.first);
        if (chunk->part0 == 0) begin_group(e, &group);
        emit_matmul(e, &group, chunk);
        if (!is_last) continue;
        emit_requantize(e, &group, chunk);
        e->acc_at += group.tiles * block->h * block->w;
    }
    return QM_OK;
}

/* ---- additions ---- */

static void emit_add(struct emitter *e, const struct qm_layer *layer, const struct rows *a, const struct rows *b, const struct rows *out) {
    struct qm_insn insn = {
        .opcode = QM_ADD,
        .in_addr = a->addr,
        .b_addr = b->addr,
        .out_addr = out->addr,
        .length = (int64_t)out->count * e->out->w * e->out->c,
        .in_unsigned = layer->in_unsigned,
        .a_zero = layer->a_zero,
        .b_zero = layer->b_zero,
        .pre_shift = layer->pre_shift,
        .a_multiplier = layer->a_scale.multiplier,
        .a_shift = layer->a_scale.shift,
        .b_multiplier = layer->b_scale.multiplier,
        .b_shift = layer->b_scale.shift,
        .out_multiplier = layer->out_scale.multiplier,
        .out_shift = layer->out_scale.shift,
        .out_zero = layer->out_zero,
        .clamp_min = layer->clamp_min,
        .clamp_max = layer->clamp_max,
        .rounding = layer->rounding,
    };
    storage_emit(&e->storage, &insn);
}

/* The addition behind a convolution, on the rows that the block has just written. */
static enum qm_status emit_fused_add(struct emitter *e, const struct qm_block *block, const struct rows *sum) {
    const struct qm_layer *layer = e->layer + 1;
    bool first = layer->inputs[0] == e->layer->output;
    struct rows other, out;
    e->storage.layer++;
    QM_TRY(storage_read_rows(&e->storage, layer->inputs[first ? 1 : 0], block->y0, block->h, &other));
    QM_TRY(storage_write_rows(&e->storage, layer->output, block->y0, block->h, &out));
    emit_add(e, layer, first ? sum : &other, first ? &other : sum, &out);
    storage_end_write(&e->storage, layer->output, &out, (struct written){0, e->out->w, 0, e->out->c});
    storage_end_read(&e->storage, &other);
    e->storage.layer--;
    return QM_OK;
}

/* All chunks on one block, or one chunk when only is given. */
static enum qm_status emit_block(struct emitter *e, uint32_t block_index, int64_t only) {
    const struct qm_block *block = &e->tiling->blocks[block_index];
    uint32_t layer = e->storage.layer, y0, count, base = e->storage.first_fetch[layer];
    struct rows in, out;
    input_rows(e, block, &y0, &count);
    QM_TRY(storage_read_rows(&e->storage, e->layer->inputs[0], y0, count, &in));
    if (e->storage.fused)
        QM_TRY(storage_passing_rows(&e->storage, e->layer->output, block->y0, block->h, &out));
    else
        QM_TRY(storage_write_rows(&e->storage, e->layer->output, block->y0, block->h, &out));
    for (uint32_t i = 0; i < e->tiling->chunk_count; i++) {
        if (only >= 0 && i != only) continue;
        bool again = e->tiling->order == QM_BLOCKS_OUTSIDE;
        uint32_t fetch = base + i + (again ? block_index * e->tiling->chunk_count : 0);
        QM_TRY(emit_chunk(e, fetch, block, &in, &out));
        if (again) storage_release(&e->storage, fetch);
    }
    if (e->storage.fused) {
        QM_TRY(emit_fused_add(e, block, &out));
        storage_end_read(&e->storage, &out);
    } else {
        storage_end_write(&e->storage, e->layer->output, &out, written_of(e, block, only < 0 ? NULL : &e->tiling->chunks[only]));
    }
    storage_end_read(&e->storage, &in);
    return QM_OK;
}

static enum qm_status emit_convolution(struct emitter *e) {
    uint32_t base = e->storage.first_fetch[e->storage.layer];
    if (e->tiling->order != QM_CHUNKS_OUTSIDE) {
        for (uint32_t i = 0; i < e->tiling->block_count; i++) QM_TRY(emit_block(e, i, -1));
        return QM_OK;
    }
    for (uint32_t chunk = 0; chunk < e->tiling->chunk_count; chunk++) {
        for (uint32_t i = 0; i < e->tiling->block_count; i++) QM_TRY(emit_block(e, i, chunk));
        storage_release(&e->storage, base + chunk);
    }
    return QM_OK;
}

/* ---- pools, additions, the host ---- */

/* Window places of one axis that lie inside the map, for output position o. */
static uint32_t inside(uint32_t o, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t size) {
    int64_t first = (int64_t)o * stride - pad;
    return (uint32_t)(clip(first + kernel, 0, size) - clip(first, 0, size));
}

/* A pool over part of a block in which every window has the same count of places inside. */
static void emit_pool(struct emitter *e, const struct qm_block *part, const struct rows *in, const struct rows *out, uint32_t count) {
    struct qm_insn insn = {.opcode = QM_POOL};
    set_window(e, &insn, part, in);
    set_output(e, &insn, part, out);
    insn.channels = e->out->c;
    insn.out_multiplier = (int64_t)1 << 30;
    insn.out_shift = 1;
    if (e->layer->kind == QM_LAYER_POOL_AVG) {
        int log2 = 31 - __builtin_clz(count);
        insn.pool_kind = QM_pool_kind_SUM;
        insn.out_multiplier = (((int64_t)1 << (30 + log2)) + count - 1) / count;
        insn.out_shift = 1 - log2;
        insn.rounding = QM_rounding_AWAY;
    }
    storage_emit(&e->storage, &insn);
}

static uint32_t rows_inside(const struct emitter *e, uint32_t y) {
    return inside(y, e->layer->stride_h, e->layer->pad_top, e->layer->kernel_h, e->in->h);
}

static uint32_t columns_inside(const struct emitter *e, uint32_t x) {
    return inside(x, e->layer->stride_w, e->layer->pad_left, e->layer->kernel_w, e->in->w);
}

/* Cuts a block where the counts change: borders of a padded average. A maximum does not care. */
static void emit_pool_parts(struct emitter *e, const struct qm_block *block, const struct rows *in, const struct rows *out) {
    bool is_average = e->layer->kind == QM_LAYER_POOL_AVG;
    struct qm_block part = *block;
    for (part.y0 = block->y0; part.y0 < block->y0 + block->h; part.y0 += part.h) {
        for (part.h = 1; part.y0 + part.h < block->y0 + block->h; part.h++)
            if (is_average && rows_inside(e, part.y0 + part.h) != rows_inside(e, part.y0)) break;
        for (part.x0 = block->x0; part.x0 < block->x0 + block->w; part.x0 += part.w) {
            for (part.w = 1; part.x0 + part.w < block->x0 + block->w; part.w++)
                if (is_average && columns_inside(e, part.x0 + part.w) != columns_inside(e, part.x0)) break;
            emit_pool(e, &part, in, out, rows_inside(e, part.y0) * columns_inside(e, part.x0));
        }
    }
}

static enum qm_status emit_pool_layer(struct emitter *e) {
    for (uint32_t i = 0; i < e->tiling->block_count; i++) {
        struct rows in, out;
        uint32_t y0, count;
        input_rows(e, &e->tiling->blocks[i], &y0, &count);
        QM_TRY(storage_read_rows(&e->storage, e->layer->inputs[0], y0, count, &in));
        QM_TRY(storage_write_rows(&e->storage, e->layer->output, e->tiling->blocks[i].y0, e->tiling->blocks[i].h, &out));
        emit_pool_parts(e, &e->tiling->blocks[i], &in, &out);
        storage_end_write(&e->storage, e->layer->output, &out, written_of(e, &e->tiling->blocks[i], NULL));
        storage_end_read(&e->storage, &in);
    }
    return QM_OK;
}

static enum qm_status emit_add_layer(struct emitter *e) {
    for (uint32_t i = 0; i < e->tiling->block_count; i++) {
        const struct qm_block *block = &e->tiling->blocks[i];
        struct rows a, b, out;
        QM_TRY(storage_read_rows(&e->storage, e->layer->inputs[0], block->y0, block->h, &a));
        QM_TRY(storage_read_rows(&e->storage, e->layer->inputs[1], block->y0, block->h, &b));
        QM_TRY(storage_write_rows(&e->storage, e->layer->output, block->y0, block->h, &out));
        emit_add(e, e->layer, &a, &b, &out);
        storage_end_write(&e->storage, e->layer->output, &out, written_of(e, &e->tiling->blocks[i], NULL));
        storage_end_read(&e->storage, &b);
        storage_end_read(&e->storage, &a);
    }
    return QM_OK;
}

/* ---- steps ---- */

static void end_device_step(struct emitter *e) {
    struct qm_program *program = e->plan->program;
    uint32_t first = 0;
    for (uint32_t i = 0; i < program->step_count; i++)
        if (!program->steps[i].on_host) first = program->steps[i].first_insn + (program->steps[i].insn_count + 3) / 4 * 4;
    if (e->plan->insns.count == first) return;
    program->steps[program->step_count++] = (struct qm_program_step){.first_insn = first, .insn_count = e->plan->insns.count - first};
    while (e->plan->insns.count % 4 != 0) storage_emit(&e->storage, &(struct qm_insn){0});
}

static void emit_host_layer(struct emitter *e) {
    struct qm_program *program = e->plan->program;
    storage_flush(&e->storage, e->layer->inputs[0]);
    end_device_step(e);
    storage_arena_place(&e->storage, e->layer->output);
    storage_value(&e->storage, e->layer->output)->in_arena = true;
    program->steps[program->step_count++] = (struct qm_program_step){
        .on_host = true,
        .layer = e->storage.layer,
        .host_op = QM_HOST_SOFTMAX,
        .input = e->layer->inputs[0],
        .output = e->layer->output,
        .beta = e->layer->beta,
    };
}

static bool is_output(const struct qm_network *network, uint32_t value) {
    for (uint32_t i = 0; i < network->output_count; i++)
        if (network->values[network->outputs[i]].storage == network->values[value].storage) return true;
    return false;
}

static bool same_shape(const struct qm_value *a, const struct qm_value *b) {
    return a->h == b->h && a->w == b->w && a->c == b->c;
}

/* Can the addition behind the layer run block by block with it? It must be the only reader, and its other operand must be there. */
static bool can_fuse(const struct emitter *e, uint32_t index) {
    const struct qm_network *network = e->plan->network;
    const struct qm_layer *next = e->layer + 1;
    uint32_t output = e->layer->output;
    if (index + 1 == network->layer_count || next->kind != QM_LAYER_ADD || !qm_layer_has_weights(e->layer)) return false;
    if ((next->inputs[0] == output) == (next->inputs[1] == output)) return false;
    uint32_t other = next->inputs[next->inputs[0] == output ? 1 : 0];
    const struct stored_value *stored = storage_value(&e->storage, other);
    if (network->values[other].storage == network->values[output].storage || (!stored->resident && !stored->in_arena)) return false;
    if (storage_value(&e->storage, output)->last_use != index + 1 || is_output(network, output) || e->plan->options->keep_layers)
        return false;
    if (!same_shape(e->out, &network->values[other]) || !same_shape(e->out, &network->values[next->output])) return false;
    return e->tiling->order != QM_CHUNKS_OUTSIDE && e->tiling->blocks[0].w == e->out->w;
}

static enum qm_status emit_work(struct emitter *e) {
    switch (e->layer->kind) {
    case QM_LAYER_CONV:
    case QM_LAYER_DEPTHWISE: return emit_convolution(e);
    case QM_LAYER_ADD: return emit_add_layer(e);
    default: return emit_pool_layer(e);
    }
}

static void end_layer(struct emitter *e, uint32_t index) {
    const struct qm_network *network = e->plan->network;
    uint32_t output = network->layers[index].output;
    e->storage.layer = index;
    if (is_output(network, output) || e->plan->options->keep_layers) storage_flush(&e->storage, output);
    storage_end_layer(&e->storage);
}

/* Emits the layer, and the addition behind it when they are fused; *index becomes the next layer. */
static enum qm_status emit_layer(struct emitter *e, uint32_t *index) {
    const struct qm_network *network = e->plan->network;
    uint32_t first = *index;
    e->layer = &network->layers[first];
    e->tiling = &e->plan->tilings[first];
    e->in = &network->values[e->layer->inputs[0]];
    e->out = &network->values[e->layer->output];
    e->storage.layer = (*index)++;
    if (e->layer->kind == QM_LAYER_SOFTMAX) {
        emit_host_layer(e);
        return QM_OK;
    }
    bool fused = can_fuse(e, first);
    storage_begin_layer(&e->storage, first, fused);
    QM_TRY(emit_work(e));
    end_layer(e, first);
    if (fused) end_layer(e, (*index)++);
    return QM_OK;
}

enum qm_status qm_pass_emit(struct qm_plan *plan, struct qm_diag *diag) {
    struct emitter *e = QM_ARENA_NEW(plan->arena, struct emitter, 1);
    const struct qm_network *network = plan->network;
    e->plan = plan;
    storage_init(&e->storage, plan, diag);
    plan->program->steps = QM_ARENA_NEW(plan->program->arena, struct qm_program_step, 2 * network->layer_count + 1);
    for (uint32_t i = 0; i < network->layer_count;) QM_TRY(emit_layer(e, &i));
    end_device_step(e);
    plan->arena_offsets = QM_ARENA_NEW(plan->arena, uint32_t, network->value_count);
    for (uint32_t i = 0; i < network->value_count; i++)
        plan->arena_offsets[i] = storage_value(&e->storage, i)->has_arena_place ? storage_arena_place(&e->storage, i) : UINT32_MAX;
    plan->arena_end = e->storage.arena_end;
    return QM_OK;
}
