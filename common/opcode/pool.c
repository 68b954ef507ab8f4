/* pool.c - POOL: maximum or sum over windows of a feature map. */
#include "common/opcode/parts.h"

static enum qm_error check(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (!can_write(insn, machine, insn->channels)) return QM_ERROR_UNSUPPORTED;
    return insn->run_bytes == 1 ? QM_ERROR_NONE : QM_ERROR_ILLEGAL;
}

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    (void)machine;
    operands[0] = operand_window(insn, insn->channels, insn->out_w);
    operands[1] = operand_output(insn, qm_output_bytes(insn, insn->channels));
    return 2;
}

/* ---- items: tiles of C channels, positions, taps ---- */

static uint64_t item_count(const struct qm_insn *insn, const struct qm_machine *machine) {
    return pieces(insn->channels, machine) * positions(insn) * taps(insn);
}

static struct qm_post_events events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items) {
    uint64_t period = positions(insn) * taps(insn), tile = items / period, of_tile = items % period, outputs = of_tile / taps(insn);
    uint64_t before = channels_before(insn, tile, machine->cols), n = channels_before(insn, tile + 1, machine->cols) - before;
    uint64_t read = before * period + n * of_tile;
    return (struct qm_post_events){
        .post_reads = read,
        .pool_ops = read,
        .requantize_ops = before * positions(insn) + n * outputs,
        .post_writes = output_bytes(insn, before) * positions(insn) + output_bytes(insn, n) * outputs,
    };
}

static struct qm_post_item item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index) {
    int64_t of_output = (int64_t)taps(insn), outputs = (int64_t)positions(insn);
    int64_t tap = index % of_output, position = index / of_output % outputs, before = index / of_output / outputs * machine->cols;
    struct qm_post_item item = item_tap(insn, position, tap, before);
    item.writes = tap + 1 == of_output;
    item.out_addr = item_address(output_address(insn, position, before));
    item.out_bytes = (uint32_t)output_bytes(insn, least(machine->cols, (uint64_t)(insn->channels - before)));
    return item;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    uint64_t outputs = times(positions(insn), pieces(insn->channels, machine));
    uint64_t map = pace->bytes == QM_ENDLESS ? QM_ENDLESS : (uint64_t)(insn->in_rows * insn->in_row_bytes);
    return times(least(outputs, pace->bytes), least(taps(insn), map));
}

static const struct qm_post_shape post = {.latency_cycles = 5, .item_count = item_count, .events = events, .item = item};

const struct qm_opcode_info qm_opcode_POOL = {
    .check = check,
    .find_operands = find_operands,
    .limit_cycles = limit_cycles,
    .post = &post,
};
