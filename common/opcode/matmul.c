/* matmul.c - MATMUL: windows of a feature map through the array into the accumulator. */
#include "common/opcode/parts.h"

static bool is_supported(const struct qm_insn *insn) {
    if (insn->depthwise != 0) return insn->precision == QM_precision_W8A8 && insn->weight_zero == 0;
    return -QM_WEIGHT_ZERO_MAX <= insn->weight_zero && insn->weight_zero <= QM_WEIGHT_ZERO_MAX;
}

static enum qm_error check(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (!is_supported(insn)) return QM_ERROR_UNSUPPORTED;
    if (insn->depthwise != 0 && insn->run_bytes != 1) return QM_ERROR_ILLEGAL;
    return has_right_tiles(insn, machine) ? QM_ERROR_NONE : QM_ERROR_ILLEGAL;
}

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    int64_t weight_bytes = qm_weight_bytes(insn, tile_width(insn, machine));
    operands[0] = operand_window(insn, insn->depthwise ? insn->channels : insn->run_bytes);
    operands[1] = operand_all("weight_addr", QM_SPACE_SCRATCHPAD, false, insn->weight_addr, weight_bytes);
    operands[2] = operand_sums(insn, true);
    return 3;
}

/* ---- steps: tiles of T channels, taps, pieces of the run ---- */

/* Bytes of a full piece: what the rows of the array take in a cycle. */
static int64_t piece_bytes(const struct qm_insn *insn, const struct qm_machine *machine) {
    return machine->rows * qm_precision_of(insn).bytes;
}

static uint64_t steps_per_run(const struct qm_insn *insn, const struct qm_machine *machine) {
    return insn->depthwise ? 1 : ceil_div((uint64_t)insn->run_bytes, (uint64_t)piece_bytes(insn, machine));
}

static uint64_t run_count(const struct qm_insn *insn) {
    return (uint64_t)insn->tiles * taps(insn);
}

static uint64_t steps_per_tile(const struct qm_insn *insn, const struct qm_machine *machine) {
    return taps(insn) * steps_per_run(insn, machine);
}

static uint64_t weight_rows_per_tile(const struct qm_insn *insn) {
    return taps(insn) * (uint64_t)qm_weight_rows(insn, insn->run_bytes);
}

/* Weight rows of the step that begins `piece` bytes into the run. */
static uint64_t weight_rows(const struct qm_insn *insn, const struct qm_machine *machine, int64_t piece) {
    return insn->depthwise ? 1 : least((uint64_t)qm_weight_rows(insn, insn->run_bytes - piece), machine->rows);
}

static struct qm_matmul_run run(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t steps = steps_per_run(insn, machine);
    return (struct qm_matmul_run){
        .rows = positions(insn),
        .steps = (uint32_t)steps,
        .weight_rows = (uint32_t)weight_rows(insn, machine, 0),
        .last_weight_rows = (uint32_t)weight_rows(insn, machine, (int64_t)(steps - 1) * piece_bytes(insn, machine)),
    };
}

static struct qm_matmul_step step(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t index) {
    uint64_t of_run = steps_per_run(insn, machine), of_tile = taps(insn) * of_run, within = index % of_tile;
    int64_t tile = (int64_t)(index / of_tile), tap = (int64_t)(within / of_run), width = tile_width(insn, machine);
    int64_t piece = (int64_t)(within % of_run) * piece_bytes(insn, machine);
    int64_t n = (int64_t)least((uint64_t)width, (uint64_t)(insn->channels - tile * width));
    int64_t k = insn->depthwise ? n : (int64_t)least((uint64_t)piece_bytes(insn, machine), (uint64_t)(insn->run_bytes - piece));
    return (struct qm_matmul_step){
        .insn = insn,
        .index = index,
        .is_last = index + 1 == (uint64_t)insn->tiles * of_tile,
        .adds = within > 0 || insn->accumulate != 0,
        .tile = tile,
        .ky = tap / insn->kernel_w,
        .kx = tap % insn->kernel_w,
        .piece = piece,
        .k = (uint32_t)k,
        .n = (uint32_t)n,
        .weight_rows = (uint32_t)weight_rows(insn, machine, piece),
        .weight_row_bytes = (uint32_t)qm_weight_row_bytes(insn, n),
        .rows = positions(insn),
    };
}

/* A step streams its rows while the weight rows of the next are preloaded: each costs the longer of the two. */
static uint64_t issue_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t m = positions(insn), full = steps_per_run(insn, machine) - 1;
    uint64_t last_rows = weight_rows(insn, machine, (int64_t)full * piece_bytes(insn, machine));
    return run_count(insn) * (full * most(m, machine->rows) + most(m, last_rows));
}

/* The first preload has no streaming to hide behind, and the last streaming nothing to hide. */
static uint64_t alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t not_hidden = least(positions(insn), weight_rows(insn, machine, 0));
    return issue_cycles(insn, machine) + not_hidden + machine->rows + machine->cols;
}

static void add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    uint64_t m = positions(insn), channels = (uint64_t)insn->channels, tiles = (uint64_t)insn->tiles, cols = machine->cols;
    uint64_t depth = insn->depthwise ? taps(insn) : taps(insn) * (uint64_t)insn->run_bytes; /* bytes of one sum */
    uint64_t per_byte = (uint64_t)qm_activations_per_byte(insn);
    uint64_t rows = m * tiles * steps_per_tile(insn, machine);
    uint64_t first_rows = insn->accumulate ? 0 : m * tiles; /* these overwrite */
    value[qm_products_counter(insn)] += m * depth * channels * per_byte;
    value[QM_C_stream_reads] += m * depth * (insn->depthwise ? channels : tiles);
    if (insn->weight_zero != 0) value[QM_C_row_sum_ops] += m * depth * tiles * per_byte;
    value[QM_C_weight_reads] += (uint64_t)qm_weight_bytes(insn, tile_width(insn, machine));
    value[QM_C_weight_writes] += weight_rows_per_tile(insn) * channels * per_byte;
    value[QM_C_acc_writes] += rows * cols;
    value[QM_C_acc_reads] += (rows - first_rows) * cols;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    uint64_t tiles = (uint64_t)insn->tiles;
    uint64_t streams = times(least(times(tiles, positions(insn)), pace->sums), least(steps_per_tile(insn, machine), pace->bytes));
    return plus(streams, least(times(tiles, weight_rows_per_tile(insn)), pace->bytes));
}

static const struct qm_matmul_shape matmul = {.run_count = run_count, .run = run, .step = step, .issue_cycles = issue_cycles};

const struct qm_opcode_info qm_opcode_MATMUL = {
    .check = check,
    .find_operands = find_operands,
    .add_events = add_events,
    .limit_cycles = limit_cycles,
    .alone_cycles = alone_cycles,
    .matmul = &matmul,
};
