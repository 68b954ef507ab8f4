/* naive.c - one loop nest an instruction, one byte at a time, in the order of the document. Slow on purpose. */
#include "tests/support/naive.h"

#include <stdbool.h>

typedef __int128 wide;

static wide power_of_two(int64_t exponent) {
    return (wide)1 << exponent;
}

static wide floor_quotient(wide x, wide divisor) {
    wide quotient = x / divisor;
    return quotient * divisor > x ? quotient - 1 : quotient;
}

static int32_t wrap(wide x) {
    wide rest = x - floor_quotient(x, power_of_two(32)) * power_of_two(32);
    return (int32_t)(rest >= power_of_two(31) ? rest - power_of_two(32) : rest);
}

static int32_t saturate(wide x) {
    if (x > INT32_MAX) return INT32_MAX;
    return x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* x / divisor to the nearest; `ties` says where a half goes: +1 up, -1 away from zero, 0 to the even neighbour. */
static wide nearest_quotient(wide x, wide divisor, int ties) {
    wide below = floor_quotient(x, divisor), twice_rest = 2 * (x - below * divisor);
    if (twice_rest != divisor) return below + (twice_rest > divisor);
    if (ties > 0) return below + 1;
    if (ties < 0) return x >= 0 ? below + 1 : below;
    return below % 2 == 0 ? below : below + 1;
}

/* gemmlowp: nudged and truncated is the nearest with ties up, then the nearest with ties away from zero. */
static int32_t scale_twice(int32_t x, int32_t multiplier, int64_t shift) {
    int32_t shifted = shift > 0 ? wrap(x * power_of_two(shift)) : x;
    int32_t high = saturate(nearest_quotient((wide)shifted * multiplier, power_of_two(31), 1));
    return shift < 0 ? (int32_t)nearest_quotient(high, power_of_two(-shift), -1) : high;
}

int32_t naive_scale(int32_t x, int32_t multiplier, int64_t shift, int64_t rounding) {
    if (shift > 31) shift = 31;
    if (shift < -31) shift = -31;
    wide product = (wide)x * multiplier, divisor = power_of_two(31 - shift);
    switch (rounding) {
    case QM_rounding_TFLITE: return scale_twice(x, multiplier, shift);
    case QM_rounding_SINGLE: return saturate(nearest_quotient(product, divisor, 1));
    case QM_rounding_EVEN: return saturate(nearest_quotient(product, divisor, 0));
    case QM_rounding_AWAY: return saturate(nearest_quotient(product, divisor, -1));
    default: return saturate(floor_quotient(product, divisor));
    }
}

int32_t naive_scale_addend(int32_t x, int32_t multiplier, int64_t shift, int32_t addend) {
    int64_t bounded = shift > 31 ? 31 : shift < -31 ? -31 : shift;
    return saturate(floor_quotient((wide)x * multiplier + addend, power_of_two(31 - bounded)));
}

/* The low `bits` bits of x. */
static uint32_t low_bits(wide x, int64_t bits) {
    return (uint32_t)(x - floor_quotient(x, power_of_two(bits)) * power_of_two(bits));
}

static wide clamped(const struct qm_insn *insn, int32_t scaled) {
    wide value = (wide)scaled + insn->out_zero;
    if (value < insn->clamp_min) value = insn->clamp_min;
    if (value > insn->clamp_max) value = insn->clamp_max;
    return value;
}

static int32_t as_signed(uint8_t byte) {
    return byte < 128 ? byte : byte - 256;
}

static int32_t element(const struct qm_insn *insn, uint8_t byte) {
    return insn->in_unsigned != 0 ? byte : as_signed(byte);
}

uint8_t naive_window(const struct qm_insn *insn, const uint8_t *scratchpad, int64_t oy, int64_t ox, int64_t ky, int64_t kx, int64_t index) {
    int64_t y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation;
    int64_t x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation + index;
    bool inside = 0 <= y && y < insn->in_rows && 0 <= x && x < insn->in_row_bytes;
    return inside ? scratchpad[insn->in_addr + y * insn->in_pitch + x] : (uint8_t)insn->pad_value;
}

static void run_load(const struct qm_insn *insn, struct naive_memory *memory) {
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++)
            for (int64_t i = 0; i < insn->row_bytes; i++)
                memory->scratchpad[insn->spad_addr + plane * insn->spad_plane_stride + row * insn->spad_row_stride + i] =
                    memory->arena[insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride + i];
}

static void run_store(const struct qm_insn *insn, struct naive_memory *memory) {
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++)
            for (int64_t i = 0; i < insn->row_bytes; i++)
                memory->arena[insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride + i] =
                    memory->scratchpad[insn->spad_addr + plane * insn->spad_plane_stride + row * insn->spad_row_stride + i];
}

static int64_t tile_width(const struct naive_memory *memory, bool depthwise) {
    int64_t rows = memory->machine->rows, cols = memory->machine->cols;
    return depthwise && rows < cols ? rows : cols;
}

/* Channels of tile `tile` when tiles have `width`. */
static int64_t tile_channels(const struct qm_insn *insn, int64_t tile, int64_t width) {
    int64_t left = insn->channels - tile * width;
    return left < width ? left : width;
}

/* One step of a MATMUL: k x n weights at `weights` meet the bytes first .. first + k - 1 of run (ky, kx). */
struct step {
    int64_t tile, n, ky, kx, first, k, weights;
    bool overwrites;
};

/* The narrow precisions, as the document lists them; W8A8 has none of this. */
struct format {
    int64_t weight_bits, activation_bits, cell_bits;
};

static struct format format_of(const struct qm_insn *insn) {
    switch (insn->precision) {
    case QM_precision_W4A8: return (struct format){4, 8, 8};
    case QM_precision_W2A8: return (struct format){2, 8, 4};
    case QM_precision_W1A8: return (struct format){1, 8, 2};
    case QM_precision_W4A4: return (struct format){4, 4, 16};
    case QM_precision_W2A4: return (struct format){2, 4, 8};
    default: return (struct format){1, 4, 4};
    }
}

/* `bits` bits at bit `first` of the bytes, the lowest bit of the first byte being bit 0. */
static int32_t bits_at(const uint8_t *bytes, int64_t first, int64_t bits) {
    int32_t value = 0;
    for (int64_t i = 0; i < bits; i++)
        if ((bytes[(first + i) / 8] >> ((first + i) % 8)) % 2 == 1) value += 1 << i;
    return value;
}

static int32_t twos_complement(int32_t value, int64_t bits) {
    return value < 1 << (bits - 1) ? value : value - (1 << bits);
}

/* Cell by cell down the column: each takes two bytes of the piece and its weights one after another. */
static int32_t narrow_step_sum(const struct qm_insn *insn, const struct naive_memory *memory, const struct step *step, int64_t m,
                               int64_t channel) {
    struct format format = format_of(insn);
    int64_t row_bytes = (step->n * format.cell_bits + 7) / 8, per_cell = format.cell_bits / format.weight_bits;
    wide sum = 0;
    for (int64_t row = 0; 2 * row < step->k; row++) {
        uint8_t pair[2] = {0, 0};
        for (int64_t i = 0; i < 2 && 2 * row + i < step->k; i++)
            pair[i] =
                naive_window(insn, memory->scratchpad, m / insn->out_w, m % insn->out_w, step->ky, step->kx, step->first + 2 * row + i);
        const uint8_t *weights = memory->scratchpad + step->weights + row * row_bytes;
        for (int64_t i = 0; i < per_cell; i++) {
            int32_t activation = bits_at(pair, i * format.activation_bits, format.activation_bits);
            int32_t weight = bits_at(weights, channel * format.cell_bits + i * format.weight_bits, format.weight_bits);
            weight = format.weight_bits == 1 ? 1 - 2 * weight : twos_complement(weight, format.weight_bits);
            if (insn->in_unsigned == 0) activation = twos_complement(activation, format.activation_bits);
            sum += activation * (weight - insn->weight_zero);
        }
    }
    return wrap(sum);
}

static int32_t step_sum(const struct qm_insn *insn, const struct naive_memory *memory, const struct step *step, int64_t m,
                        int64_t channel) {
    int64_t oy = m / insn->out_w, ox = m % insn->out_w;
    wide sum = 0;
    if (channel >= step->n) return 0;
    if (insn->precision != QM_precision_W8A8) return narrow_step_sum(insn, memory, step, m, channel);
    for (int64_t i = 0; i < step->k; i++) {
        if (insn->depthwise != 0 && i != channel) continue;
        int64_t row = insn->depthwise != 0 ? 0 : i;
        int64_t weight = as_signed(memory->scratchpad[step->weights + row * step->n + channel]) - insn->weight_zero;
        sum += element(insn, naive_window(insn, memory->scratchpad, oy, ox, step->ky, step->kx, step->first + i)) * weight;
    }
    return wrap(sum);
}

/* What the accumulator keeps of a sum. */
static int32_t commit(wide sum, struct naive_memory *memory) {
    wide range = power_of_two(memory->machine->accumulator_bits), most = range / 2 - 1, least = -range / 2;
    if (sum >= least && sum <= most) return (int32_t)sum;
    memory->overflows++;
    if (memory->machine->accumulator_saturate) return (int32_t)(sum < least ? least : most);
    while (sum > most) sum -= range;
    while (sum < least) sum += range;
    return (int32_t)sum;
}

static void run_step(const struct qm_insn *insn, struct naive_memory *memory, const struct step *step) {
    int64_t positions = insn->out_h * insn->out_w, cols = memory->machine->cols;
    for (int64_t m = 0; m < positions; m++)
        for (int64_t channel = 0; channel < cols; channel++) {
            int32_t *sum = &memory->accumulator[(insn->acc_addr + step->tile * positions + m) * cols + channel];
            *sum = commit((wide)(step->overwrites ? 0 : *sum) + step_sum(insn, memory, step, m, channel), memory);
        }
}

/* Bytes of a step's weights. */
static int64_t step_weights(const struct qm_insn *insn, const struct step *step) {
    if (insn->depthwise != 0) return step->n;
    if (insn->precision == QM_precision_W8A8) return step->k * step->n;
    return (step->k + 1) / 2 * ((step->n * format_of(insn).cell_bits + 7) / 8);
}

static void run_matmul(const struct qm_insn *insn, struct naive_memory *memory) {
    bool depthwise = insn->depthwise != 0;
    int64_t width = tile_width(memory, depthwise), rows = memory->machine->rows * (insn->precision == QM_precision_W8A8 ? 1 : 2);
    struct step step = {.weights = insn->weight_addr};
    for (step.tile = 0; step.tile < insn->tiles; step.tile++) {
        step.n = tile_channels(insn, step.tile, width);
        step.overwrites = insn->accumulate == 0;
        for (step.ky = 0; step.ky < insn->kernel_h; step.ky++)
            for (step.kx = 0; step.kx < insn->kernel_w; step.kx++)
                for (int64_t piece = 0; piece < insn->run_bytes; piece += rows) {
                    step.first = depthwise ? step.tile * width : piece;
                    step.k = depthwise ? step.n : insn->run_bytes - piece < rows ? insn->run_bytes - piece : rows;
                    run_step(insn, memory, &step);
                    step.weights += step_weights(insn, &step);
                    step.overwrites = false;
                }
    }
}

static int32_t little_endian(const uint8_t *bytes) {
    return wrap(bytes[0] + bytes[1] * power_of_two(8) + bytes[2] * power_of_two(16) + bytes[3] * power_of_two(24));
}

static int64_t output_address(const struct qm_insn *insn, int64_t oy, int64_t ox) {
    return insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel;
}

/* Writes a channel of the position whose output begins at byte `row`. */
static void write_element(const struct qm_insn *insn, struct naive_memory *memory, int64_t row, int64_t channel, int32_t scaled) {
    uint8_t *out = memory->scratchpad + row;
    uint32_t element =
        insn->out_type == QM_out_type_BITS32 ? low_bits(saturate((wide)scaled + insn->out_zero), 32) : low_bits(clamped(insn, scaled), 16);
    switch (insn->out_type) {
    case QM_out_type_BITS4:
        if (channel % 2 == 0) out[channel / 2] = (uint8_t)(element % 16);
        if (channel % 2 == 1) out[channel / 2] = (uint8_t)(out[channel / 2] % 16 + element % 16 * 16);
        break;
    case QM_out_type_BITS8:
        out[channel] = insn->lookup != 0 ? memory->scratchpad[insn->table_addr + element % 256] : (uint8_t)(element % 256);
        break;
    default: {
        int64_t size = insn->out_type == QM_out_type_BITS16 ? 2 : 4;
        for (int64_t i = 0; i < size; i++, element /= 256) out[size * channel + i] = (uint8_t)(element % 256);
    }
    }
}

static void run_requantize(const struct qm_insn *insn, struct naive_memory *memory) {
    int64_t cols = memory->machine->cols, width = tile_width(memory, insn->depthwise != 0), positions = insn->out_h * insn->out_w;
    for (int64_t tile = 0; tile < insn->tiles; tile++)
        for (int64_t m = 0; m < positions; m++)
            for (int64_t c = 0; c < tile_channels(insn, tile, width); c++) {
                const uint8_t *params = memory->scratchpad + insn->param_addr + tile * 9 * cols;
                int32_t bias = little_endian(params + 4 * c), multiplier = little_endian(params + 4 * cols + 4 * c);
                int32_t shift = as_signed(params[8 * cols + c]);
                int32_t sum = memory->accumulator[(insn->acc_addr + tile * positions + m) * cols + c];
                int64_t row = output_address(insn, m / insn->out_w, m % insn->out_w);
                int32_t scaled = insn->rounding == QM_rounding_ADDEND
                                     ? naive_scale_addend(sum, multiplier, shift, bias)
                                     : naive_scale(wrap((wide)sum + bias), multiplier, shift, insn->rounding);
                write_element(insn, memory, row, tile * width + c, scaled);
            }
}

static int32_t pooled(const struct qm_insn *insn, const struct naive_memory *memory, int64_t oy, int64_t ox, int64_t channel) {
    wide sum = 0;
    int32_t largest = INT32_MIN;
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++) {
            int32_t value = element(insn, naive_window(insn, memory->scratchpad, oy, ox, ky, kx, channel));
            sum += value;
            if (value > largest) largest = value;
        }
    return wrap((insn->pool_kind == QM_pool_kind_SUM ? sum : largest) + insn->pool_bias);
}

static void run_pool(const struct qm_insn *insn, struct naive_memory *memory) {
    int64_t cols = memory->machine->cols;
    for (int64_t first = 0; first < insn->channels; first += cols)
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++)
                for (int64_t c = first; c < first + cols && c < insn->channels; c++) {
                    int32_t scaled =
                        naive_scale(pooled(insn, memory, oy, ox, c), (int32_t)insn->out_multiplier, insn->out_shift, insn->rounding);
                    write_element(insn, memory, output_address(insn, oy, ox), c, scaled);
                }
}

static void run_add(const struct qm_insn *insn, struct naive_memory *memory) {
    for (int64_t i = 0; i < insn->length; i++) {
        wide a = element(insn, memory->scratchpad[insn->in_addr + i]) - insn->a_zero;
        wide b = element(insn, memory->scratchpad[insn->b_addr + i]) - insn->b_zero;
        if (insn->binary == QM_binary_PRODUCT) {
            int32_t scaled = naive_scale(wrap(a * b), (int32_t)insn->out_multiplier, insn->out_shift, insn->rounding);
            write_element(insn, memory, insn->out_addr, i, scaled);
            continue;
        }
        int32_t lifted_a = wrap(a * power_of_two(insn->pre_shift)), lifted_b = wrap(b * power_of_two(insn->pre_shift));
        int32_t scaled_a = naive_scale(lifted_a, (int32_t)insn->a_multiplier, insn->a_shift, insn->rounding);
        int32_t scaled_b = naive_scale(lifted_b, (int32_t)insn->b_multiplier, insn->b_shift, insn->rounding);
        int32_t sum = wrap((wide)scaled_a + scaled_b);
        write_element(insn, memory, insn->out_addr, i, naive_scale(sum, (int32_t)insn->out_multiplier, insn->out_shift, insn->rounding));
    }
}

static void run_copy(const struct qm_insn *insn, struct naive_memory *memory) {
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++)
            for (int64_t ky = 0; ky < insn->kernel_h; ky++)
                for (int64_t kx = 0; kx < insn->kernel_w; kx++)
                    for (int64_t i = 0; i < insn->run_bytes; i++)
                        memory->scratchpad[output_address(insn, oy, ox) + (ky * insn->kernel_w + kx) * insn->run_bytes + i] =
                            naive_window(insn, memory->scratchpad, oy, ox, ky, kx, i);
}

void naive_run(const struct qm_insn *insn, struct naive_memory *memory) {
    static void (*const runs[])(const struct qm_insn *, struct naive_memory *) = {
        [QM_LOAD] = run_load, [QM_STORE] = run_store, [QM_MATMUL] = run_matmul, [QM_REQUANTIZE] = run_requantize,
        [QM_POOL] = run_pool, [QM_ADD] = run_add,     [QM_COPY] = run_copy,
    };
    runs[insn->opcode](insn, memory);
}
