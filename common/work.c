/* work.c - one function per unit or opcode, each a closed form of the walk that docs/machine.md describes. */
#include "common/work.h"

#include <math.h>

#include "common/precision.h"

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

/* How many of `count` numbers from 0 on are r modulo width, and r is one of them. */
static uint64_t count_residue(uint64_t count, uint64_t r, uint64_t width) {
    return (count - r + width - 1) / width;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Beats that cover the rows of a transfer: each row is read or written from its first to its last touched beat. How many those are depends on where
 * in a beat the row begins, so that rows, and planes, whose numbers are equal modulo the width are alike: one of them stands for all. */
static uint64_t transfer_beats(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t width = machine->axi_bytes, beats = 0, planes = (uint64_t)insn->plane_count, rows = (uint64_t)insn->row_count;
    for (uint64_t plane = 0; plane < least(planes, width); plane++)
        for (uint64_t row = 0; row < least(rows, width); row++) {
            uint64_t begin = (uint64_t)insn->dram_addr + plane * (uint64_t)insn->dram_plane_stride + row * (uint64_t)insn->dram_row_stride;
            uint64_t of_row = ceil_div(begin + (uint64_t)insn->row_bytes, width) - begin / width;
            beats += of_row * count_residue(planes, plane, width) * count_residue(rows, row, width);
        }
    return beats;
}

static uint64_t transfer_bytes(const struct qm_insn *insn) {
    return (uint64_t)(insn->plane_count * insn->row_count * insn->row_bytes);
}

static uint64_t positions(const struct qm_insn *insn) {
    return (uint64_t)(insn->out_h * insn->out_w);
}

static uint64_t taps(const struct qm_insn *insn) {
    return (uint64_t)(insn->kernel_h * insn->kernel_w);
}

/* Steps of a tile: a dense run is cut in pieces of as many bytes as the array takes in a row. */
static uint64_t steps_per_tile(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t piece = machine->rows * (uint64_t)qm_precision_of(insn).bytes;
    return taps(insn) * (insn->depthwise ? 1 : ceil_div((uint64_t)insn->run_bytes, piece));
}

static void add_products(const struct qm_insn *insn, uint64_t products, uint64_t *value) {
    struct qm_precision precision = qm_precision_of(insn);
    value[precision.weight_bits == 8 ? QM_C_macs : precision.activation_bits == 8 ? QM_C_macs_w4a8 : QM_C_macs_w4a4] += products;
}

static void add_matmul(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    uint64_t m = positions(insn), channels = (uint64_t)insn->channels, tiles = (uint64_t)insn->tiles, cols = machine->cols;
    uint64_t depth = insn->depthwise ? taps(insn) : taps(insn) * (uint64_t)insn->run_bytes; /* bytes of one sum */
    uint64_t weight_rows = taps(insn) * (uint64_t)qm_weight_rows(insn, insn->run_bytes), per_byte = (uint64_t)qm_activations_per_byte(insn);
    uint64_t rows = m * tiles * steps_per_tile(insn, machine);
    uint64_t first_rows = insn->accumulate ? 0 : m * tiles; /* these overwrite */
    add_products(insn, m * depth * channels * per_byte, value);
    value[QM_C_stream_reads] += m * depth * (insn->depthwise ? channels : tiles);
    if (insn->weight_zero != 0) value[QM_C_row_sum_ops] += m * depth * tiles * per_byte;
    value[QM_C_weight_reads] += (uint64_t)qm_weight_bytes(insn, qm_machine_tile(machine, insn->depthwise != 0));
    value[QM_C_weight_writes] += weight_rows * channels * per_byte;
    value[QM_C_acc_writes] += rows * cols;
    value[QM_C_acc_reads] += (rows - first_rows) * cols;
}

static void add_requantize(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    uint64_t m = positions(insn), tiles = (uint64_t)insn->tiles, cols = machine->cols;
    value[QM_C_acc_reads] += m * tiles * cols;
    value[QM_C_post_reads] += tiles * 9 * cols + (insn->lookup == QM_lookup_TABLE ? QM_TABLE_BYTES : 0);
    value[QM_C_requantize_ops] += m * (uint64_t)insn->channels;
    value[QM_C_post_writes] += m * (uint64_t)qm_output_bytes(insn, insn->channels);
}

static void add_pool(const struct qm_insn *insn, uint64_t *value) {
    uint64_t outputs = positions(insn) * (uint64_t)insn->channels;
    value[QM_C_post_reads] += outputs * taps(insn);
    value[QM_C_pool_ops] += outputs * taps(insn);
    value[QM_C_requantize_ops] += outputs;
    value[QM_C_post_writes] += positions(insn) * (uint64_t)qm_output_bytes(insn, insn->channels);
}

static void add_add(const struct qm_insn *insn, uint64_t *value) {
    uint64_t length = (uint64_t)insn->length;
    value[QM_C_post_reads] += 2 * length;
    value[QM_C_scale_ops] += insn->binary == QM_binary_PRODUCT ? length : 2 * length;
    value[QM_C_requantize_ops] += length;
    value[QM_C_post_writes] += (uint64_t)qm_output_bytes(insn, insn->length);
}

static void add_copy(const struct qm_insn *insn, uint64_t *value) {
    uint64_t bytes = positions(insn) * taps(insn) * (uint64_t)insn->run_bytes;
    value[QM_C_post_reads] += bytes;
    value[QM_C_post_writes] += bytes;
}

void qm_work_add(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_counters *counters) {
    uint64_t *value = counters->value;
    value[QM_C_instructions] += 1;
    value[QM_C_dram_fetch_beats] += QM_INSN_BYTES / machine->axi_bytes;
    switch (insn->opcode) {
    case QM_LOAD:
        value[QM_C_load_writes] += transfer_bytes(insn);
        value[QM_C_dram_read_beats] += transfer_beats(insn, machine);
        break;
    case QM_STORE:
        value[QM_C_store_reads] += transfer_bytes(insn);
        value[QM_C_dram_write_beats] += transfer_beats(insn, machine);
        break;
    case QM_MATMUL: add_matmul(insn, machine, value); break;
    case QM_REQUANTIZE: add_requantize(insn, machine, value); break;
    case QM_POOL: add_pool(insn, value); break;
    case QM_ADD: add_add(insn, value); break;
    case QM_COPY: add_copy(insn, value); break;
    default: break;
    }
}

/* ---- time: docs/machine.md, Limits of time ---- */

enum { LIMIT_MIN_CYCLES = 1000000, LIMIT_FACTOR = 8, BURST_BYTES = 1024, OVERHEAD_CYCLES = 100 };
static const uint64_t ENDLESS = INT64_MAX;

static uint64_t times(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? ENDLESS : least(product, ENDLESS);
}

static uint64_t plus(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? ENDLESS : least(sum, ENDLESS);
}

/* What memory costs, and how much of an instruction's work is of use. */
struct pace {
    uint64_t beat, burst; /* cycles */
    uint64_t bytes, sums; /* of the scratchpad, rows of the accumulator: beyond them work repeats itself. ENDLESS: repetitions count */
};

static struct pace pace_of(const struct qm_machine *machine, double stalls) {
    uint64_t stall = (uint64_t)ceil(1 / (1 - stalls));
    return (struct pace){.beat = ceil_div(machine->axi_bytes, machine->dram_bytes_per_cycle) + stall,
                         .burst = 2 + 2 * stall + ceil_div(machine->dram_latency, machine->dram_queue),
                         .bytes = machine->scratchpad_bytes,
                         .sums = machine->accumulator_rows};
}

static uint64_t transfer_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct pace *pace) {
    uint64_t bytes = insn->row_bytes > 0 ? (uint64_t)insn->row_bytes : 1, rows = (uint64_t)(insn->plane_count * insn->row_count);
    uint64_t beats = bytes / machine->axi_bytes + 2, bursts = bytes / BURST_BYTES + 2;
    return times(least(rows, ceil_div(pace->bytes, bytes)), beats * pace->beat + bursts * pace->burst);
}

static uint64_t matmul_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct pace *pace) {
    uint64_t tiles = (uint64_t)insn->tiles, weight_rows = taps(insn) * (uint64_t)qm_weight_rows(insn, insn->run_bytes);
    uint64_t streams = times(least(times(tiles, positions(insn)), pace->sums), least(steps_per_tile(insn, machine), pace->bytes));
    return plus(streams, least(times(tiles, weight_rows), pace->bytes));
}

static uint64_t requantize_cycles(const struct qm_insn *insn, const struct pace *pace) {
    uint64_t tiles = (uint64_t)insn->tiles, rows = least(times(tiles, positions(insn)), pace->sums);
    return plus(QM_TABLE_BYTES + 9 * least(tiles, pace->sums), times(rows, (uint64_t)qm_row_cycles(insn)));
}

static uint64_t pool_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct pace *pace) {
    uint64_t outputs = times(positions(insn), ceil_div((uint64_t)insn->channels, machine->cols));
    uint64_t map = pace->bytes == ENDLESS ? ENDLESS : (uint64_t)(insn->in_rows * insn->in_row_bytes);
    return times(least(outputs, pace->bytes), least(taps(insn), map));
}

static uint64_t copy_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct pace *pace) {
    uint64_t pieces = taps(insn) * ceil_div((uint64_t)insn->run_bytes, machine->cols);
    return least(times(positions(insn), pieces), pace->bytes);
}

static uint64_t insn_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct pace *pace) {
    switch (insn->opcode) {
    case QM_LOAD:
    case QM_STORE: return transfer_cycles(insn, machine, pace);
    case QM_MATMUL: return matmul_cycles(insn, machine, pace);
    case QM_REQUANTIZE: return requantize_cycles(insn, pace);
    case QM_POOL: return pool_cycles(insn, machine, pace);
    case QM_ADD: return 2 * ceil_div(least((uint64_t)insn->length, pace->bytes), machine->cols);
    case QM_COPY: return copy_cycles(insn, machine, pace);
    default: return 0;
    }
}

static uint64_t overhead_cycles(const struct qm_machine *machine, const struct pace *pace) {
    uint64_t fetch = QM_INSN_BYTES / machine->axi_bytes * pace->beat + pace->burst;
    return machine->rows + machine->cols + 2 * (uint64_t)machine->dram_latency + OVERHEAD_CYCLES + fetch;
}

uint64_t qm_work_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct pace pace = pace_of(machine, 0);
    pace.bytes = pace.sums = ENDLESS;
    return plus(insn_cycles(insn, machine, &pace), overhead_cycles(machine, &pace));
}

uint64_t qm_work_limit(const uint32_t (*insns)[QM_INSN_WORDS], uint32_t count, const struct qm_machine *machine, double stalls) {
    struct pace pace = pace_of(machine, stalls);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct qm_insn insn;
        qm_insn_unpack(insns[i], &insn);
        sum = plus(sum, plus(insn_cycles(&insn, machine, &pace), overhead_cycles(machine, &pace)));
    }
    return plus(LIMIT_MIN_CYCLES, times(LIMIT_FACTOR, sum));
}
