/* elements.c - what is computed element by element and has a fast form: clips, quantizers of one scale, and sums, differences, products,
 * quotients and extremes of two tensors, of which one may have fewer elements that are repeated.
 */
#include "infer/parts.h"

/* ---- of two ---- */

/* How the elements of an operand go along those of the output: element i of the output has element i / inner % count. */
struct repeated {
    size_t inner, count;
};

/* Finds it; false: the operand is repeated in another way. Dimensions that are broadcast stand around those that are not. */
static bool find_repeated(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out, struct repeated *repeated) {
    uint32_t missing = out->rank - operand->rank, first = out->rank, end = out->rank;
    *repeated = (struct repeated){1, 1};
    for (uint32_t d = missing; d < out->rank; d++) {
        if (operand->dims[d - missing] == 1) continue;
        if (first == out->rank) first = d;
        end = d + 1;
    }
    for (uint32_t d = first; d < end; d++) {
        if (operand->dims[d - missing] != out->dims[d]) return false;
        repeated->count *= out->dims[d];
    }
    for (uint32_t d = end; first < out->rank && d < out->rank; d++) repeated->inner *= out->dims[d];
    return true;
}

static bool is_pair(enum qm_graph_op_kind kind) {
    return kind == QM_OP_ADD || kind == QM_OP_SUB || kind == QM_OP_MUL || kind == QM_OP_DIV || kind == QM_OP_MINIMUM ||
           kind == QM_OP_MAXIMUM;
}

static bool has_pair(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    struct repeated repeated;
    return is_pair(op->kind) && out->dtype == QM_F32 && find_repeated(&graph->tensors[op->inputs[0]], out, &repeated) &&
           find_repeated(&graph->tensors[op->inputs[1]], out, &repeated);
}

/* Elements that lie one after another in both operands, or stay the same (step 0). */
struct run {
    const float *a, *b;
    size_t a_step, b_step, count;
};

#define COMPUTE(expression)                                                                                                                \
    for (size_t i = 0; i < run->count; i++) {                                                                                              \
        float a = run->a[i * run->a_step], b = run->b[i * run->b_step];                                                                    \
        to[i] = (expression);                                                                                                              \
    }                                                                                                                                      \
    break

static void compute_run(enum qm_graph_op_kind kind, const struct run *run, float *to) {
    switch (kind) {
    case QM_OP_ADD: COMPUTE(a + b);
    case QM_OP_SUB: COMPUTE(a - b);
    case QM_OP_MUL: COMPUTE(a * b);
    case QM_OP_DIV: COMPUTE(a / b);
    case QM_OP_MINIMUM: COMPUTE(a < b ? a : b);
    default: COMPUTE(a > b ? a : b);
    }
}

/* How far an operand goes on evenly from an element of the output on. */
static size_t even_from(const struct repeated *r, size_t i) {
    return r->inner > 1 || r->count == 1 ? r->inner - i % r->inner : r->count - i % r->count;
}

static const float *element_at(const struct repeated *r, const float *numbers, size_t i) {
    return numbers + i / r->inner % r->count;
}

static void compute_pairs(const struct infer_site *s) {
    const struct qm_graph_tensor *out = infer_output(s);
    struct repeated a, b;
    size_t elements = (size_t)qm_graph_elements(out);
    find_repeated(infer_input(s, 0), out, &a);
    find_repeated(infer_input(s, 1), out, &b);
    if (a.count == 1) a.inner = elements;
    if (b.count == 1) b.inner = elements;
    for (size_t i = 0; i < elements;) {
        size_t of_a = even_from(&a, i), of_b = even_from(&b, i);
        struct run run = {element_at(&a, s->inputs[0], i), element_at(&b, s->inputs[1], i), a.inner == 1, b.inner == 1,
                          of_a < of_b ? of_a : of_b};
        compute_run(s->op->kind, &run, s->to + i);
        i += run.count;
    }
}

/* ---- of one ---- */

static void clip(const struct infer_site *s) {
    size_t elements = (size_t)qm_graph_elements(infer_output(s));
    float low = (float)s->op->low, high = (float)s->op->high;
    for (size_t i = 0; i < elements; i++) {
        float x = s->inputs[0][i];
        s->to[i] = x < low ? low : x > high ? high : x;
    }
}

/* Half to even, of numbers below 2^22: a sum with this has no bits behind the point. */
#define WHOLE 0x1.8p23F

/* Cut before it is rounded, which is the same for whole limits, so that nothing is too large. NaN becomes the zero point. */
static void quantize(const struct infer_site *s) {
    size_t elements = (size_t)qm_graph_elements(infer_output(s));
    float scale = s->inputs[1][0], zero = s->inputs[2] != NULL ? s->inputs[2][0] : 0;
    float low = (float)s->op->low - zero, high = (float)s->op->high - zero;
    for (size_t i = 0; i < elements; i++) {
        float number = s->inputs[0][i] / scale;
        number = number < low ? low : number > high ? high : number;
        number = number + WHOLE - WHOLE;
        s->to[i] = number == number ? number + zero : zero;
    }
}

static void dequantize(const struct infer_site *s) {
    size_t elements = (size_t)qm_graph_elements(infer_output(s));
    float scale = s->inputs[1][0], zero = s->inputs[2] != NULL ? s->inputs[2][0] : 0;
    for (size_t i = 0; i < elements; i++) s->to[i] = (s->inputs[0][i] - zero) * scale;
}

/* One scale, and integers that are rounded as above. */
static bool has_one_scale(const struct qm_graph *graph, const struct qm_graph_op *op) {
    bool is_small = op->kind == QM_OP_DEQUANTIZE || (op->low >= -0x1p16 && op->high <= 0x1p16);
    bool one_zero = op->inputs[2] == QM_NO_TENSOR || qm_graph_elements(&graph->tensors[op->inputs[2]]) == 1;
    return qm_graph_elements(&graph->tensors[op->inputs[1]]) == 1 && one_zero && is_small;
}

/* ---- all of them ---- */

bool infer_has_elements(const struct qm_graph *graph, const struct qm_graph_op *op) {
    if (op->kind == QM_OP_QUANTIZE || op->kind == QM_OP_DEQUANTIZE) return has_one_scale(graph, op);
    return op->kind == QM_OP_CLIP || has_pair(graph, op);
}

void infer_elements(const struct infer_site *s) {
    switch (s->op->kind) {
    case QM_OP_CLIP: clip(s); return;
    case QM_OP_QUANTIZE: quantize(s); return;
    case QM_OP_DEQUANTIZE: dequantize(s); return;
    default: compute_pairs(s); return;
    }
}
