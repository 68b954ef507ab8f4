/* products.c - products of matrices of bytes, of which both are computed: BATCH_MATMUL and FULLY_CONNECTED.
 *
 * A sum of products, less zero points and with its bias, is scaled by float(scale * scale), then in double / output scale.
 */
#include "evaluate/kernels/kernel.h"

enum { LEFT_MAX = 30, DEPTH_MAX = INT32_MAX / (UINT8_MAX * UINT8_MAX) };

static double factor_of(const struct kernel *k) {
    float product = kernel_scale(kernel_input(k, 0)) * kernel_scale(kernel_input(k, 1));
    return (double)product / (double)kernel_scale(kernel_output(k));
}

static const char *check_product(const struct kernel *k, uint32_t depth) {
    if (kernel_input(k, 0)->dtype != kernel_input(k, 1)->dtype) return "its operands have different types";
    if (depth > DEPTH_MAX) return "its sums do not fit 32 bits";
    return kernel_factor_fits(factor_of(k), LEFT_MAX) ? NULL : "its scales are too far apart";
}

/* One element of a product: a row of the first operand by a column of the second, whose elements are a step apart. */
struct dot {
    size_t a, b, a_step, b_step;
    uint32_t depth;
};

static int32_t dot_of(const struct kernel *k, const struct dot *dot) {
    enum qm_dtype dtype = kernel_input(k, 0)->dtype;
    int32_t a_zero = kernel_zero(kernel_input(k, 0)), b_zero = kernel_zero(kernel_input(k, 1)), sum = 0;
    for (uint32_t i = 0; i < dot->depth; i++)
        sum += (kernel_byte(dtype, k->inputs[0], dot->a + i * dot->a_step) - a_zero) *
               (kernel_byte(dtype, k->inputs[1], dot->b + i * dot->b_step) - b_zero);
    return sum;
}

/* Scales sums and cuts them as the operator says. */
struct ending {
    struct qm_multiplier scale;
    uint32_t rounding;
    int32_t zero, low, high;
};

/* LiteRT's kernels round twice, but those of FULLY_CONNECTED. */
static struct ending ending_of(const struct kernel *k) {
    bool once = k->graph->kernels == QM_KERNELS_LITERT && k->op->kind == QM_OP_FULLY_CONNECTED;
    struct ending ending = {.scale = qm_multiplier_from_real(factor_of(k)),
                            .rounding = once ? QM_rounding_SINGLE : QM_rounding_TFLITE,
                            .zero = kernel_zero(kernel_output(k))};
    qm_graph_activation_range(kernel_output(k), k->op->activation, &ending.low, &ending.high);
    return ending;
}

static void store(const struct kernel *k, const struct ending *ending, size_t to, int32_t sum) {
    int32_t scaled = qm_scale(sum, ending->scale.value, ending->scale.shift, ending->rounding);
    kernel_set_byte(k->outputs[0], to, qm_output(scaled, ending->zero, ending->low, ending->high));
}

/* ---- fully connected: weights [out features][in features] ---- */

const char *kernel_check_fc(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *weights = kernel_input(k, 1), *out = kernel_output(k);
    if (weights->rank != 2) return "its weights are no matrix";
    uint64_t rows = qm_graph_elements(in) / weights->dims[1];
    if (rows * weights->dims[1] != qm_graph_elements(in) || rows * weights->dims[0] != qm_graph_elements(out))
        return "its shapes do not fit its weights";
    if (kernel_has_input(k, 2) && (kernel_input(k, 2)->dtype != QM_I32 || qm_graph_elements(kernel_input(k, 2)) != weights->dims[0]))
        return "its bias has not an int32 for each channel";
    return check_product(k, weights->dims[1]);
}

bool kernel_run_fc(const struct kernel *k) {
    const struct qm_graph_tensor *weights = kernel_input(k, 1);
    size_t channels = weights->dims[0], depth = weights->dims[1];
    struct ending ending = ending_of(k);
    for (size_t i = 0; i < qm_graph_elements(kernel_output(k)); i++) {
        struct dot dot = {.a = i / channels * depth, .b = i % channels * depth, .a_step = 1, .b_step = 1, .depth = (uint32_t)depth};
        int32_t bias = kernel_has_input(k, 2) ? kernel_int32(k->inputs[2], i % channels) : 0;
        store(k, &ending, i, qm_wrap32((int64_t)dot_of(k, &dot) + bias));
    }
    return true;
}

/* ---- stacks of matrices: [..][m][depth] by [..][depth][n], either may be transposed ---- */

struct matrices {
    uint32_t m, n, depth;
    size_t a_step, a_row, b_step, b_column; /* elements: along the depth, and from row to row, from column to column */
};

/* False: the operands are no matrices that can be multiplied. */
static bool matrices_of(const struct kernel *k, struct matrices *s) {
    const struct qm_graph_tensor *a = kernel_input(k, 0), *b = kernel_input(k, 1);
    if (a->rank < 2 || b->rank < 2) return false;
    const uint32_t *rows = &a->dims[a->rank - 2], *columns = &b->dims[b->rank - 2];
    bool a_transposed = k->op->first_transposed, b_transposed = k->op->transposed;
    *s = (struct matrices){.m = rows[a_transposed], .depth = rows[!a_transposed], .n = columns[!b_transposed]};
    s->a_step = a_transposed ? rows[1] : 1;
    s->a_row = a_transposed ? 1 : rows[1];
    s->b_step = b_transposed ? 1 : columns[1];
    s->b_column = b_transposed ? columns[1] : 1;
    return columns[b_transposed] == s->depth;
}

/* The matrix of an operand, of its stack, that matrix `index` of the output's stack is made of. */
static size_t matrix_at(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out, size_t index) {
    size_t at = 0, stride = 1;
    for (uint32_t d = 3; d <= out->rank; d++) {
        uint32_t place = (uint32_t)(index % out->dims[out->rank - d]), dim = d <= operand->rank ? operand->dims[operand->rank - d] : 1;
        index /= out->dims[out->rank - d];
        if (dim > 1) at += place * stride;
        stride *= dim;
    }
    return at;
}

const char *kernel_check_matmul(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    struct matrices s;
    if (!matrices_of(k, &s)) return "its operands are not matrices that can be multiplied";
    if (out->rank < 2 || out->dims[out->rank - 2] != s.m || out->dims[out->rank - 1] != s.n)
        return "the output's shape is not the product's";
    for (uint32_t i = 0; i < 2; i++) {
        struct qm_graph_tensor stack = *kernel_input(k, i), stacks = *out;
        stack.rank -= 2;
        stacks.rank -= 2;
        if (!kernel_broadcasts(&stack, &stacks)) return "the output's shape is not the product's";
    }
    return check_product(k, s.depth);
}

bool kernel_run_matmul(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    struct ending ending = ending_of(k);
    struct matrices s;
    if (!matrices_of(k, &s)) return false;
    for (size_t i = 0; i < qm_graph_elements(out); i++) {
        size_t matrix = i / ((size_t)s.m * s.n), row = i / s.n % s.m, column = i % s.n;
        struct dot dot = {.a = matrix_at(kernel_input(k, 0), out, matrix) * s.m * s.depth + row * s.a_row,
                          .b = matrix_at(kernel_input(k, 1), out, matrix) * s.depth * s.n + column * s.b_column,
                          .a_step = s.a_step,
                          .b_step = s.b_step,
                          .depth = s.depth};
        store(k, &ending, i, dot_of(k, &dot));
    }
    return true;
}
