/* requantize.c - REQUANTIZE: each sum of the accumulator gets its channel's bias and scale, may be added to a residual, then the output
 * stage; a byte may go through the table. */
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

/* A scaled sum of the accumulator as the first operand of a sum with a residual, which is scaled in turn. */
static int32_t add_residual(const struct qm_insn *insn, int32_t scaled, uint8_t residual) {
    int32_t a = qm_output(scaled, 0, (int32_t)insn->a_min, (int32_t)insn->a_max);
    int32_t sum = element_sum(insn, a, element_read(insn, residual) - insn->b_zero);
    return qm_scale(sum, (int32_t)insn->out_multiplier, (int)insn->out_shift, (uint32_t)insn->rounding);
}

static void requantize_tile(const struct qm_insn *insn, struct qm_functional_memory *memory, int64_t tile, int64_t width) {
    int64_t cols = memory->machine->cols, positions = insn->out_h * insn->out_w, first = tile * width;
    int64_t n = insn->channels - first < width ? insn->channels - first : width;
    const uint8_t *tile_params = memory->scratchpad + insn->param_addr + tile * QM_PARAMETER_BYTES * cols,
                  *table = memory->scratchpad + insn->table_addr;
    for (int64_t m = 0; m < positions; m++) {
        const int32_t *sums = memory->accumulator + (insn->acc_addr + tile * positions + m) * cols;
        int64_t y = m / insn->out_w, x = m % insn->out_w;
        uint8_t *out = memory->scratchpad + insn->out_addr + y * insn->out_pitch + x * insn->out_pixel;
        const uint8_t *residual = memory->scratchpad + insn->b_addr + y * insn->b_pitch + x * insn->b_pixel + first;
        for (int64_t c = 0; c < n; c++) {
            struct params p = params_of(tile_params, cols, c);
            int32_t scaled = qm_scale_biased(sums[c], p.bias, p.multiplier, p.shift, (uint32_t)insn->rounding);
            if (insn->residual != 0) scaled = add_residual(insn, scaled, residual[c]);
            uint32_t element = element_of(insn, scaled);
            if (insn->lookup == QM_lookup_TABLE) element = table[element & 0xff];
            element_write(insn, out, first + c, element);
        }
    }
}

void qm_functional_REQUANTIZE(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    for (int64_t tile = 0; tile < insn->tiles; tile++) requantize_tile(insn, memory, tile, width);
}
