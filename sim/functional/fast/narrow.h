/* narrow.h - packed operands of the narrow precisions as bytes, so that the kernels need not know them (docs/machine.md, Matmul). */
#ifndef QM_SIM_FUNCTIONAL_FAST_NARROW_H
#define QM_SIM_FUNCTIONAL_FAST_NARROW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

/* Weights of one tile of n channels, and the first channel wanted. */
struct narrow_tile {
    const uint8_t *weights;
    int64_t n, column;
};

/* bytes [2 * count]: replaces the first count bytes by their 2 * count nibbles, low nibble first, each as a byte. */
void narrow_expand_activations(uint8_t *bytes, int64_t count, bool is_unsigned);

/* out [(n + 1) / 2]: the low nibbles of n elements, low nibble first; an odd last one leaves the high nibble 0. */
void narrow_pack(const uint8_t *elements, int64_t n, uint8_t *out);

/* The weights that byte `index` of the window meets, of `lanes` channels from tile->column on; out[i][KERNEL_LANES], i: activation of the
 * byte. */
void narrow_expand_weights(const struct qm_insn *insn, const struct narrow_tile *tile, int64_t index, int64_t lanes, int8_t *out);

#endif
