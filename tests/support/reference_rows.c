/* reference_rows.c - the part of the reference evaluator for bytes that many others are summed up or compared for: reductions, products of
 * computed matrices, normalized rows, bilinear resizing. Places of extremes are found of floats, too.
 */
#include <math.h>

#include "common/status.h"
#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

static int8_t rescaled_sum(const struct reference_site *r, int64_t sum, double factor) {
    return reference_clamp(r, r->op->activation, (int64_t)reference_scale_real((int32_t)sum, factor) + zero_of(r->out));
}

static int32_t input(const struct reference_site *r, uint64_t i) {
    return number(r->in, r->bytes[r->op->inputs[0]], i);
}

/* ---- reductions ---- */

uint64_t reference_reduced(const struct reference_site *r, uint64_t i) {
    int64_t at[QM_MAX_RANK];
    uint64_t place = 0;
    reference_coordinates(r->in, i, at);
    for (uint32_t d = 0; d < r->in->rank; d++)
        if ((r->op->axes >> d & 1) == 0) place = place * r->in->dims[d] + (uint64_t)at[d];
    return place;
}

static void run_reduction(const struct reference_site *r) {
    for (uint64_t o = 0; o < qm_graph_elements(r->out); o++) {
        int64_t sum = 0;
        int32_t largest = INT32_MIN, smallest = INT32_MAX;
        for (uint64_t i = 0; i < qm_graph_elements(r->in); i++) {
            if (reference_reduced(r, i) != o) continue;
            sum += input(r, i) - zero_of(r->in);
            largest = input(r, i) > largest ? input(r, i) : largest;
            smallest = input(r, i) < smallest ? input(r, i) : smallest;
        }
        r->to[o] = (int8_t)(r->op->kind == QM_OP_REDUCE_MAX ? largest : smallest);
        if (r->op->kind == QM_OP_SUM) r->to[o] = rescaled_sum(r, sum, scale_of(r->in) / scale_of(r->out));
    }
}

/* The first of equal ones. */
static void run_arg(const struct reference_site *r) {
    uint32_t axis = r->op->axis, count = r->in->dims[axis];
    const int8_t *bytes = r->bytes[r->op->inputs[0]];
    uint64_t inner = 1;
    for (uint32_t d = axis + 1; d < r->in->rank; d++) inner *= r->in->dims[d];
    for (uint64_t o = 0; o < qm_graph_elements(r->out); o++) {
        uint64_t first = o / inner * count * inner + o % inner;
        int64_t best = 0;
        for (uint32_t i = 1; i < count; i++) {
            double x = stored(r->in, bytes, first + i * inner), top = stored(r->in, bytes, first + (uint64_t)best * inner);
            if (r->op->kind == QM_OP_ARG_MAX ? x > top : x < top) best = i;
        }
        int32_t word = (int32_t)best;
        if (r->out->dtype == QM_I64)
            memcpy(r->to + 8 * o, &best, 8);
        else
            memcpy(r->to + 4 * o, &word, 4);
    }
}

/* ---- products of two computed matrices ---- */

/* Element (a, b) of the last two dimensions of an operand, or (b, a), in the matrix of its stack that output element i needs. */
static int32_t factor_at(const struct reference_site *r, uint32_t operand, const int64_t *out, bool turned, const int64_t ab[2]) {
    const struct qm_graph_tensor *tensor = &r->graph->tensors[r->op->inputs[operand]];
    int64_t at[QM_MAX_RANK];
    uint32_t missing = r->out->rank - tensor->rank;
    for (uint32_t d = 0; d + 2 < tensor->rank; d++) at[d] = tensor->dims[d] == 1 ? 0 : out[missing + d];
    at[tensor->rank - 2] = ab[turned];
    at[tensor->rank - 1] = ab[!turned];
    return number(tensor, r->bytes[r->op->inputs[operand]], reference_index(tensor, at)) - zero_of(tensor);
}

static void run_matmul(const struct reference_site *r) {
    const struct qm_graph_tensor *second = &r->graph->tensors[r->op->inputs[1]];
    uint32_t depth = r->in->dims[r->in->rank - (r->op->first_transposed ? 2 : 1)];
    double factor = (double)(r->in->quant.scale[0] * second->quant.scale[0]) / scale_of(r->out);
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK], sum = 0;
        reference_coordinates(r->out, i, at);
        for (int64_t k = 0; k < depth; k++) {
            const int64_t left[] = {at[r->out->rank - 2], k}, right[] = {k, at[r->out->rank - 1]};
            sum += factor_at(r, 0, at, r->op->first_transposed, left) * factor_at(r, 1, at, r->op->transposed, right);
        }
        r->to[i] = rescaled_sum(r, sum, factor);
    }
}

/* ---- L2_NORMALIZATION ---- */

/* a * b of numbers with 28 bits behind the point, and 2^shift times as much, saturated. */
static int32_t saturated(int64_t x) {
    return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
}

/* Newton's iteration from 1, five times, with 28 bits behind the point, for x made 1/2 to 2 by a power of four. */
void reference_inverse_root(int32_t x, int32_t *multiplier, int *shift) {
    *multiplier = INT32_MAX;
    *shift = 0;
    if (x <= 1) return;
    int right = 11;
    for (; x >= 1 << 29; right++) x /= 4;
    for (; x < 1 << 27; right--) x *= 4;
    int32_t half_input = reference_divide(x / 2, 1), root = 1 << 28;
    for (int i = 0; i < 5; i++) {
        int32_t cube = saturated((int64_t)reference_product(reference_product(root, root), root) * 64);
        int32_t less = reference_product((1 << 28) + (1 << 27), root) - reference_product(half_input, cube);
        root = saturated((int64_t)less * 8);
    }
    *multiplier = reference_product(root, (int32_t)floor(sqrt(0.5) * 2147483648.0 + 0.5));
    for (; right < 0; right++) *multiplier *= 2;
    *shift = -right;
}

/* Of int8 the 7 bits of the output's scale are given with the multiplier, of uint8 before. */
static void run_l2(const struct reference_site *r) {
    uint32_t depth = r->in->dims[r->in->rank - 1];
    bool before = r->in->dtype == QM_U8;
    for (uint64_t i = 0; i < qm_graph_elements(r->in); i++) {
        int32_t squares = 0, multiplier;
        int shift;
        for (uint64_t j = i / depth * depth; j < (i / depth + 1) * depth; j++)
            squares += (input(r, j) - zero_of(r->in)) * (input(r, j) - zero_of(r->in));
        reference_inverse_root(squares, &multiplier, &shift);
        int32_t x = (input(r, i) - zero_of(r->in)) * (before ? 128 : 1);
        r->to[i] = reference_clamp(r, QM_ACT_NONE, (int64_t)reference_scale(x, multiplier, shift + (before ? 0 : 7)) + zero_of(r->out));
    }
}

/* ---- LOG_SOFTMAX of int8: reals with 31, 26, 25 or 19 bits behind the point, as named ---- */

static int32_t q31(double x) {
    return (int32_t)floor(x * 2147483648.0 + 0.5);
}

static int zeros_before(int32_t x) {
    int zeros = 32;
    for (uint32_t rest = (uint32_t)x; rest != 0; rest /= 2) zeros--;
    return zeros;
}

/* ln of sum19 / 2^19, which is 1 or more; 26 bits. The sum is 2^power z, z around 2^(-1/4); ln z is a quotient of polynomials. */
static int32_t log26(int32_t sum19) {
    double fourth = sqrt(sqrt(2.0));
    int32_t half_root = q31(sqrt(0.5)), middle = q31(1 / fourth), quarter25 = 1 << 23;
    int a_zeros = zeros_before(sum19), b_zeros = zeros_before(reference_product(sum19, half_root)) - 1;
    int32_t a = saturated(2 * (int64_t)reference_product(saturated((int64_t)sum19 << (a_zeros - 1)), half_root));
    int32_t b = saturated((int64_t)sum19 << b_zeros);
    int32_t a_power25 = (12 - a_zeros) * (1 << 25) + quarter25, b_power25 = (12 - b_zeros) * (1 << 25) - quarter25;
    int32_t z = a < b ? a : b, power25 = a_power25 > b_power25 ? a_power25 : b_power25;
    int64_t both = (int64_t)z + middle;
    int32_t p = (int32_t)((both + (both >= 0 ? 1 : -1)) / 2), q = 2 * (z - middle), square = reference_product(q, q);
    int32_t over = reference_product(q, z) + reference_product(reference_product(q, square), q31(11.0 / 240 * fourth));
    int32_t inner = q31(2 / fourth - fourth) + q + reference_product(q31(fourth / 20), square);
    int32_t under = reference_product(p, inner) + reference_product(q31(fourth / 4), q);
    int32_t quotient25 = reference_product(reference_divide(over, 6), reference_inverse31(under));
    return saturated(2 * ((int64_t)reference_product(power25, q31(log(2))) + quotient25));
}

static void log_softmax_row(const struct reference_site *r, uint64_t first, uint32_t depth) {
    int32_t multiplier, back, largest = INT32_MIN, sum19 = 0;
    int shift, back_shift;
    reference_multiplier(fmin(scale_of(r->in) * 67108864.0, 2147483647.0), &multiplier, &shift);
    double radius = floor(31 * 67108864.0 / ldexp(1, shift));
    for (uint64_t i = first; i < first + depth; i++) largest = input(r, i) > largest ? input(r, i) : largest;
    for (uint64_t i = first; i < first + depth; i++)
        if (input(r, i) - largest >= -radius)
            sum19 += reference_divide(reference_exp31(reference_scale(input(r, i) - largest, multiplier, shift), 26), 12);
    int32_t log_sum = log26(sum19);
    reference_multiplier(ldexp(1, 31 - shift) / multiplier, &back, &back_shift);
    double reach = fmax(-radius - 1, reference_scale(log_sum + INT32_MIN, back, back_shift));
    for (uint64_t i = first; i < first + depth; i++) {
        int32_t difference = input(r, i) - largest, value = -128;
        if (difference > reach) value = 127 + reference_divide(reference_scale(difference, multiplier, shift) - log_sum, 22);
        r->to[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
    }
}

static void run_log_softmax(const struct reference_site *r) {
    uint32_t depth = r->in->dims[r->in->rank - 1];
    for (uint64_t i = 0; i < qm_graph_elements(r->in); i += depth) log_softmax_row(r, i, depth);
}

/* ---- RESIZE_BILINEAR ---- */

/* Between elements low and high of an axis, of which the second has this weight. */
struct between {
    int64_t low, high;
    int64_t steps; /* of 1024, of int8 */
    float part;    /* of other types */
};

static struct between place_of(const struct reference_site *r, uint32_t d, int64_t at) {
    int64_t in = r->in->dims[d], out = r->out->dims[d];
    bool corners = r->op->align_corners && out > 1, centers = r->op->half_pixel_centers;
    struct between b;
    if (r->in->dtype == QM_I8) {
        int64_t scale = corners ? (1024 * (in - 1) + (out - 1) / 2) / (out - 1) : (1024 * in + out / 2) / out;
        int64_t place = at * scale + (centers ? scale / 2 - 512 : 0);
        b.low = place / 1024 > 0 ? place / 1024 : 0;
        b.high = (place + 1023) / 1024;
        b.steps = place - 1024 * b.low;
    } else {
        float scale = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
        float place = centers ? ((float)at + 0.5F) * scale - 0.5F : (float)at * scale;
        b.low = floorf(place) > 0 ? (int64_t)floorf(place) : 0;
        b.high = (int64_t)ceilf(place);
        b.part = place - (float)b.low;
    }
    b.high = b.high < in - 1 ? b.high : in - 1;
    return b;
}

static int64_t whole_between(const double v[4], const struct between *y, const struct between *x) {
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) sum += (int64_t)v[i] * (i / 2 ? y->steps : 1024 - y->steps) * (i % 2 ? x->steps : 1024 - x->steps);
    return (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
}

/* In the kernels' order: upper left, lower left, upper right, lower right. */
static float real_between(const double v[4], const struct between *y, const struct between *x) {
    return (float)v[0] * (1 - y->part) * (1 - x->part) + (float)v[2] * y->part * (1 - x->part) + (float)v[1] * (1 - y->part) * x->part +
           (float)v[3] * y->part * x->part + 0.0F; /* the half that is added to bytes: of -0 it makes 0 */
}

static void run_resize_bilinear(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK];
        double v[4];
        reference_coordinates(r->out, i, at);
        struct between y = place_of(r, 1, at[1]), x = place_of(r, 2, at[2]);
        for (int c = 0; c < 4; c++) {
            at[1] = c / 2 ? y.high : y.low;
            at[2] = c % 2 ? x.high : x.low;
            v[c] = stored(r->in, r->bytes[r->op->inputs[0]], reference_index(r->in, at));
        }
        if (r->out->dtype == QM_F32)
            set_real(r, i, real_between(v, &y, &x));
        else
            r->to[i] = (int8_t)(r->out->dtype == QM_I8 ? whole_between(v, &y, &x) : (int64_t)(real_between(v, &y, &x) + 0.5F));
    }
}

bool reference_run_row(const struct reference_site *r) {
    switch (r->op->kind) {
    case QM_OP_SUM:
    case QM_OP_REDUCE_MAX:
    case QM_OP_REDUCE_MIN: run_reduction(r); return true;
    case QM_OP_ARG_MAX:
    case QM_OP_ARG_MIN: run_arg(r); return true;
    case QM_OP_BATCH_MATMUL: run_matmul(r); return true;
    case QM_OP_L2_NORMALIZATION: run_l2(r); return true;
    case QM_OP_LOG_SOFTMAX: run_log_softmax(r); return true;
    case QM_OP_RESIZE_BILINEAR: run_resize_bilinear(r); return true;
    default: return false;
    }
}
