/* work.c - one function per unit or opcode, each a closed form of the walk that docs/machine.md describes. */
#include "common/work.h"

#include "common/precision.h"

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

/* Beats that cover the rows of a transfer: each row is read or written from its first to its last touched beat. */
static uint64_t transfer_beats(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t width = machine->axi_bytes, beats = 0;
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++) {
            uint64_t begin = (uint64_t)(insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride);
            beats += ceil_div(begin + (uint64_t)insn->row_bytes, width) - begin / width;
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

static uint64_t transfer_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t beats = transfer_beats(insn, machine), rows = (uint64_t)(insn->plane_count * insn->row_count);
    uint64_t bursts = rows * (1 + ceil_div((uint64_t)insn->row_bytes, 1024));
    return beats * (1 + ceil_div(machine->axi_bytes, machine->dram_bytes_per_cycle)) + bursts * (machine->dram_latency + 4);
}

/* Issues of the instruction: one a cycle, plus weights and parameters. */
static uint64_t issue_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    uint64_t m = positions(insn), tiles = (uint64_t)insn->tiles;
    switch (insn->opcode) {
    case QM_MATMUL: return tiles * steps_per_tile(insn, machine) * (m + machine->rows);
    case QM_REQUANTIZE: return QM_TABLE_BYTES + tiles * (9 + m * (uint64_t)qm_row_cycles(insn));
    case QM_POOL: return m * taps(insn) * ceil_div((uint64_t)insn->channels, machine->cols);
    case QM_ADD: return 2 * ceil_div((uint64_t)insn->length, machine->cols);
    case QM_COPY: return m * taps(insn) * ceil_div((uint64_t)insn->run_bytes, machine->cols);
    default: return transfer_cycles(insn, machine);
    }
}

uint64_t qm_work_cycles_max(const struct qm_insn *insn, const struct qm_machine *machine) {
    return issue_cycles(insn, machine) + machine->rows + machine->cols + 2 * (uint64_t)machine->dram_latency + 100;
}
