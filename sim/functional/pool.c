/* pool.c - POOL: the maximum or the sum over the taps of a window, one channel at a time, with one scale for all channels. */
#include "common/precision.h"
#include "sim/functional/element.h"
#include "sim/functional/functional.h"
#include "sim/functional/window.h"

static int32_t reduce_window(const struct qm_insn *insn, const uint8_t *scratchpad, int64_t oy, int64_t ox, int64_t channel) {
    int32_t sum = 0, maximum = INT32_MIN;
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++) {
            int32_t element = element_read(insn, window_byte(insn, scratchpad, window_run(insn, oy, ox, ky, kx), channel));
            sum += element;
            if (element > maximum) maximum = element;
        }
    return insn->pool_kind == QM_pool_kind_SUM ? sum : maximum;
}

/* Channels first .. first + n - 1 of all positions: what the lanes of the post unit do together. */
static void pool_channels(const struct qm_insn *insn, struct qm_functional_memory *memory, int64_t first, int64_t n) {
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++) {
            uint8_t *out = memory->scratchpad + insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel;
            for (int64_t channel = first; channel < first + n; channel++) {
                int32_t biased = qm_wrap32(reduce_window(insn, memory->scratchpad, oy, ox, channel) + insn->pool_bias);
                int32_t scaled = qm_scale(biased, (int32_t)insn->out_multiplier, (int)insn->out_shift, (uint32_t)insn->rounding);
                element_write(insn, out, channel, element_of(insn, scaled));
            }
        }
}

void qm_functional_POOL(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols;
    for (int64_t first = 0; first < insn->channels; first += cols)
        pool_channels(insn, memory, first, insn->channels - first < cols ? insn->channels - first : cols);
}
