/* scale.h - many sums at a time through the scaling unit and the output stage (docs/numerics.md): what REQUANTIZE, POOL and ADD share.
 *
 * Each lane has a bias, a multiplier and a shift of its own; what follows from the shift is worked out once for all rows. One form for each
 * kind of processor; all give the same numbers as qm_scale and qm_output8, by test.
 */
#ifndef QM_SIM_FUNCTIONAL_FAST_SCALE_H
#define QM_SIM_FUNCTIONAL_FAST_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

enum { SCALE_LANES = 256 };

struct scale {
    int64_t n; /* lanes, at most SCALE_LANES */
    uint32_t rounding;
    int32_t zero, low, high;
    int32_t bias[SCALE_LANES], multiplier[SCALE_LANES + 1], shift[SCALE_LANES]; /* the multiplier after the last is read, and ignored */
    /* Made by scale_prepare: the shift as one to the left before the product and one to the right after it; the bits that the latter
     * drops, and half of them. */
    int32_t left[SCALE_LANES], right[SCALE_LANES], dropped[SCALE_LANES], half_dropped[SCALE_LANES];
    /* Likewise, whether the number may be clamped before its shift to the right, as it is then nearest an output: between `least` and
     * `most`. No shift is to the left or none, no product saturates, and nothing that is added leaves 32 bits. `added` is half a unit of
     * the output, and its zero point. Only rounding TFLITE asks. */
    bool clamps_first;
    int32_t least[SCALE_LANES], most[SCALE_LANES], added[SCALE_LANES];
};

/* sums [count][sums_stride]: scale->n of each row. */
struct scale_rows {
    const int32_t *sums;
    int64_t sums_stride, count;
};

struct scaler {
    const char *name;
    bool (*is_supported)(void);
    /* out [count][out_stride]: output elements, their low 8 bits. */
    void (*bytes)(const struct scale *scale, struct scale_rows rows, uint8_t *out, int64_t out_stride);
    /* out [count][out_stride]: scaled sums, before the output stage. */
    void (*words)(const struct scale *scale, struct scale_rows rows, int32_t *out, int64_t out_stride);
};

/* Best first; the last is the plain one, which every processor supports. */
extern const struct scaler *const scalers[];
extern const int64_t scaler_count;
const struct scaler *scaler_best(void);

extern const struct scaler scaler_avx2, scaler_plain;

/* Rounding and output stage of the instruction; lanes are still to be set. Only REQUANTIZE has a bias on the product. */
void scale_begin(const struct qm_insn *insn, struct scale *scale);

/* n lanes with the same parameters. */
void scale_set_all(struct scale *scale, int64_t n, int32_t bias, int32_t multiplier, int32_t shift);

/* When n and each lane's parameters are set. */
void scale_prepare(struct scale *scale);

#endif
