/* matmul.c - MATMUL: windows of a feature map through the array into the accumulator. */
#include "common/opcode/parts.h"

static bool is_supported(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (qm_precision_of(insn).bytes > machine->cell) return false;
    if (insn->depthwise != 0) return insn->precision == QM_precision_W8A8 && insn->weight_zero == 0;
    return -QM_WEIGHT_ZERO_MAX <= insn->weight_zero && insn->weight_zero <= QM_WEIGHT_ZERO_MAX;
}

/* The taps stand in as many rows of the array, and an output sees samples of its own row and at least one. */
static bool is_chain(const struct qm_insn *insn, const struct qm_machine *machine) {
    int64_t taps_most = machine->rows < QM_CHAIN_TAPS ? machine->rows : QM_CHAIN_TAPS;
    return insn->run_bytes <= taps_most && insn->sample_step > 0 && insn->skip_left + insn->skip_right < insn->run_bytes;
}

static enum qm_error check(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (!is_supported(insn, machine)) return QM_ERROR_UNSUPPORTED;
    if (insn->depthwise != 0 && !is_chain(insn, machine)) return QM_ERROR_ILLEGAL;
    return has_right_tiles(insn, machine) ? QM_ERROR_NONE : QM_ERROR_ILLEGAL;
}

/* ---- rows of a step ---- */

static struct qm_matmul_stream stream_of(const struct qm_insn *insn) {
    uint64_t out_w = (uint64_t)insn->out_w, out_h = (uint64_t)insn->out_h, samples = (uint64_t)qm_samples_of_row(insn);
    if (insn->depthwise == 0)
        return (struct qm_matmul_stream){.rows = out_h * out_w, .reads = out_h * out_w, .row_length = out_w, .step = 1, .out_w = out_w};
    return (struct qm_matmul_stream){
        .rows = out_h * samples + (uint64_t)insn->skip_right,
        .reads = out_h * samples,
        .lead = (uint64_t)(insn->run_bytes - 1 - insn->skip_left),
        .row_length = samples,
        .step = (uint64_t)insn->sample_step,
        .out_w = out_w,
    };
}

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    int64_t weight_bytes = qm_weight_bytes(insn, tile_width(insn, machine));
    operands[0] = insn->depthwise ? operand_window(insn, insn->channels, qm_samples_of_row(insn))
                                  : operand_window(insn, insn->run_bytes, insn->out_w);
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
    return least((uint64_t)qm_weight_rows(insn, insn->run_bytes - piece), machine->rows);
}

static struct qm_matmul_run run(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t steps = steps_per_run(insn, machine);
    return (struct qm_matmul_run){
        .rows = stream_of(insn).rows,
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
        .products = (uint64_t)(n * (insn->depthwise ? insn->run_bytes : k * qm_activations_per_byte(insn))),
        .weight_rows = (uint32_t)weight_rows(insn, machine, piece),
        .weight_row_bytes = (uint32_t)qm_weight_row_bytes(insn, n),
        .stream = stream_of(insn),
    };
}

/* A step streams its rows while the weight rows of the next are preloaded: each costs the longer of the two. */
static uint64_t issue_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t m = stream_of(insn).rows, full = steps_per_run(insn, machine) - 1;
    uint64_t last_rows = weight_rows(insn, machine, (int64_t)full * piece_bytes(insn, machine));
    return run_count(insn) * (full * most(m, machine->rows) + most(m, last_rows));
}

/* The first preload has no streaming to hide behind, and the last streaming nothing to hide. */
static uint64_t alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t not_hidden = least(stream_of(insn).rows, weight_rows(insn, machine, 0));
    return issue_cycles(insn, machine) + not_hidden + machine->rows + machine->cols;
}

static void add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    uint64_t m = positions(insn), channels = (uint64_t)insn->channels, tiles = (uint64_t)insn->tiles, cols = machine->cols;
    uint64_t depth = taps(insn) * (uint64_t)insn->run_bytes; /* bytes of one sum */
    uint64_t per_byte = (uint64_t)qm_activations_per_byte(insn);
    uint64_t rows = m * tiles * steps_per_tile(insn, machine);
    uint64_t first_rows = insn->accumulate ? 0 : m * tiles; /* these overwrite */
    value[qm_products_counter(insn)] += m * depth * channels * per_byte;
    value[QM_C_stream_reads] += insn->depthwise ? stream_of(insn).reads * taps(insn) * channels : m * depth * tiles;
    if (insn->weight_zero != 0) value[QM_C_row_sum_ops] += m * depth * tiles * per_byte;
    value[QM_C_weight_reads] += (uint64_t)qm_weight_bytes(insn, tile_width(insn, machine));
    value[QM_C_weight_writes] += weight_rows_per_tile(insn) * channels * per_byte;
    value[QM_C_acc_writes] += rows * cols;
    value[QM_C_acc_reads] += (rows - first_rows) * cols;
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    uint64_t tiles = (uint64_t)insn->tiles, rows = ceil_div(stream_of(insn).rows, most(positions(insn), 1)); /* of an output */
    uint64_t outputs = times(least(times(tiles, positions(insn)), pace->sums), rows);
    uint64_t streams = times(outputs, least(steps_per_tile(insn, machine), pace->bytes));
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
