/* parts.c - operands and items that several opcodes have: docs/machine.md, Windows and Post. */
#include "common/opcode/parts.h"

enum { ADDRESS_MASK = 0xffffff };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

struct qm_operand operand_all(const char *name, enum qm_space space, bool is_written, int64_t begin, int64_t size) {
    return (struct qm_operand){.name = name,
                               .space = space,
                               .is_written = is_written,
                               .begin = begin,
                               .end = begin + size,
                               .touched_begin = begin,
                               .touched_end = begin + size,
                               .phase = begin,
                               .run = size};
}

struct qm_operand operand_sums(const struct qm_insn *insn, bool is_written) {
    return operand_all("acc_addr", QM_SPACE_ACCUMULATOR, is_written, insn->acc_addr, insn->tiles * insn->out_h * insn->out_w);
}

/* The operand is the whole map; touched is from the first touched byte of the first row to the last touched byte of the last row in it. */
struct qm_operand operand_window(const struct qm_insn *insn, int64_t run, int64_t columns) {
    int64_t size = (insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes;
    struct qm_operand window = operand_all("in_addr", QM_SPACE_SCRATCHPAD, false, insn->in_addr, size);
    int64_t y_last = insn->y_start + (insn->out_h - 1) * insn->y_stride + (insn->kernel_h - 1) * insn->y_dilation;
    int64_t x_last = insn->x_start + (columns - 1) * insn->x_stride + (insn->kernel_w - 1) * insn->x_dilation + run;
    int64_t y_begin = larger(insn->y_start, 0), y_end = smaller(y_last, insn->in_rows - 1);
    int64_t x_begin = larger(insn->x_start, 0), x_end = smaller(x_last, insn->in_row_bytes);
    int64_t row = insn->in_addr + y_begin * insn->in_pitch;
    bool is_padding = y_begin > y_end || x_begin >= x_end;
    window.touched_begin = is_padding ? 0 : row + x_begin;
    window.touched_end = is_padding ? 0 : insn->in_addr + y_end * insn->in_pitch + x_end;
    window.phase = row + insn->x_start;
    window.run = run;
    window.strides[0] = repeated(columns, insn->x_stride);
    window.strides[1] = repeated(insn->kernel_w, insn->x_dilation);
    window.strides[2] = repeated(y_end - y_begin + 1, insn->in_pitch);
    return window;
}

struct qm_operand operand_positions(const struct qm_insn *insn, const char *name, bool is_written, struct rows rows) {
    int64_t size = (insn->out_h - 1) * rows.pitch + (insn->out_w - 1) * rows.pixel + rows.run;
    struct qm_operand operand = operand_all(name, QM_SPACE_SCRATCHPAD, is_written, rows.begin, size);
    operand.run = rows.run;
    operand.strides[0] = repeated(insn->out_h, rows.pitch);
    operand.strides[1] = repeated(insn->out_w, rows.pixel);
    return operand;
}

struct qm_operand operand_output(const struct qm_insn *insn, int64_t run) {
    return operand_positions(insn, "out_addr", true, (struct rows){insn->out_addr, insn->out_pitch, insn->out_pixel, run});
}

uint32_t item_address(int64_t bytes) {
    return (uint32_t)bytes & ADDRESS_MASK;
}

struct qm_post_item item_read(int64_t address) {
    return (struct qm_post_item){.reads = true, .read_addr = item_address(address)};
}

struct qm_post_item item_tap(const struct qm_insn *insn, int64_t position, int64_t tap, int64_t piece) {
    int64_t oy = position / insn->out_w, ox = position % insn->out_w, ky = tap / insn->kernel_w, kx = tap % insn->kernel_w;
    int64_t y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation;
    int64_t x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation + piece;
    return item_read(insn->in_addr + y * insn->in_pitch + x);
}

int64_t output_address(const struct qm_insn *insn, int64_t position, int64_t before) {
    int64_t at = position / insn->out_w * insn->out_pitch + position % insn->out_w * insn->out_pixel;
    return insn->out_addr + at + qm_output_bytes(insn, before);
}
