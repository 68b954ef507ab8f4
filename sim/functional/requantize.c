/* requantize.c - REQUANTIZE: each sum of the accumulator gets its channel's bias and scale, then the output stage; a byte may go through
 * the table. */
#include "common/precision.h"
#include "sim/functional/element.h"
#include "sim/functional/functional.h"

/* The parameters of a channel. */
struct params {
    int32_t bias, multiplier, shift;
};

static int32_t read_i32(const uint8_t *bytes) {
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

/* A tile's parameters are int32 bias[cols], int32 multiplier[cols], int8 shift[cols]; c is the channel's lane. */
static struct params params_of(const uint8_t *tile, int64_t cols, int64_t c) {
    return (struct params){read_i32(tile + 4 * c), read_i32(tile + 4 * (cols + c)), (int8_t)tile[8 * cols + c]};
}

static void requantize_tile(const struct qm_insn *insn, struct qm_functional_memory *memory, int64_t tile, int64_t width) {
    int64_t cols = memory->machine->cols, positions = insn->out_h * insn->out_w, first = tile * width;
    int64_t n = insn->channels - first < width ? insn->channels - first : width;
    const uint8_t *tile_params = memory->scratchpad + insn->param_addr + tile * QM_PARAMETER_BYTES * cols,
                  *table = memory->scratchpad + insn->table_addr;
    for (int64_t m = 0; m < positions; m++) {
        const int32_t *sums = memory->accumulator + (insn->acc_addr + tile * positions + m) * cols;
        uint8_t *out = memory->scratchpad + insn->out_addr + m / insn->out_w * insn->out_pitch + m % insn->out_w * insn->out_pixel;
        for (int64_t c = 0; c < n; c++) {
            struct params p = params_of(tile_params, cols, c);
            uint32_t element = element_of(insn, qm_scale_biased(sums[c], p.bias, p.multiplier, p.shift, (uint32_t)insn->rounding));
            if (insn->lookup == QM_lookup_TABLE) element = table[element & 0xff];
            element_write(insn, out, first + c, element);
        }
    }
}

void qm_functional_REQUANTIZE(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    for (int64_t tile = 0; tile < insn->tiles; tile++) requantize_tile(insn, memory, tile, width);
}
