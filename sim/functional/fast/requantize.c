/* requantize.c - REQUANTIZE without time: bias, scale per channel, zero point, clamp; then the table, or packing to 4, 16 or 32 bits. */
#include "common/fixed_point.h"
#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/vectorized.h"

enum { LANES_MAX = 256 };

/* One tile's parameters, and what all tiles share. */
struct stage {
    int64_t n;
    int32_t zero, low, high;
    const uint8_t *table; /* [QM_TABLE_BYTES]; NULL: none */
    int32_t bias[LANES_MAX], multiplier[LANES_MAX], shift[LANES_MAX];
};

static int32_t read_i32(const uint8_t *bytes) {
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

/* int32 bias[cols], int32 multiplier[cols], int8 shift[cols], little-endian. */
static void read_params(const uint8_t *params, int64_t cols, struct stage *stage) {
    for (int64_t c = 0; c < stage->n; c++) {
        stage->bias[c] = read_i32(params + 4 * c);
        stage->multiplier[c] = read_i32(params + 4 * (cols + c));
        stage->shift[c] = (int8_t)params[8 * cols + c];
    }
}

INLINE void scale_lanes(const struct stage *stage, const int32_t *restrict sums, int32_t *restrict scaled, uint32_t rounding) {
    for (int64_t c = 0; c < stage->n; c++) {
        int32_t biased = (int32_t)((uint32_t)sums[c] + (uint32_t)stage->bias[c]);
        scaled[c] = rounding == QM_rounding_ADDEND ? qm_scale_addend(sums[c], stage->multiplier[c], stage->shift[c], stage->bias[c])
                                                   : qm_scale(biased, stage->multiplier[c], stage->shift[c], rounding);
    }
}

/* In two loops, because vectors of whole words suit rows that are shorter than a vector of bytes. */
INLINE void requantize_lanes(const struct stage *stage, const int32_t *restrict sums, uint8_t *restrict out, uint32_t rounding) {
    int32_t scaled[LANES_MAX], zero = stage->zero, low = stage->low, high = stage->high;
    scale_lanes(stage, sums, scaled, rounding);
    for (int64_t c = 0; c < stage->n; c++) out[c] = qm_output8(scaled[c], zero, low, high);
}

VECTORIZED static void requantize_bytes(const struct stage *stage, const int32_t *sums, uint8_t *out,
                                        int64_t rounding){WITH_ROUNDING(rounding, requantize_lanes, stage, sums, out)}

VECTORIZED static void scale_row(const struct stage *stage, const int32_t *sums, int32_t *scaled, int64_t rounding) {
    WITH_ROUNDING(rounding, scale_lanes, stage, sums, scaled)
}

static void write_little_endian(uint8_t *out, uint32_t value, int64_t size) {
    for (int64_t i = 0; i < size; i++) out[i] = (uint8_t)(value >> (8 * i));
}

/* Elements of two or four bytes. */
static void requantize_wide(const struct qm_insn *insn, const struct stage *stage, const int32_t *sums, uint8_t *out) {
    int32_t scaled[LANES_MAX];
    scale_row(stage, sums, scaled, insn->rounding);
    for (int64_t c = 0; c < stage->n; c++) {
        uint32_t clamped = (uint32_t)qm_output(scaled[c], stage->zero, stage->low, stage->high);
        if (insn->out_type == QM_out_type_BITS16)
            write_little_endian(out + 2 * c, clamped, 2);
        else
            write_little_endian(out + 4 * c, (uint32_t)qm_saturate_i32((int64_t)scaled[c] + stage->zero), 4);
    }
}

static void requantize_row(const struct qm_insn *insn, const struct stage *stage, const int32_t *sums, uint8_t *out) {
    if (qm_row_cycles(insn) > 1) {
        requantize_wide(insn, stage, sums, out);
    } else if (insn->out_type == QM_out_type_BITS4) {
        uint8_t elements[LANES_MAX];
        requantize_bytes(stage, sums, elements, insn->rounding);
        narrow_pack(elements, stage->n, out);
    } else {
        requantize_bytes(stage, sums, out, insn->rounding);
        if (stage->table == NULL) return;
        for (int64_t c = 0; c < stage->n; c++) out[c] = stage->table[out[c]];
    }
}

void fast_REQUANTIZE(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    const int32_t *sums = memory->accumulator + insn->acc_addr * cols;
    struct stage stage = {.zero = (int32_t)insn->out_zero, .low = (int32_t)insn->clamp_min, .high = (int32_t)insn->clamp_max};
    stage.table = insn->lookup == QM_lookup_TABLE ? memory->scratchpad + insn->table_addr : NULL;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width;
        uint8_t *out = memory->scratchpad + insn->out_addr + qm_output_bytes(insn, tile * width);
        stage.n = rest < width ? rest : width;
        read_params(memory->scratchpad + insn->param_addr + tile * QM_PARAMETER_BYTES * cols, cols, &stage);
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++, sums += cols)
                requantize_row(insn, &stage, sums, out + oy * insn->out_pitch + ox * insn->out_pixel);
    }
}
