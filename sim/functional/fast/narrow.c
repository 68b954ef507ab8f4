/* narrow.c - a weight row holds the cells of its channels one after another, a cell its weights in the order of the activations. No weight
 * crosses a byte, because 1, 2 and 4 bits divide 8.
 */
#include "sim/functional/fast/narrow.h"

#include "common/precision.h"
#include "sim/functional/fast/kernels.h"

static uint8_t nibble(uint8_t bits, bool is_unsigned) {
    return (uint8_t)(is_unsigned || bits < 8 ? bits : bits + 0xf0);
}

/* From the end, so that no byte is overwritten before it is read. */
void narrow_expand_activations(uint8_t *bytes, int64_t count, bool is_unsigned) {
    for (int64_t i = count - 1; i >= 0; i--) {
        uint8_t byte = bytes[i];
        bytes[2 * i + 1] = nibble(byte >> 4, is_unsigned);
        bytes[2 * i] = nibble(byte & 15, is_unsigned);
    }
}

void narrow_pack(const uint8_t *elements, int64_t n, uint8_t *out) {
    for (int64_t i = 0; i < n; i++) out[i / 2] = (uint8_t)(i % 2 == 0 ? elements[i] & 15 : out[i / 2] | elements[i] << 4);
}

/* The weight of `width` bits at bit `first` of a row. */
static int8_t weight_at(const uint8_t *row, int64_t first, int64_t width) {
    int bits = row[first / 8] >> (first % 8) & ((1 << width) - 1);
    if (width == 1) return bits == 0 ? 1 : -1;
    int half = 1 << (width - 1);
    return (int8_t)((bits ^ half) - half);
}

void narrow_expand_weights(const struct qm_insn *insn, const struct narrow_tile *tile, int64_t index, int64_t lanes, int8_t *out) {
    struct qm_precision precision = qm_precision_of(insn);
    int64_t per_byte = qm_activations_per_byte(insn), cell_weights = precision.bytes * per_byte;
    int64_t run = index / insn->run_bytes, piece = index % insn->run_bytes;
    int64_t row_index = run * qm_weight_rows(insn, insn->run_bytes) + piece / precision.bytes;
    const uint8_t *row = tile->weights + row_index * qm_weight_row_bytes(insn, tile->n);
    int64_t first_weight = tile->column * cell_weights + piece % precision.bytes * per_byte;
    for (int64_t i = 0; i < per_byte; i++)
        for (int64_t lane = 0; lane < lanes; lane++)
            out[i * KERNEL_LANES + lane] =
                weight_at(row, (first_weight + lane * cell_weights + i) * precision.weight_bits, precision.weight_bits);
}
