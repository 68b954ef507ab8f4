/* schedule_maps.c - what the layers of all kinds share: maps that come from the arena and go to it.
 *
 * A map that is not resident comes in parts, each to a buffer of its own, and goes in blocks. A resident one from outside is loaded in
 * order, up to what is needed next.
 */
#include "compiler/passes/passes.h"

enum { INPUT_LOADS = 8, INPUT_LOAD_BYTES_MIN = 1024 };

static uint32_t stage_begin(const struct plan *plan) {
    return plan->stages[plan->stage_count - 1].first_op;
}

/* Adds a LOAD or STORE of dense bytes between a buffer and the arena. */
static uint32_t add_transfer(struct plan *plan, enum qm_opcode opcode, uint32_t layer, uint32_t bytes) {
    uint32_t op = plan_add_op(plan, opcode, layer);
    struct qm_insn *insn = &plan->ops[op].insn;
    insn->row_bytes = bytes;
    insn->row_count = insn->plane_count = 1;
    return op;
}

/* ---- maps that come from the arena ---- */

/* Loads an outside map up to a byte, in several transfers, so that its first rows can be used before the last have come. */
static void load_until(struct plan *plan, uint32_t layer, struct plan_value *value, uint32_t end) {
    uint32_t bytes_max = plan_max(plan_ceil_div(value->bytes, INPUT_LOADS), INPUT_LOAD_BYTES_MIN);
    while (value->loaded_bytes < end) {
        uint32_t bytes = plan_min(bytes_max, value->bytes - value->loaded_bytes), op = add_transfer(plan, QM_LOAD, layer, bytes);
        plan->ops[op].insn.spad_addr = value->loaded_bytes;
        plan->ops[op].insn.dram_addr = (int64_t)value->arena_offset + value->loaded_bytes;
        plan_use(plan, op, PLAN_WRITE, value->buffer);
        plan->ops[op].movable = value->loaded_bytes > 0; /* from the first on its place is taken */
        plan->ops[op].after = plan->buffers[value->buffer].first_op;
        value->loaded_bytes += bytes;
    }
}

static uint32_t load_part(struct plan *plan, uint32_t layer, const struct plan_value *value, const struct area *wanted,
                          uint32_t row_bytes) {
    uint32_t bytes = wanted->rows * wanted->bytes, buffer = plan_add_buffer(plan, bytes);
    uint32_t op = add_transfer(plan, QM_LOAD, layer, bytes);
    struct qm_insn *insn = &plan->ops[op].insn;
    insn->dram_addr = (int64_t)value->arena_offset + (int64_t)wanted->row * row_bytes + wanted->byte;
    if (wanted->bytes != row_bytes && wanted->rows > 1) {
        insn->row_bytes = wanted->bytes;
        insn->row_count = wanted->rows;
        insn->dram_row_stride = row_bytes;
        insn->spad_row_stride = wanted->bytes;
    }
    plan->ops[op].movable = true;
    plan->ops[op].after = plan_max(value->ready_op, stage_begin(plan));
    plan_use(plan, op, PLAN_WRITE, buffer);
    return buffer;
}

struct area schedule_input_channels(struct plan *plan, uint32_t layer, uint32_t value, const struct area *wanted, struct range channels) {
    const struct qm_value *map = &plan->network->values[value];
    struct area area = *wanted;
    area.buffer = load_part(plan, layer, plan_storage(plan, value), wanted, map->w * channels.count);
    area.pitch = wanted->bytes;
    struct qm_insn *insn = &plan->ops[plan->op_count - 1].insn;
    uint32_t first = wanted->byte / channels.count, row_bytes = map->w * map->c;
    insn->dram_addr =
        (int64_t)plan_storage(plan, value)->arena_offset + (int64_t)wanted->row * row_bytes + (int64_t)first * map->c + channels.first;
    insn->row_bytes = insn->spad_row_stride = channels.count;
    insn->row_count = wanted->bytes / channels.count;
    insn->plane_count = wanted->rows;
    insn->dram_row_stride = map->c;
    insn->dram_plane_stride = row_bytes;
    insn->spad_plane_stride = wanted->bytes;
    return area;
}

struct area schedule_input(struct plan *plan, uint32_t layer, uint32_t value, const struct area *wanted, uint32_t row_bytes) {
    struct plan_value *storage = plan_storage(plan, value);
    struct area area = *wanted;
    if (storage->resident) {
        if (storage->from_outside)
            load_until(plan, layer, storage, (wanted->row + wanted->rows - 1) * row_bytes + wanted->byte + wanted->bytes);
        return (struct area){.rows = wanted->row + wanted->rows, .bytes = row_bytes, .pitch = row_bytes, .buffer = storage->buffer};
    }
    area.buffer = load_part(plan, layer, storage, wanted, row_bytes);
    area.pitch = wanted->bytes;
    return area;
}

/* The nest is one end of a transfer; the other is dense. */
static struct qm_insn *add_nest(struct plan *plan, enum qm_opcode opcode, uint32_t layer, const struct plan_nest *nest) {
    uint32_t bytes = nest->contiguous_bytes, positions = nest->positions;
    if (nest->position == bytes || positions == 1) {
        bytes *= positions;
        positions = 1;
    }
    uint32_t op = add_transfer(plan, opcode, layer, bytes);
    struct qm_insn *insn = &plan->ops[op].insn;
    insn->row_count = positions;
    insn->plane_count = nest->rows;
    insn->dram_row_stride = positions > 1 ? nest->position : 0;
    insn->dram_plane_stride = nest->rows > 1 ? nest->row : 0;
    insn->spad_row_stride = positions > 1 ? bytes : 0;
    insn->spad_plane_stride = nest->rows > 1 ? (int64_t)bytes * positions : 0;
    return insn;
}

uint32_t schedule_gather(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest) {
    struct plan_value *storage = plan_storage(plan, value);
    uint32_t end = nest->first + (nest->rows - 1) * nest->row + (nest->positions - 1) * nest->position + nest->contiguous_bytes;
    if (storage->resident) {
        if (storage->from_outside) load_until(plan, layer, storage, end);
        return storage->buffer;
    }
    uint32_t buffer = plan_add_buffer(plan, nest->rows * nest->positions * nest->contiguous_bytes);
    struct qm_insn *insn = add_nest(plan, QM_LOAD, layer, nest);
    insn->dram_addr = (int64_t)storage->arena_offset + nest->first;
    struct plan_op *op = &plan->ops[plan->op_count - 1];
    op->movable = true;
    op->after = plan_max(storage->ready_op, stage_begin(plan));
    plan_use(plan, plan->op_count - 1, PLAN_WRITE, buffer);
    return buffer;
}

/* ---- maps that go to the arena ---- */

void schedule_scatter(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer) {
    struct plan_value *storage = plan_storage(plan, value);
    if (storage->resident) return;
    struct qm_insn *insn = add_nest(plan, QM_STORE, layer, nest);
    insn->dram_addr = (int64_t)storage->arena_offset + nest->first;
    plan_use(plan, plan->op_count - 1, PLAN_READ, buffer);
    storage->ready_op = plan->op_count;
}

struct destination schedule_destination(const struct plan *plan, const struct target *target, uint32_t buffer) {
    const struct plan_value *value = plan_storage(plan, target->value);
    const struct block *block = &target->block;
    uint32_t pixel = target->pixel_bytes, pitch = target->width * pixel;
    if (value->resident)
        return (struct destination){value->buffer, block->y * pitch + block->x * pixel + target->channels.first, pitch, pixel};
    return (struct destination){buffer, 0, block->w * target->channels.count, target->channels.count};
}

void schedule_store_block(struct plan *plan, uint32_t layer, const struct target *target, uint32_t buffer) {
    struct plan_value *value = plan_storage(plan, target->value);
    const struct block *block = &target->block;
    if (value->resident) return;
    uint32_t pixel = target->pixel_bytes, pitch = target->width * pixel, bytes = target->channels.count;
    uint32_t op = add_transfer(plan, QM_STORE, layer, block->h * block->w * bytes);
    struct qm_insn *insn = &plan->ops[op].insn;
    insn->dram_addr = (int64_t)value->arena_offset + (int64_t)block->y * pitch + (int64_t)block->x * pixel + target->channels.first;
    if (bytes != pixel) {
        insn->row_bytes = insn->spad_row_stride = bytes;
        insn->row_count = block->w;
        insn->plane_count = block->h;
        insn->dram_row_stride = pixel;
        insn->dram_plane_stride = pitch;
        insn->spad_plane_stride = (int64_t)block->w * bytes;
    } else if (block->w != target->width && block->h > 1) {
        insn->row_bytes = insn->spad_row_stride = (int64_t)block->w * bytes;
        insn->row_count = block->h;
        insn->dram_row_stride = pitch;
    }
    plan_use(plan, op, PLAN_READ, buffer);
    value->ready_op = plan->op_count;
}

void schedule_store_map(struct plan *plan, uint32_t layer, struct plan_value *value) {
    if (!value->resident || !value->in_arena || value->last_writer != layer) return;
    uint32_t op = add_transfer(plan, QM_STORE, layer, value->bytes);
    plan->ops[op].insn.dram_addr = value->arena_offset;
    plan_use(plan, op, PLAN_READ, value->buffer);
}
