/* transfer.c - the closed forms of LOAD and STORE. */
#include "common/opcode/transfer.h"

#include "common/opcode/parts.h"

static struct qm_operand rows_of(struct qm_operand operand, const struct qm_insn *insn, int64_t row_stride, int64_t plane_stride) {
    operand.run = insn->row_bytes;
    operand.end += (insn->plane_count - 1) * plane_stride + (insn->row_count - 1) * row_stride;
    operand.touched_end = operand.end;
    operand.strides[0] = repeated(insn->row_count, row_stride);
    operand.strides[1] = repeated(insn->plane_count, plane_stride);
    return operand;
}

uint32_t transfer_find_operands(const struct qm_insn *insn, bool is_load, struct qm_operand *operands) {
    struct qm_operand dram = operand_all("dram_addr", QM_SPACE_ARENA, !is_load, insn->dram_addr, insn->row_bytes);
    struct qm_operand spad = operand_all("spad_addr", QM_SPACE_SCRATCHPAD, is_load, insn->spad_addr, insn->row_bytes);
    operands[0] = rows_of(dram, insn, insn->dram_row_stride, insn->dram_plane_stride);
    operands[1] = rows_of(spad, insn, insn->spad_row_stride, insn->spad_plane_stride);
    return 2;
}

uint64_t transfer_bytes(const struct qm_insn *insn) {
    return (uint64_t)(insn->plane_count * insn->row_count * insn->row_bytes);
}

/* How many of the numbers 0 .. count - 1, of which r is one, are equal to r modulo width. */
static uint64_t count_residue(uint64_t count, uint64_t r, uint64_t width) {
    return (count - r + width - 1) / width;
}

struct qm_transfer_row qm_transfer_row(const struct qm_insn *insn, uint64_t plane, uint64_t row) {
    uint64_t first = (uint64_t)insn->dram_addr + plane * (uint64_t)insn->dram_plane_stride + row * (uint64_t)insn->dram_row_stride;
    uint64_t spad = (uint64_t)insn->spad_addr + plane * (uint64_t)insn->spad_plane_stride + row * (uint64_t)insn->spad_row_stride;
    return (struct qm_transfer_row){.first = first, .end = first + (uint64_t)insn->row_bytes, .spad = spad};
}

uint64_t qm_transfer_burst_end(const struct qm_transfer_row *row, uint64_t at) {
    return least((at / QM_BURST_BYTES + 1) * QM_BURST_BYTES, row->end);
}

/* After how many strides one is at the same place in a stretch of `width` bytes, a power of two. */
static uint64_t strides_around(int64_t stride, uint64_t width) {
    uint64_t bits = (uint64_t)stride | width;
    return width / (bits & -bits);
}

/* How many stretches of `width` bytes, a power of two, of the arena the rows touch, each row counted by itself. What a row touches depends
 * on where in a stretch it begins, so that rows, and planes, that begin at the same place are alike: one is counted for all. */
static uint64_t count_touched(const struct qm_insn *insn, uint64_t width) {
    uint64_t touched = 0, planes = (uint64_t)insn->plane_count, rows = (uint64_t)insn->row_count;
    uint64_t unlike_planes = strides_around(insn->dram_plane_stride, width), unlike_rows = strides_around(insn->dram_row_stride, width);
    for (uint64_t plane = 0; plane < least(planes, unlike_planes); plane++)
        for (uint64_t row = 0; row < least(rows, unlike_rows); row++) {
            struct qm_transfer_row at = qm_transfer_row(insn, plane, row);
            uint64_t of_row = ceil_div(at.end, width) - at.first / width;
            touched += of_row * count_residue(planes, plane, unlike_planes) * count_residue(rows, row, unlike_rows);
        }
    return touched;
}

uint64_t transfer_beats(const struct qm_insn *insn, const struct qm_machine *machine) {
    return count_touched(insn, machine->axi_bytes);
}

uint64_t transfer_bursts(const struct qm_insn *insn) {
    return count_touched(insn, QM_BURST_BYTES);
}

uint64_t transfer_limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    uint64_t bytes = insn->row_bytes > 0 ? (uint64_t)insn->row_bytes : 1, rows = (uint64_t)(insn->plane_count * insn->row_count);
    uint64_t beats = bytes / machine->axi_bytes + 2, bursts = bytes / QM_BURST_BYTES + 2;
    return times(least(rows, ceil_div(pace->bytes, bytes)), beats * pace->beat + bursts * pace->burst);
}
