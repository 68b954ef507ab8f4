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

/* A LOAD or STORE of dense bytes between a buffer and the arena. */
static struct qm_insn transfer(enum qm_opcode opcode, uint32_t bytes, int64_t dram_addr) {
    return (struct qm_insn){.opcode = opcode, .row_bytes = bytes, .row_count = 1, .plane_count = 1, .dram_addr = dram_addr};
}

/* ---- maps that come from the arena ---- */

/* Loads an outside map up to a byte, in several transfers, so that its first rows can be used before the last have come. */
static void load_until(struct plan *plan, uint32_t layer, struct plan_value *value, uint32_t end) {
    uint32_t bytes_max = plan_max(plan_ceil_div(value->bytes, INPUT_LOADS), INPUT_LOAD_BYTES_MIN);
    while (value->loaded_bytes < end) {
        uint32_t bytes = plan_min(bytes_max, value->bytes - value->loaded_bytes);
        struct qm_insn insn = transfer(QM_LOAD, bytes, (int64_t)value->arena_offset + value->loaded_bytes);
        insn.spad_addr = value->loaded_bytes;
        uint32_t op = plan_add_op(plan, layer, &insn);
        plan_use(plan, op, PLAN_WRITE, value->buffer);
        if (value->loaded_bytes > 0) plan->ops[op].after = plan->buffers[value->buffer].first_op; /* from the first on its place is taken */
        value->loaded_bytes += bytes;
    }
}

/* Loads bytes of a map to a buffer. */
static void load_to(struct plan *plan, uint32_t layer, const struct plan_value *value, const struct qm_insn *insn, uint32_t buffer) {
    uint32_t op = plan_add_op(plan, layer, insn);
    plan->ops[op].after = plan_max(value->ready_op, stage_begin(plan));
    plan_use(plan, op, PLAN_WRITE, buffer);
}

/* The same to a buffer of their own, which it returns. */
static uint32_t load_part(struct plan *plan, uint32_t layer, const struct plan_value *value, const struct qm_insn *insn, uint32_t bytes) {
    uint32_t buffer = plan_add_buffer(plan, bytes);
    load_to(plan, layer, value, insn, buffer);
    return buffer;
}

struct area schedule_input_channels(struct plan *plan, uint32_t layer, uint32_t value, const struct area *wanted, struct range channels) {
    const struct qm_value *map = &plan->network->values[value];
    const struct plan_value *storage = plan_storage(plan, value);
    struct area area = *wanted;
    uint32_t first = wanted->byte / channels.count, row_bytes = map->w * map->c;
    int64_t offset = (int64_t)wanted->row * row_bytes + (int64_t)first * map->c + channels.first;
    struct qm_insn insn = transfer(QM_LOAD, channels.count, storage->arena_offset + offset);
    insn.spad_row_stride = channels.count;
    insn.row_count = wanted->bytes / channels.count;
    insn.plane_count = wanted->rows;
    insn.dram_row_stride = map->c;
    insn.dram_plane_stride = row_bytes;
    insn.spad_plane_stride = wanted->bytes;
    area.buffer = load_part(plan, layer, storage, &insn, wanted->rows * wanted->bytes);
    area.pitch = wanted->bytes;
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
    uint32_t bytes = wanted->rows * wanted->bytes;
    int64_t offset = (int64_t)wanted->row * row_bytes + wanted->byte;
    struct qm_insn insn = transfer(QM_LOAD, bytes, storage->arena_offset + offset);
    if (wanted->bytes != row_bytes && wanted->rows > 1) {
        insn.row_bytes = insn.spad_row_stride = wanted->bytes;
        insn.row_count = wanted->rows;
        insn.dram_row_stride = row_bytes;
    }
    area.buffer = load_part(plan, layer, storage, &insn, bytes);
    area.pitch = wanted->bytes;
    return area;
}

/* The nest is one end of a transfer; the other is dense. */
static struct qm_insn transfer_nest(enum qm_opcode opcode, const struct plan_value *value, const struct plan_nest *nest) {
    uint32_t bytes = nest->contiguous_bytes, positions = nest->positions, rows = nest->rows;
    if (nest->position == bytes || positions == 1) {
        bytes *= positions;
        positions = 1;
    }
    if (positions == 1 && nest->row == bytes) {
        bytes *= rows;
        rows = 1;
    }
    struct qm_insn insn = transfer(opcode, bytes, (int64_t)value->arena_offset + nest->first);
    insn.row_count = positions;
    insn.plane_count = rows;
    insn.dram_row_stride = positions > 1 ? nest->position : 0;
    insn.dram_plane_stride = rows > 1 ? nest->row : 0;
    insn.spad_row_stride = positions > 1 ? bytes : 0;
    insn.spad_plane_stride = rows > 1 ? (int64_t)bytes * positions : 0;
    return insn;
}

uint32_t schedule_part(struct plan *plan, uint32_t layer, uint32_t value, uint32_t end, uint32_t bytes) {
    struct plan_value *storage = plan_storage(plan, value);
    if (!storage->resident) return plan_add_buffer(plan, bytes);
    if (storage->from_outside) load_until(plan, layer, storage, end);
    return storage->buffer;
}

void schedule_gather(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer, uint32_t at) {
    struct plan_value *storage = plan_storage(plan, value);
    struct qm_insn insn = transfer_nest(QM_LOAD, storage, nest);
    insn.spad_addr = at;
    load_to(plan, layer, storage, &insn, buffer);
}

void schedule_load_back(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer) {
    struct qm_insn insn = transfer_nest(QM_LOAD, plan_storage(plan, value), nest);
    plan_use(plan, plan_add_op(plan, layer, &insn), PLAN_WRITE, buffer); /* not issued earlier: the buffer is in use */
}

/* ---- maps that go to the arena ---- */

void schedule_scatter(struct plan *plan, uint32_t layer, uint32_t value, const struct plan_nest *nest, uint32_t buffer, uint32_t at) {
    struct plan_value *storage = plan_storage(plan, value);
    struct qm_insn insn = transfer_nest(QM_STORE, storage, nest);
    insn.spad_addr = at;
    plan_use(plan, plan_add_op(plan, layer, &insn), PLAN_READ, buffer);
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
    int64_t offset = (int64_t)block->y * pitch + (int64_t)block->x * pixel + target->channels.first;
    struct qm_insn insn = transfer(QM_STORE, block->h * block->w * bytes, value->arena_offset + offset);
    if (bytes != pixel) {
        insn.row_bytes = insn.spad_row_stride = bytes;
        insn.row_count = block->w;
        insn.plane_count = block->h;
        insn.dram_row_stride = pixel;
        insn.dram_plane_stride = pitch;
        insn.spad_plane_stride = (int64_t)block->w * bytes;
    } else if (block->w != target->width && block->h > 1) {
        insn.row_bytes = insn.spad_row_stride = (int64_t)block->w * bytes;
        insn.row_count = block->h;
        insn.dram_row_stride = pitch;
    }
    plan_use(plan, plan_add_op(plan, layer, &insn), PLAN_READ, buffer);
    value->ready_op = plan->op_count;
}

void schedule_store_map(struct plan *plan, uint32_t layer, struct plan_value *value) {
    if (!value->resident || !value->in_arena || value->last_writer != layer) return;
    struct qm_insn insn = transfer(QM_STORE, value->bytes, value->arena_offset);
    plan_use(plan, plan_add_op(plan, layer, &insn), PLAN_READ, value->buffer);
    value->ready_op = plan->op_count;
}
