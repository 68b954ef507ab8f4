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

/* ---- items: for each piece of C elements a read of the first operand, and of the second ---- */

static uint64_t item_count(const struct qm_insn *insn, const struct qm_machine *machine) {
    return 2 * pieces(insn->length, machine);
}

static struct qm_post_events events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items) {
    uint64_t first = least((items + 1) / 2 * machine->cols, (uint64_t)insn->length);
    uint64_t second = least(items / 2 * machine->cols, (uint64_t)insn->length);
    return (struct qm_post_events){
        .post_reads = first + second,
        .scale_ops = insn->binary == QM_binary_PRODUCT ? second : first + second,
        .requantize_ops = second,
        .post_writes = output_bytes(insn, second),
    };
}

static struct qm_post_item item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index) {
    int64_t before = index / 2 * machine->cols;
    struct qm_post_item item = item_read((index % 2 == 0 ? insn->in_addr : insn->b_addr) + before);
    item.writes = index % 2 != 0;
    item.out_addr = item_address(insn->out_addr + qm_output_bytes(insn, before));
    item.out_bytes = (uint32_t)output_bytes(insn, least(machine->cols, (uint64_t)(insn->length - before)));
    return item;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    return 2 * ceil_div(least((uint64_t)insn->length, pace->bytes), machine->cols);
}

static const struct qm_post_shape post = {.latency_cycles = 7, .item_count = item_count, .events = events, .item = item};

const struct qm_opcode_info qm_opcode_ADD = {
    .check = check,
    .find_operands = find_operands,
    .limit_cycles = limit_cycles,
    .post = &post,
};
