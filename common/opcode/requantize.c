/* requantize.c - REQUANTIZE: rows of the accumulator to rows of elements in the scratchpad. */
#include "common/opcode/parts.h"

enum { PARAMETER_READS = QM_PARAMETER_BYTES }; /* of a tile: one byte of each channel in a read */

static bool is_supported(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (insn->lookup == QM_lookup_TABLE && insn->out_type != QM_out_type_BITS8) return false;
    return insn->out_type != QM_out_type_BITS4 || tile_width(insn, machine) % 2 == 0 || insn->tiles <= 1; /* no tile ends within a byte */
}

static enum qm_error check(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (!is_supported(insn, machine)) return QM_ERROR_UNSUPPORTED;
    return has_right_tiles(insn, machine) ? QM_ERROR_NONE : QM_ERROR_ILLEGAL;
}

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    int64_t parameter_bytes = insn->tiles * PARAMETER_READS * (int64_t)machine->cols;
    operands[0] = operand_all("param_addr", QM_SPACE_SCRATCHPAD, false, insn->param_addr, parameter_bytes);
    operands[1] = operand_sums(insn, false);
    operands[2] = operand_output(insn, qm_output_bytes(insn, insn->channels));
    uint32_t count = 3;
    if (insn->lookup == QM_lookup_TABLE)
        operands[count++] = operand_all("table_addr", QM_SPACE_SCRATCHPAD, false, insn->table_addr, QM_TABLE_BYTES);
    if (insn->residual != 0)
        operands[count++] =
            operand_positions(insn, "b_addr", false, (struct rows){insn->b_addr, insn->b_pitch, insn->b_pixel, insn->channels});
    return count;
}

/* ---- items: reads of the table, then tile by tile parameter reads and the cycles of rows ---- */

static uint64_t table_reads(const struct qm_insn *insn, const struct qm_machine *machine) {
    return insn->lookup == QM_lookup_TABLE ? pieces(QM_TABLE_BYTES, machine) : 0;
}

static uint64_t row_cycles(const struct qm_insn *insn) {
    return (uint64_t)qm_row_cycles(insn);
}

static uint64_t tile_items(const struct qm_insn *insn) {
    return PARAMETER_READS + positions(insn) * row_cycles(insn);
}

static uint64_t item_count(const struct qm_insn *insn, const struct qm_machine *machine) {
    return table_reads(insn, machine) + (uint64_t)insn->tiles * tile_items(insn);
}

static struct qm_post_events events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t items) {
    uint64_t of_table = least(items, table_reads(insn, machine)), table_bytes = least(of_table * machine->cols, QM_TABLE_BYTES);
    uint64_t tile = (items - of_table) / tile_items(insn), of_tile = (items - of_table) % tile_items(insn), m = positions(insn);
    uint64_t parameters = least(of_tile, PARAMETER_READS), rows = ceil_div(of_tile - parameters, row_cycles(insn));
    int64_t width = tile_width(insn, machine);
    uint64_t before = channels_before(insn, tile, width), n = channels_before(insn, tile + 1, width) - before;
    uint64_t elements = before * m + n * rows, added = insn->residual != 0 ? elements : 0;
    return (struct qm_post_events){
        .post_reads = table_bytes + (tile * PARAMETER_READS + parameters) * machine->cols + added,
        .acc_reads = (tile * m + rows) * machine->cols,
        .requantize_ops = elements + added,
        .scale_ops = 2 * added,
        .post_writes = output_bytes(insn, before) * m + output_bytes(insn, n) * rows,
    };
}

static struct qm_post_item row_item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t tile, int64_t cycle) {
    int64_t cols = machine->cols, cycles = qm_row_cycles(insn), row = cycle / cycles, piece = cycle % cycles * cols;
    int64_t before = tile * tile_width(insn, machine),
            n = (int64_t)channels_before(insn, (uint64_t)tile + 1, tile_width(insn, machine)) - before;
    int64_t rest = qm_output_bytes(insn, n) - piece;
    int64_t operand = insn->b_addr + row / insn->out_w * insn->b_pitch + row % insn->out_w * insn->b_pixel + before;
    return (struct qm_post_item){
        .reads_sums = piece == 0,
        .reads_operand = piece == 0 && insn->residual != 0,
        .operand_addr = item_address(operand),
        .acc_addr = (uint32_t)(insn->acc_addr + tile * (insn->out_h * insn->out_w) + row),
        .writes = true,
        .out_addr = item_address(output_address(insn, row, before) + piece),
        .out_bytes = (uint32_t)(rest < 0      ? 0
                                : rest < cols ? rest
                                              : cols),
    };
}

static struct qm_post_item item(const struct qm_insn *insn, const struct qm_machine *machine, int64_t index) {
    int64_t cols = machine->cols, table = (int64_t)table_reads(insn, machine), period = (int64_t)tile_items(insn);
    if (index < table) return item_read(insn->table_addr + index * cols);
    int64_t tile = (index - table) / period, of_tile = (index - table) % period;
    if (of_tile < PARAMETER_READS) return item_read(insn->param_addr + (tile * PARAMETER_READS + of_tile) * cols);
    return row_item(insn, machine, tile, of_tile - PARAMETER_READS);
}

/* The reads of the table and those of the first tile's parameters follow one another. */
static struct qm_post_stretch stretch(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t issued) {
    uint64_t table = table_reads(insn, machine);
    if (issued < table) return (struct qm_post_stretch){true, table - issued + PARAMETER_READS};
    uint64_t of_tile = (issued - table) % tile_items(insn);
    if (of_tile < PARAMETER_READS) return (struct qm_post_stretch){true, PARAMETER_READS - of_tile};
    return (struct qm_post_stretch){false, tile_items(insn) - of_tile};
}

static uint64_t limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    (void)machine;
    uint64_t tiles = (uint64_t)insn->tiles, rows = least(times(tiles, positions(insn)), pace->sums);
    return plus(QM_TABLE_BYTES + PARAMETER_READS * least(tiles, pace->sums), times(rows, row_cycles(insn)));
}

static const struct qm_post_shape post = {
    .latency_cycles = 5, .residual_cycles = 6, .item_count = item_count, .events = events, .item = item, .stretch = stretch};

const struct qm_opcode_info qm_opcode_REQUANTIZE = {
    .check = check,
    .find_operands = find_operands,
    .limit_cycles = limit_cycles,
    .post = &post,
};
