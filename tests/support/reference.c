/* reference.c - see reference.h. Loops over output positions, no folding, no tables, 64-bit sums where TFLite has 32. */
#include "tests/support/reference.h"

#include <math.h>
#include <string.h>

#include "common/status.h"
#include "tests/support/reference_site.h"

/* ---- scaling ---- */

void reference_multiplier(double factor, int32_t *multiplier, int *shift) {
    *shift = 0;
    *multiplier = 0;
    if (factor == 0) return;
    while (factor < 0.5) {
        factor *= 2;
        --*shift;
    }
    while (factor >= 1) {
        factor /= 2;
        ++*shift;
    }
    int64_t rounded = (int64_t)floor(factor * 2147483648.0 + 0.5);
    if (rounded == 2147483648) {
        rounded = 1073741824;
        ++*shift;
    }
    if (*shift < -31) *shift = 0, rounded = 0;
    *multiplier = (int32_t)rounded;
}

/* Without shifting a negative number. */
int64_t reference_floor_shift(int64_t a, int bits) {
    int64_t unit = (int64_t)1 << bits, quotient = a / unit;
    return quotient * unit > a ? quotient - 1 : quotient;
}

int32_t reference_product(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
    return (int32_t)reference_floor_shift((int64_t)a * b + 1073741824, 31);
}

/* a / 2^bits to the nearest, ties away from zero */
int32_t reference_divide(int32_t a, int bits) {
    int64_t half = bits > 0 ? (int64_t)1 << (bits - 1) : 0, magnitude = a < 0 ? -(int64_t)a : a;
    int64_t quotient = reference_floor_shift(magnitude + half, bits);
    return (int32_t)(a < 0 ? -quotient : quotient);
}

static int32_t wrap(int64_t a) {
    return (int32_t)(uint32_t)(uint64_t)a;
}

int32_t reference_scale(int32_t x, int32_t multiplier, int shift) {
    int left = shift > 0 ? shift : 0, right = shift < 0 ? -shift : 0;
    return reference_divide(reference_product(wrap((int64_t)x * ((int64_t)1 << left)), multiplier), right);
}

int32_t reference_scale_real(int32_t x, double factor) {
    int32_t multiplier;
    int shift;
    reference_multiplier(factor, &multiplier, &shift);
    return reference_scale(x, multiplier, shift);
}

/* ---- operators ---- */

int8_t reference_clamp(const struct reference_site *r, enum qm_activation act, int64_t value) {
    float scale = r->out->quant.scale[0];
    int64_t zero = r->out->quant.zero_point[0], steps = r->out->bits == 4 ? 16 : 256, low = r->out->dtype == QM_U8 ? 0 : -steps / 2,
            high = low + steps - 1;
    int64_t minus_one = zero + lroundf(-1.0F / scale), one = zero + lroundf(1.0F / scale), six = zero + lroundf(6.0F / scale);
    if ((act == QM_ACT_RELU || act == QM_ACT_RELU6) && low < zero) low = zero;
    if (act == QM_ACT_RELU6 && high > six) high = six;
    if (act == QM_ACT_RELU_N1_TO_1 && low < minus_one) low = minus_one;
    if (act == QM_ACT_RELU_N1_TO_1 && high > one) high = one;
    return (int8_t)(value < low ? low : value > high ? high : value);
}

/* Bias, channel scale, zero point, clamp. */
static int8_t finish(const struct reference_site *r, int64_t sum, uint32_t channel) {
    const struct qm_graph_tensor *weights = &r->graph->tensors[r->op->inputs[1]];
    bool per_channel = weights->quant.count > 1;
    float in = r->in->quant.scale[0], weight = weights->quant.scale[per_channel ? channel : 0];
    double factor = (double)in * (double)weight;
    bool legacy = r->in->dtype == QM_U8;
    if ((r->op->kind == QM_OP_FULLY_CONNECTED || r->op->kind == QM_OP_BATCH_MATMUL || legacy) && !per_channel)
        factor = (double)(in * weight);
    int32_t bias = 0;
    if (r->op->inputs[2] != QM_NO_TENSOR) memcpy(&bias, r->bytes[r->op->inputs[2]] + 4 * (size_t)channel, 4);
    return reference_clamp(r, r->op->activation,
                           (int64_t)reference_scale_real(wrap(sum + bias), factor / scale_of(r->out)) + zero_of(r->out));
}

/* The index of element (y, x, c) of the input's map, or -1 outside. */
static int64_t element(const struct reference_site *r, int64_t y, int64_t x, uint32_t c) {
    const uint32_t *dims = r->in->dims;
    if (y < 0 || x < 0 || y >= dims[1] || x >= dims[2]) return -1;
    return ((r->map * (int64_t)dims[1] + y) * dims[2] + x) * dims[3] + c;
}

static int64_t tap(const struct reference_site *r, const uint32_t out[2], const uint32_t kernel[2], uint32_t c) {
    const struct qm_graph_op *op = r->op;
    int64_t y = (int64_t)out[0] * op->stride_h + (int64_t)kernel[0] * op->dilation_h - op->pad_top;
    int64_t x = (int64_t)out[1] * op->stride_w + (int64_t)kernel[1] * op->dilation_w - op->pad_left;
    return element(r, y, x, c);
}

/* Input element i times weight w, both without their zero points. */
static int64_t product_of(const struct reference_site *r, uint64_t i, size_t w) {
    const struct qm_graph_tensor *weights = &r->graph->tensors[r->op->inputs[1]];
    int64_t weight = number(weights, r->bytes[r->op->inputs[1]], w) - zero_of(weights);
    return (number(r->in, r->bytes[r->op->inputs[0]], i) - zero_of(r->in)) * weight;
}

static int8_t conv_at(const struct reference_site *r, const uint32_t at[2], uint32_t oc) {
    const struct qm_graph_op *op = r->op;
    uint32_t channels = r->graph->tensors[op->inputs[1]].dims[3], groups = r->in->dims[3] / channels;
    uint32_t first = oc / (r->out->dims[3] / groups) * channels;
    int64_t sum = 0;
    for (uint32_t ky = 0; ky < op->kernel_h; ky++)
        for (uint32_t kx = 0; kx < op->kernel_w; kx++)
            for (uint32_t ic = 0; ic < channels; ic++) {
                int64_t i = tap(r, at, (uint32_t[]){ky, kx}, first + ic);
                size_t w = (((size_t)oc * op->kernel_h + ky) * op->kernel_w + kx) * channels + ic;
                if (i >= 0) sum += product_of(r, (uint64_t)i, w);
            }
    return finish(r, sum, oc);
}

/* Each input element goes, weighted, to the outputs below the kernel that stands at its place. */
static int8_t transpose_conv_at(const struct reference_site *r, const uint32_t at[2], uint32_t oc) {
    const struct qm_graph_op *op = r->op;
    uint32_t channels = r->in->dims[3];
    int64_t sum = 0;
    for (uint32_t y = 0; y < r->in->dims[1]; y++)
        for (uint32_t x = 0; x < r->in->dims[2]; x++) {
            int64_t ky = (int64_t)at[0] + op->pad_top - (int64_t)y * op->stride_h,
                    kx = (int64_t)at[1] + op->pad_left - (int64_t)x * op->stride_w;
            if (ky < 0 || kx < 0 || ky >= op->kernel_h || kx >= op->kernel_w) continue;
            size_t w = (((size_t)oc * op->kernel_h + (size_t)ky) * op->kernel_w + (size_t)kx) * channels;
            for (uint32_t ic = 0; ic < channels; ic++) sum += product_of(r, (uint64_t)element(r, y, x, ic), w + ic);
        }
    return finish(r, sum, oc);
}

static int8_t depthwise_at(const struct reference_site *r, const uint32_t at[2], uint32_t oc) {
    const struct qm_graph_op *op = r->op;
    int64_t sum = 0;
    for (uint32_t ky = 0; ky < op->kernel_h; ky++)
        for (uint32_t kx = 0; kx < op->kernel_w; kx++) {
            int64_t i = tap(r, at, (uint32_t[]){ky, kx}, oc / op->depth_multiplier);
            size_t w = ((size_t)ky * op->kernel_w + kx) * r->out->dims[3] + oc;
            if (i >= 0) sum += product_of(r, (uint64_t)i, w);
        }
    return finish(r, sum, oc);
}

static int8_t pool_at(const struct reference_site *r, const uint32_t at[2], uint32_t c) {
    const struct qm_graph_op *op = r->op;
    const int8_t *in = r->bytes[op->inputs[0]];
    int64_t sum = 0, count = 0, largest = -128;
    for (uint32_t ky = 0; ky < op->kernel_h; ky++)
        for (uint32_t kx = 0; kx < op->kernel_w; kx++) {
            int64_t i = tap(r, at, (uint32_t[]){ky, kx}, c);
            if (i < 0) continue;
            int32_t value = number(r->in, in, (uint64_t)i);
            sum += value;
            count++;
            if (value > largest) largest = value;
        }
    if (op->kind == QM_OP_MAX_POOL_2D) return reference_clamp(r, r->op->activation, largest);
    return reference_clamp(r, r->op->activation, (sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

static void run_map(const struct reference_site *r, int8_t (*at)(const struct reference_site *, const uint32_t[2], uint32_t)) {
    struct reference_site one = *r;
    int8_t *to = r->to;
    for (one.map = 0; one.map < r->out->dims[0]; one.map++)
        for (uint32_t y = 0; y < r->out->dims[1]; y++)
            for (uint32_t x = 0; x < r->out->dims[2]; x++)
                for (uint32_t c = 0; c < r->out->dims[3]; c++) *to++ = at(&one, (uint32_t[]){y, x}, c);
}

static void run_fully_connected(const struct reference_site *r) {
    const struct qm_graph_tensor *weights = &r->graph->tensors[r->op->inputs[1]];
    uint32_t channels = weights->dims[0], features = weights->dims[1];
    uint64_t rows = qm_graph_elements(r->in) / features;
    for (uint64_t row = 0; row < rows; row++)
        for (uint32_t oc = 0; oc < channels; oc++) {
            int64_t sum = 0;
            for (uint32_t i = 0; i < features; i++) sum += product_of(r, row * features + i, (size_t)oc * features + i);
            r->to[row * channels + oc] = finish(r, sum, oc);
        }
}

/* ---- softmax: reals with 26, 31, 29 or 19 bits behind the point, as named ---- */

/* exp of a / 2^bits, which is not positive; 31 bits. */
int32_t reference_exp31(int32_t a, int bits) {
    if (a == 0) return INT32_MAX;
    int32_t quarters = (int32_t)(-reference_floor_shift(a, bits - 2)) - 1; /* a = rest - quarters / 4, -1/4 <= rest < 0 */
    int32_t rest31 = (int32_t)(((int64_t)a + (int64_t)quarters * ((int64_t)1 << (bits - 2))) * ((int64_t)1 << (31 - bits)));
    int32_t x = rest31 + (1 << 28), square = reference_product(x, x);
    int32_t cube_and_fourth = reference_product(reference_divide(reference_product(square, square), 2) + reference_product(square, x),
                                                (int32_t)floor(2147483648.0 / 3 + 0.5));
    int32_t base = (int32_t)floor(exp(-0.125) * 2147483648.0 + 0.5);
    int32_t e = base + reference_product(base, x + reference_divide(cube_and_fourth + square, 1));
    for (int bit = 0; bit < 7; bit++)
        if (quarters / (1 << bit) % 2) e = reference_product(e, (int32_t)floor(exp(-ldexp(0.25, bit)) * 2147483648.0 + 0.5));
    return e;
}

/* 2 / (1 + f31 / 2^31); 29 bits. */
static int32_t twice_inverse29(int32_t f31) {
    int32_t d = (int32_t)reference_floor_shift((int64_t)f31 + 2147483648, 1);
    int32_t x29 = (int32_t)floor(48.0 / 17 * 536870912 + 0.5) + reference_product(d, -(int32_t)floor(32.0 / 17 * 536870912 + 0.5));
    for (int i = 0; i < 3; i++) x29 += 4 * reference_product(x29, 536870912 - reference_product(d, x29));
    return x29;
}

int32_t reference_inverse31(int32_t f31) {
    int32_t x29 = twice_inverse29(f31);
    return x29 >= 1073741824 ? INT32_MAX : 2 * x29;
}

/* (1 - f) / (1 + f) is 2 / (1 + f) - 1. */
int32_t reference_ratio31(int32_t f31) {
    int64_t ratio = 4 * ((int64_t)twice_inverse29(f31) - 536870912);
    return ratio > INT32_MAX ? INT32_MAX : (int32_t)ratio;
}

static void softmax_row(const struct reference_site *r, uint32_t depth, const int8_t *in, int8_t *to) {
    int32_t multiplier, sum19 = 0, largest = -128;
    int shift, halvings = 0;
    reference_multiplier(fmin((double)r->op->beta * scale_of(r->in) * 67108864.0, 2147483647.0), &multiplier, &shift);
    double radius = floor(31 * 67108864.0 / ldexp(1, shift));
    for (uint32_t i = 0; i < depth; i++) largest = in[i] > largest ? in[i] : largest;
    for (uint32_t i = 0; i < depth; i++)
        if (in[i] - largest >= -radius)
            sum19 += reference_divide(reference_exp31(reference_scale(in[i] - largest, multiplier, shift), 26), 12);
    int64_t normal = sum19; /* to 2^31 .. 2^32 */
    while (normal < 2147483648) {
        normal *= 2;
        halvings++;
    }
    int32_t inverse = reference_inverse31((int32_t)(normal - 2147483648));
    for (uint32_t i = 0; i < depth; i++) {
        int32_t value = -128;
        if (in[i] - largest >= -radius)
            value += reference_divide(reference_product(inverse, reference_exp31(reference_scale(in[i] - largest, multiplier, shift), 26)),
                                      35 - halvings);
        to[i] = (int8_t)(value > 127 ? 127 : value);
    }
}

/* Unsigned numbers are signed ones less by 128. */
static void run_softmax(const struct reference_site *r) {
    uint32_t depth = r->in->dims[r->in->rank - 1];
    for (uint64_t row = 0; row < qm_graph_elements(r->in); row += depth) {
        int8_t signed_row[4096];
        int32_t less = r->in->dtype == QM_U8 ? 128 : 0;
        for (uint32_t i = 0; i < depth; i++) signed_row[i] = (int8_t)(number(r->in, r->bytes[r->op->inputs[0]], row + i) - less);
        softmax_row(r, depth, signed_row, r->to + row);
        for (uint32_t i = 0; i < depth; i++) r->to[row + i] = (int8_t)(r->to[row + i] + less);
    }
}

static bool run_other(const struct reference_site *r) {
    return reference_run_move(r) || reference_run_list(r) || reference_run_table(r) || reference_run_row(r);
}

static void run_op(const struct reference_site *r) {
    if (reference_run_compare(r) || reference_run_pair(r) || reference_run_float(r)) return;
    switch (r->op->kind) {
    case QM_OP_CONV_2D: run_map(r, conv_at); break;
    case QM_OP_TRANSPOSE_CONV: run_map(r, transpose_conv_at); break;
    case QM_OP_DEPTHWISE_CONV_2D: run_map(r, depthwise_at); break;
    case QM_OP_AVERAGE_POOL_2D:
    case QM_OP_MAX_POOL_2D: run_map(r, pool_at); break;
    case QM_OP_FULLY_CONNECTED: run_fully_connected(r); break;
    case QM_OP_RESHAPE: memcpy(r->to, r->bytes[r->op->inputs[0]], r->out->size_bytes); break;
    case QM_OP_SOFTMAX: run_softmax(r); break;
    default: QM_CHECK(run_other(r));
    }
}

const int8_t **reference_run(const struct qm_graph *graph, const int8_t *const *inputs, struct qm_arena *arena) {
    const int8_t **bytes = QM_ARENA_NEW(arena, const int8_t *, graph->tensor_count);
    for (uint32_t i = 0; i < graph->tensor_count; i++) bytes[i] = graph->tensors[i].data;
    for (uint32_t i = 0; i < graph->input_count; i++) bytes[graph->inputs[i]] = inputs[i];
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        for (uint32_t part = 0; part < op->output_count; part++) {
            const struct qm_graph_tensor *out = &graph->tensors[op->outputs[part]];
            int8_t *to = qm_arena_alloc(arena, qm_graph_elements(out) * qm_dtype_bytes(out->dtype));
            struct reference_site site = {
                .graph = graph, .op = op, .bytes = bytes, .in = &graph->tensors[op->inputs[0]], .out = out, .part = part, .to = to};
            run_op(&site);
            bytes[op->outputs[part]] = to;
        }
    }
    return bytes;
}
