/* parts.h - what the descriptions of several opcodes are made of: numbers of a window, operands,
 * and arithmetic that stops at QM_ENDLESS. */
#ifndef QM_COMMON_OPCODE_PARTS_H
#define QM_COMMON_OPCODE_PARTS_H

#include "common/opcode/opcode.h"
#include "common/precision.h"

static inline uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

static inline uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static inline uint64_t times(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? QM_ENDLESS : least(product, QM_ENDLESS);
}

static inline uint64_t plus(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? QM_ENDLESS : least(sum, QM_ENDLESS);
}

static inline uint64_t positions(const struct qm_insn *insn) {
    return (uint64_t)(insn->out_h * insn->out_w);
}

static inline uint64_t taps(const struct qm_insn *insn) {
    return (uint64_t)(insn->kernel_h * insn->kernel_w);
}

static inline int64_t tile_width(const struct qm_insn *insn, const struct qm_machine *machine) {
    return qm_machine_tile(machine, insn->depthwise != 0);
}

/* Pieces of C elements, the last of what is left. */
static inline uint64_t pieces(int64_t elements, const struct qm_machine *machine) {
    return ceil_div((uint64_t)elements, machine->cols);
}

static inline uint64_t output_bytes(const struct qm_insn *insn, uint64_t elements) {
    return (uint64_t)qm_output_bytes(insn, (int64_t)elements);
}

/* Channels in tiles 0 .. tile-1. */
static inline uint64_t channels_before(const struct qm_insn *insn, uint64_t tile, int64_t width) {
    return least(tile * (uint64_t)width, (uint64_t)insn->channels);
}

/* Whether `tiles` is what the channels need. */
static inline bool has_right_tiles(const struct qm_insn *insn, const struct qm_machine *machine) {
    int64_t width = tile_width(insn, machine);
    return (insn->tiles - 1) * width < insn->channels && insn->channels <= insn->tiles * width;
}

/* Of POOL and ADD: whether they can write so many elements of the out_type. Pieces of C 4-bit elements must not end within a byte. */
static inline bool can_write(const struct qm_insn *insn, const struct qm_machine *machine, int64_t elements) {
    if (insn->out_type == QM_out_type_BITS4) return machine->cols % 2 == 0 || elements <= machine->cols;
    return insn->out_type == QM_out_type_BITS8;
}

/* Runs of bytes at output positions, so many apart. */
struct rows {
    int64_t begin, pitch, pixel, run;
};

/* Operands. all: size bytes or rows without a gap; window: what windows with runs of `run` bytes read at
 * `columns` places of a row; positions: a run at each output position; output: the one that is written. */
struct qm_operand operand_all(const char *name, enum qm_space space, bool is_written, int64_t begin, int64_t size);
struct qm_operand operand_sums(const struct qm_insn *insn, bool is_written);
struct qm_operand operand_window(const struct qm_insn *insn, int64_t run, int64_t columns);
struct qm_operand operand_positions(const struct qm_insn *insn, const char *name, bool is_written, struct rows rows);
struct qm_operand operand_output(const struct qm_insn *insn, int64_t run);

/* The stride when something is repeated, else 0. */
static inline int64_t repeated(int64_t count, int64_t stride) {
    return count > 1 ? stride : 0;
}

/* Items of the post unit: a read of the scratchpad; a tap, from byte `piece` of its run on;
 * where an output position's elements behind `before` lie. */
struct qm_post_item item_read(int64_t address);
struct qm_post_item item_tap(const struct qm_insn *insn, int64_t position, int64_t tap, int64_t piece);
int64_t output_address(const struct qm_insn *insn, int64_t position, int64_t before);
uint32_t item_address(int64_t bytes); /* as many bits as an address has */

#endif
