/* requantize.c - REQUANTIZE without time: bias, scale per channel, zero point, clamp. */
#include "common/fixed_point.h"
#include "sim/functional/functional.h"
#include "sim/functional/vectorized.h"

enum { LANES_MAX = 256 };

/* One tile's parameters, and what all tiles share. */
struct stage {
    int64_t n;
    int32_t zero, low, high;
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

/* In two loops, because vectors of whole words suit rows that are shorter than a vector of bytes. */
INLINE void requantize_lanes(const struct stage *stage, const int32_t *restrict sums, uint8_t *restrict out, uint32_t rounding) {
    int32_t scaled[LANES_MAX], zero = stage->zero, low = stage->low, high = stage->high;
    for (int64_t c = 0; c < stage->n; c++) {
        int32_t biased = (int32_t)((uint32_t)sums[c] + (uint32_t)stage->bias[c]);
        scaled[c] = qm_scale(biased, stage->multiplier[c], stage->shift[c], rounding);
    }
    for (int64_t c = 0; c < stage->n; c++) out[c] = qm_output8(scaled[c], zero, low, high);
}

VECTORIZED static void requantize_row(const struct stage *stage, const int32_t *sums, uint8_t *out, int64_t rounding) {
    WITH_ROUNDING(rounding, requantize_lanes, stage, sums, out)
}

void qm_functional_requantize(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    const int32_t *sums = memory->accumulator + insn->acc_addr * cols;
    struct stage stage = {.zero = (int32_t)insn->out_zero, .low = (int32_t)insn->clamp_min, .high = (int32_t)insn->clamp_max};
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width;
        uint8_t *out = memory->scratchpad + insn->out_addr + tile * width;
        stage.n = rest < width ? rest : width;
        read_params(memory->scratchpad + insn->param_addr + tile * 9 * cols, cols, &stage);
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++, sums += cols)
                requantize_row(&stage, sums, out + oy * insn->out_pitch + ox * insn->out_pixel, insn->rounding);
    }
}
