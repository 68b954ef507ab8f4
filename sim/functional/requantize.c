/* requantize.c - REQUANTIZE without time: bias, scale per channel, zero point, clamp. */
#include <string.h>

#include "common/fixed_point.h"
#include "sim/functional/functional.h"

/* One tile's parameters: int32 bias[cols], int32 multiplier[cols], int8 shift[cols], little-endian. */
struct params {
    const uint8_t *bytes;
    int64_t cols;
};

static int32_t read_i32(const uint8_t *bytes) {
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

static void requantize_row(const struct qm_insn *insn, struct params params, const int32_t *sums, int64_t n, uint8_t *out) {
    for (int64_t c = 0; c < n; c++) {
        int32_t bias = read_i32(params.bytes + 4 * c), multiplier = read_i32(params.bytes + 4 * (params.cols + c));
        int8_t shift = (int8_t)params.bytes[8 * params.cols + c];
        int32_t scaled = qm_scale(qm_wrap32((int64_t)sums[c] + bias), multiplier, shift, (uint32_t)insn->rounding);
        out[c] = qm_output8(scaled, (int32_t)insn->out_zero, (int32_t)insn->clamp_min, (int32_t)insn->clamp_max);
    }
}

void qm_functional_requantize(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    const int32_t *sums = memory->accumulator + insn->acc_addr * cols;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        struct params params = {memory->scratchpad + insn->param_addr + tile * 9 * cols, cols};
        int64_t rest = insn->channels - tile * width, n = rest < width ? rest : width;
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++, sums += cols)
                requantize_row(insn, params, sums, n, memory->scratchpad + insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel + tile * width);
    }
}
