/* copy.c - COPY: windows of a feature map gathered into dense rows. */
#include "common/opcode/parts.h"

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    (void)machine;
    operands[0] = operand_window(insn, insn->run_bytes, insn->out_w);
    operands[1] = operand_output(insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
    return 2;
}

/* ---- items: positions, taps, pieces of C bytes of the run ---- */

static uint64_t item_count(const struct qm_insn *insn, const struct qm_machine *machine) {
    return positions(insn) * taps(insn) * pieces(insn->run_bytes, machine);
}

static struct qm_post_events events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items) {
    uint64_t run = (uint64_t)insn->run_bytes, period = pieces(insn->run_bytes, machine);
    uint64_t bytes = items / period * run + least(items % period * machine->cols, run);
    return (struct qm_post_events){.post_reads = bytes, .post_writes = bytes};
}

static struct qm_post_item item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index) {
    int64_t of_run = (int64_t)pieces(insn->run_bytes, machine), of_output = (int64_t)taps(insn);
    int64_t piece = index % of_run * machine->cols, tap = index / of_run % of_output, position = index / of_run / of_output;
    struct qm_post_item item = item_tap(insn, position, tap, piece);
    item.writes = true;
    item.out_addr = item_address(output_address(insn, position, 0) + tap * insn->run_bytes + piece);
    item.out_bytes = (uint32_t)least(machine->cols, (uint64_t)(insn->run_bytes - piece));
    return item;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    return least(times(positions(insn), taps(insn) * pieces(insn->run_bytes, machine)), pace->bytes);
}

static const struct qm_post_shape post = {.latency_cycles = 5, .item_count = item_count, .events = events, .item = item};

const struct qm_opcode_info qm_opcode_COPY = {
    .find_operands = find_operands,
    .limit_cycles = limit_cycles,
    .post = &post,
};
