/* add.c - ADD: the sum or the product of two tensors. */
#include "common/opcode/parts.h"

static enum qm_error check(const struct qm_insn *insn, const struct qm_machine *machine) {
    return can_write(insn, machine, insn->length) ? QM_ERROR_NONE : QM_ERROR_UNSUPPORTED;
}

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    (void)machine;
    operands[0] = operand_all("in_addr", QM_SPACE_SCRATCHPAD, false, insn->in_addr, insn->length);
    operands[1] = operand_all("b_addr", QM_SPACE_SCRATCHPAD, false, insn->b_addr, insn->length);
    operands[2] = operand_all("out_addr", QM_SPACE_SCRATCHPAD, true, insn->out_addr, qm_output_bytes(insn, insn->length));
    return 3;
}

/* ---- items: pieces of C elements, of both operands ---- */

static uint64_t item_count(const struct qm_insn *insn, const struct qm_machine *machine) {
    return pieces(insn->length, machine);
}

static struct qm_post_events events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items) {
    uint64_t elements = least(items * machine->cols, (uint64_t)insn->length);
    return (struct qm_post_events){
        .post_reads = 2 * elements,
        .scale_ops = insn->binary == QM_binary_PRODUCT ? elements : 2 * elements,
        .requantize_ops = elements,
        .post_writes = output_bytes(insn, elements),
    };
}

static struct qm_post_item item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index) {
    int64_t before = index * machine->cols;
    struct qm_post_item item = item_read(insn->in_addr + before);
    item.reads_operand = true;
    item.operand_addr = item_address(insn->b_addr + before);
    item.writes = true;
    item.out_addr = item_address(insn->out_addr + qm_output_bytes(insn, before));
    item.out_bytes = (uint32_t)output_bytes(insn, least(machine->cols, (uint64_t)(insn->length - before)));
    return item;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    return ceil_div(least((uint64_t)insn->length, pace->bytes), machine->cols);
}

static const struct qm_post_shape post = {.latency_cycles = 8, .item_count = item_count, .events = events, .item = item};

const struct qm_opcode_info qm_opcode_ADD = {
    .check = check,
    .find_operands = find_operands,
    .limit_cycles = limit_cycles,
    .post = &post,
};
