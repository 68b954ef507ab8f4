/* plan.c - growing lists, and the plan as text: one line a map, a layer, a constant, an operation. */
#include "compiler/ir/plan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/text.h"

/* A list with room for one more: the list itself, or moved to where it can be twice as long. */
static void *with_room(void *list, uint32_t count, uint32_t *room, size_t item_bytes) {
    if (count < *room) return list;
    *room = *room == 0 ? 64 : 2 * *room;
    return qm_alloc_more(list, *room * item_bytes);
}

void plan_free(struct plan *plan) {
    free(plan->buffers);
    free(plan->ops);
    free(plan->constants);
    free(plan->records);
    qm_arena_destroy(plan->arena);
}

uint32_t plan_add_buffer(struct plan *plan, uint32_t bytes) {
    plan->buffers = with_room(plan->buffers, plan->buffer_count, &plan->buffer_room, sizeof *plan->buffers);
    plan->buffers[plan->buffer_count] = (struct plan_buffer){.bytes = bytes, .first_op = plan->op_count};
    return plan->buffer_count++;
}

void plan_get_insn(const struct plan_op *op, struct qm_insn *insn) {
    if (op->is_wide)
        *insn = *op->wide;
    else
        qm_insn_unpack(op->words, insn);
}

uint64_t plan_transfer_bytes(const struct plan_op *op) {
    if (op->is_wide) return (uint64_t)(op->wide->row_bytes * op->wide->row_count * op->wide->plane_count);
    return (uint64_t)qm_field_bits(&qm_fields[QM_FIELD_row_bytes], op->words) * qm_field_bits(&qm_fields[QM_FIELD_row_count], op->words) *
           qm_field_bits(&qm_fields[QM_FIELD_plane_count], op->words);
}

static void set_insn(struct plan *plan, struct plan_op *op, const struct qm_insn *insn) {
    struct qm_diag ignored;
    op->is_wide = qm_insn_pack(insn, op->words, &ignored) != QM_OK;
    if (!op->is_wide) return;
    op->wide = QM_ARENA_NEW(plan->arena, struct qm_insn, 1);
    *op->wide = *insn;
}

uint32_t plan_add_op(struct plan *plan, uint32_t layer, const struct qm_insn *insn) {
    plan->ops = with_room(plan->ops, plan->op_count, &plan->op_room, sizeof *plan->ops);
    struct plan_op *op = &plan->ops[plan->op_count];
    op->layer = layer;
    op->after = PLAN_NONE;
    for (uint32_t i = 0; i < PLAN_OPERANDS; i++) op->buffers[i] = PLAN_NONE;
    set_insn(plan, op, insn);
    return plan->op_count++;
}

uint32_t plan_add_constant(struct plan *plan) {
    plan->constants = with_room(plan->constants, plan->constant_count, &plan->constant_room, sizeof *plan->constants);
    plan->constants[plan->constant_count] = (struct plan_constant){0};
    return plan->constant_count++;
}

void plan_use(struct plan *plan, uint32_t op, uint32_t operand, uint32_t buffer) {
    struct plan_buffer *used = &plan->buffers[buffer];
    plan->ops[op].buffers[operand] = buffer;
    if (used->first_op == PLAN_NONE) used->first_op = op;
    used->last_op = plan_max(used->last_op, op);
}

const char *plan_layer_name(const struct plan *plan, uint32_t layer) {
    return plan->network->values[plan->network->layers[layer].output].name;
}

static void print_values(const struct plan *plan, FILE *out) {
    for (uint32_t i = 0; i < plan->network->value_count; i++) {
        const struct qm_value *value = &plan->network->values[i];
        const struct plan_value *planned = &plan->values[i];
        if (value->storage != i) continue;
        fprintf(out, "map %u %s %ux%ux%u layers %u..%u", i, qm_shown(value->name).text, value->h, value->w, value->c, planned->first_layer,
                planned->last_layer);
        if (planned->resident) fprintf(out, " scratchpad 0x%x", planned->address);
        if (planned->in_arena) fprintf(out, " arena 0x%x", planned->arena_offset);
        fputc('\n', out);
    }
}

static void print_tiling(const struct plan_tiling *tiling, FILE *out) {
    const struct plan_lowering *lowering = &tiling->lowering;
    if (lowering->channels > 0)
        fprintf(out, " %s%s group %u, K %ux%ux%u, channels %u", lowering->depthwise ? "depthwise" : "dense",
                lowering->im2col ? " im2col" : "", lowering->group, lowering->window.kernel_h, lowering->window.kernel_w,
                lowering->window.run_bytes, lowering->channels);
    if (tiling->block_bytes > 0) fprintf(out, " blocks of %u bytes", tiling->block_bytes);
    if (tiling->block_h > 0) fprintf(out, " blocks %ux%u", tiling->block_h, tiling->block_w);
    if (tiling->chunk_channels > 0)
        fprintf(out, " chunks of %u, %u tiles a MATMUL, parts %ux%u%s, %s outer", tiling->chunk_channels, tiling->matmul_tiles,
                tiling->part_kernel_h, tiling->part_run, tiling->split ? " split" : "", tiling->rows_outer ? "rows" : "weights");
}

static void print_op(const struct plan *plan, const struct plan_op *op, FILE *out) {
    struct qm_insn insn;
    char text[1024];
    plan_get_insn(op, &insn);
    qm_insn_print(&insn, text, sizeof text);
    fprintf(out, "layer %u %s", op->layer, text);
    for (uint32_t i = 0; i < PLAN_OPERANDS; i++)
        if (op->buffers[i] != PLAN_NONE) fprintf(out, " %c%u@0x%x", "rmw"[i], op -> buffers[i], plan -> buffers[op->buffers[i]].address);
    fputc('\n', out);
}

void plan_print(const struct plan *plan, FILE *out) {
    print_values(plan, out);
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        fprintf(out, "layer %u %s: %u bytes free,", i, qm_shown(plan_layer_name(plan, i)).text, plan->layers[i].hole_bytes);
        print_tiling(&plan->layers[i].tiling, out);
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < plan->constant_count; i++) {
        const struct plan_constant *constant = &plan->constants[i];
        fprintf(out, "constant %u layer %u channels %u..%u image 0x%x %u bytes\n", i, constant->layer, constant->channel,
                constant->channel + constant->channels, constant->offset, constant->bytes);
    }
    for (uint32_t i = 0; i < plan->op_count; i++) print_op(plan, &plan->ops[i], out);
}
