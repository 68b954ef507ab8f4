/* precision.h - the sizes that follow from a MATMUL's `precision` and the post unit's `out_type` (docs/machine.md, Matmul and Post).
 *
 * A cell of the array meets `bytes` bytes of the stream in a cycle: one activation of 8 bits, two of 8 bits, or four of 4 bits. It holds as
 * many weights, packed in the scratchpad with `weight_bits` bits each.
 */
#ifndef QM_COMMON_PRECISION_H
#define QM_COMMON_PRECISION_H

#include <stdint.h>

#include "common/counters.h"
#include "common/isa.h"

struct qm_precision {
    int64_t weight_bits, activation_bits;
    int64_t bytes;       /* of the stream that a cell takes in a cycle */
    int64_t activations; /* in a byte: 1 or 2 */
};

static inline struct qm_precision qm_precision_sizes(int64_t precision) {
    static const struct qm_precision precisions[] = {
        [7] = {8, 8, 1, 1}, /* has no name: decode refuses it */
#define QM_PRECISION(name, weight_bits, activation_bits, cell_bytes)                                                                       \
    [QM_precision_##name] = {weight_bits, activation_bits, cell_bytes, 8 / (activation_bits)},
#include "spec/isa.def"
#undef QM_PRECISION
    };
    return precisions[precision];
}

static inline struct qm_precision qm_precision_of(const struct qm_insn *insn) {
    return qm_precision_sizes(insn->precision);
}

static inline int64_t qm_activations_per_byte(const struct qm_insn *insn) {
    return qm_precision_of(insn).activations;
}

/* How a cell multiplies: one product of 8-bit factors, two of 8-bit activations with 4-bit weights, four of 4-bit factors. */
enum { QM_ARRAY_MODE_8X8, QM_ARRAY_MODE_8X4, QM_ARRAY_MODE_4X4 };

static inline unsigned qm_array_mode(int64_t precision) {
    struct qm_precision sizes = qm_precision_sizes(precision);
    return sizes.weight_bits == 8 ? QM_ARRAY_MODE_8X8 : sizes.activation_bits == 8 ? QM_ARRAY_MODE_8X4 : QM_ARRAY_MODE_4X4;
}

static inline enum qm_counter qm_products_counter(const struct qm_insn *insn) {
    static const enum qm_counter counters[] = {QM_C_macs, QM_C_macs_w4a8, QM_C_macs_w4a4};
    return counters[qm_array_mode(insn->precision)];
}

/* wb(n): bytes of a weight row for n channels. */
static inline int64_t qm_weight_row_bytes(const struct qm_insn *insn, int64_t n) {
    struct qm_precision precision = qm_precision_of(insn);
    return (n * precision.bytes * precision.activations * precision.weight_bits + 7) / 8;
}

/* Weight rows for `bytes` bytes of a run, from a piece's begin on. */
static inline int64_t qm_weight_rows(const struct qm_insn *insn, int64_t bytes) {
    int64_t width = qm_precision_of(insn).bytes;
    return (bytes + width - 1) / width;
}

/* Bytes of the weights of all tiles; a tile has tile_width channels, the last the rest. */
static inline int64_t qm_weight_bytes(const struct qm_insn *insn, int64_t tile_width) {
    int64_t rows = insn->kernel_h * insn->kernel_w * qm_weight_rows(insn, insn->run_bytes), full = insn->tiles - 1;
    return rows * (full * qm_weight_row_bytes(insn, tile_width) + qm_weight_row_bytes(insn, insn->channels - full * tile_width));
}

/* Cycles in which the post unit writes a row of the out_type: bytes of an element, at least 1. */
static inline int64_t qm_row_cycles(const struct qm_insn *insn) {
    return insn->out_type == QM_out_type_BITS32 ? 4 : insn->out_type == QM_out_type_BITS16 ? 2 : 1;
}

/* Bytes of n elements that a REQUANTIZE, POOL or ADD writes. */
static inline int64_t qm_output_bytes(const struct qm_insn *insn, int64_t n) {
    return insn->out_type == QM_out_type_BITS4 ? (n + 1) / 2 : n * qm_row_cycles(insn);
}

#endif
