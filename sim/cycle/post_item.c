/* post_item.c - where item i of an instruction stands in the loops of docs/machine.md, Post, found by division: nothing walks.
 *
 * The inverse of the counts in post.c; only the probe asks.
 */
#include "common/precision.h"
#include "sim/cycle/post.h"

enum { ADDRESS_MASK = 0xffffff };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static uint32_t address(int64_t bytes) {
    return (uint32_t)bytes & ADDRESS_MASK;
}

/* Output position `index`, in front of which the channels of earlier tiles lie. */
static int64_t output_at(const struct qm_insn *insn, int64_t index, int64_t channels_before) {
    return insn->out_addr + index / insn->out_w * insn->out_pitch + index % insn->out_w * insn->out_pixel +
           qm_output_bytes(insn, channels_before);
}

/* A tap of an output position in the feature map. */
static int64_t window_at(const struct qm_insn *insn, int64_t position, int64_t tap, int64_t piece) {
    int64_t oy = position / insn->out_w, ox = position % insn->out_w, ky = tap / insn->kernel_w, kx = tap % insn->kernel_w;
    int64_t y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation;
    int64_t x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation + piece;
    return insn->in_addr + y * insn->in_pitch + x;
}

static struct post_item read_item(int64_t at) {
    return (struct post_item){.reads = true, .read_addr = address(at)};
}

static struct post_item requantize_item(const struct qm_machine *machine, const struct qm_insn *insn, int64_t index) {
    int64_t cols = machine->cols, positions = insn->out_h * insn->out_w, cycles = qm_row_cycles(insn);
    int64_t table = (int64_t)post_table_reads(machine, insn), period = (int64_t)post_tile_items(insn);
    if (index < table) return read_item(insn->table_addr + index * cols);
    int64_t tile = (index - table) / period, of_tile = (index - table) % period;
    if (of_tile < POST_PARAMETER_READS) return read_item(insn->param_addr + (tile * POST_PARAMETER_READS + of_tile) * cols);
    int64_t row = (of_tile - POST_PARAMETER_READS) / cycles, piece = (of_tile - POST_PARAMETER_READS) % cycles * cols;
    int64_t width = qm_machine_tile(machine, insn->depthwise != 0), n = smaller(width, insn->channels - tile * width);
    int64_t rest = qm_output_bytes(insn, n) - piece;
    return (struct post_item){
        .reads_sums = piece == 0,
        .acc_addr = (uint32_t)(insn->acc_addr + tile * positions + row),
        .writes = true,
        .out_addr = address(output_at(insn, row, tile * width) + piece),
        .out_bytes = (uint32_t)(rest < 0 ? 0 : smaller(rest, cols)),
    };
}

static struct post_item pool_item(const struct qm_machine *machine, const struct qm_insn *insn, int64_t index) {
    int64_t taps = insn->kernel_h * insn->kernel_w, positions = insn->out_h * insn->out_w, cols = machine->cols;
    int64_t tap = index % taps, position = index / taps % positions, before = index / taps / positions * cols;
    struct post_item item = read_item(window_at(insn, position, tap, before));
    item.writes = tap + 1 == taps;
    item.out_addr = address(output_at(insn, position, before));
    item.out_bytes = (uint32_t)qm_output_bytes(insn, smaller(cols, insn->channels - before));
    return item;
}

static struct post_item add_item(const struct qm_machine *machine, const struct qm_insn *insn, int64_t index) {
    int64_t before = index / 2 * machine->cols;
    struct post_item item = read_item((index % 2 == 0 ? insn->in_addr : insn->b_addr) + before);
    item.writes = index % 2 != 0;
    item.out_addr = address(insn->out_addr + qm_output_bytes(insn, before));
    item.out_bytes = (uint32_t)qm_output_bytes(insn, smaller(machine->cols, insn->length - before));
    return item;
}

static struct post_item copy_item(const struct qm_machine *machine, const struct qm_insn *insn, int64_t index) {
    int64_t pieces = (insn->run_bytes + machine->cols - 1) / machine->cols, taps = insn->kernel_h * insn->kernel_w;
    int64_t piece = index % pieces * machine->cols, tap = index / pieces % taps, position = index / pieces / taps;
    struct post_item item = read_item(window_at(insn, position, tap, piece));
    item.writes = true;
    item.out_addr = address(output_at(insn, position, 0) + tap * insn->run_bytes + piece);
    item.out_bytes = (uint32_t)smaller(machine->cols, insn->run_bytes - piece);
    return item;
}

struct post_item post_item(const struct qm_machine *machine, const struct qm_insn *insn, uint64_t index) {
    switch (insn->opcode) {
    case QM_REQUANTIZE: return requantize_item(machine, insn, (int64_t)index);
    case QM_POOL: return pool_item(machine, insn, (int64_t)index);
    case QM_ADD: return add_item(machine, insn, (int64_t)index);
    default: return copy_item(machine, insn, (int64_t)index);
    }
}
