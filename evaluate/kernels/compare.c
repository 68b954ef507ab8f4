/* compare.c - comparisons of two operands, what bools say together, and what a bool selects. Shapes are broadcast.
 *
 *   bytes     (x - zero point) * 2^8 * scale of each operand, rounded twice, as integers: numbers less than 2^-8 apart may be equal
 *   others    as they are
 *   SELECT    of the bytes that are stored, whatever they mean
 */
#include "evaluate/kernels/kernel.h"

enum { LEFT_BITS = 8 };

/* How a number stands to another; a comparison asks for one of some. */
enum order { LESS = 1, SAME = 2, GREATER = 4, UNORDERED = 8 };

static unsigned orders_of(enum qm_graph_op_kind kind) {
    switch (kind) {
    case QM_OP_EQUAL: return SAME;
    case QM_OP_NOT_EQUAL: return LESS | GREATER | UNORDERED;
    case QM_OP_GREATER: return GREATER;
    case QM_OP_GREATER_EQUAL: return GREATER | SAME;
    case QM_OP_LESS: return LESS;
    default: return LESS | SAME;
    }
}

/* ---- comparisons ---- */

const char *kernel_check_compare(const struct kernel *k) {
    const struct qm_graph_tensor *a = kernel_input(k, 0), *b = kernel_input(k, 1), *out = kernel_output(k);
    if (out->dtype != QM_BOOL) return "its output is not bool";
    if (a->dtype != b->dtype) return "its operands have different types";
    if (!kernel_broadcasts(a, out) || !kernel_broadcasts(b, out)) return "the output's shape is not that of the operands";
    bool compared = !kernel_is_byte(a) || (kernel_scale(a) < 1 && kernel_scale(b) < 1);
    return compared ? NULL : "a scale is 1 or more, for which TFLite's kernels have no comparison";
}

/* What is compared of an operand of bytes. */
struct side {
    int32_t zero;
    struct qm_multiplier scale;
};

static struct side side_of(const struct qm_graph_tensor *tensor) {
    if (!kernel_is_byte(tensor)) return (struct side){0};
    return (struct side){kernel_zero(tensor), qm_multiplier_from_real((double)kernel_scale(tensor))};
}

static int64_t scaled(const struct side *side, int64_t x) {
    return qm_multiplied(((int32_t)x - side->zero) * (1 << LEFT_BITS), side->scale);
}

static enum order order_of_floats(float a, float b) {
    return a < b ? LESS : a > b ? GREATER : a == b ? SAME : UNORDERED;
}

static enum order order_of_integers(int64_t a, int64_t b) {
    return a < b ? LESS : a > b ? GREATER : SAME;
}

bool kernel_run_compare(const struct kernel *k) {
    const struct side a = side_of(kernel_input(k, 0)), b = side_of(kernel_input(k, 1));
    enum qm_dtype dtype = kernel_input(k, 0)->dtype;
    bool are_bytes = kernel_is_byte(kernel_input(k, 0));
    unsigned wanted = orders_of(k->op->kind);
    for (struct kernel_walk walk = kernel_walk_begin(k); walk.to < walk.end; kernel_walk_next(&walk)) {
        enum order order;
        if (dtype == QM_F32) {
            order = order_of_floats(kernel_float(k->inputs[0], walk.from[0]), kernel_float(k->inputs[1], walk.from[1]));
        } else {
            int64_t x = kernel_integer(dtype, k->inputs[0], walk.from[0]), y = kernel_integer(dtype, k->inputs[1], walk.from[1]);
            order = are_bytes ? order_of_integers(scaled(&a, x), scaled(&b, y)) : order_of_integers(x, y);
        }
        kernel_set_byte(k->outputs[0], walk.to, (wanted & order) != 0);
    }
    return true;
}

/* ---- bools ---- */

const char *kernel_check_logic(const struct kernel *k) {
    for (uint32_t i = 0; i < k->op->input_count; i++) {
        if (kernel_input(k, i)->dtype != QM_BOOL) return "an operand is not bool";
        if (!kernel_broadcasts(kernel_input(k, i), kernel_output(k))) return "the output's shape is not that of the operands";
    }
    return NULL;
}

bool kernel_run_logic(const struct kernel *k) {
    enum qm_graph_op_kind kind = k->op->kind;
    for (struct kernel_walk walk = kernel_walk_begin(k); walk.to < walk.end; kernel_walk_next(&walk)) {
        bool a = kernel_integer(QM_BOOL, k->inputs[0], walk.from[0]) != 0;
        bool b = kind != QM_OP_LOGICAL_NOT && kernel_integer(QM_BOOL, k->inputs[1], walk.from[1]) != 0;
        kernel_set_byte(k->outputs[0], walk.to, kind == QM_OP_LOGICAL_AND ? a && b : kind == QM_OP_LOGICAL_OR ? a || b : !a);
    }
    return true;
}

/* ---- SELECT ---- */

const char *kernel_check_select(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    if (kernel_input(k, 0)->dtype != QM_BOOL) return "its first operand is not bool";
    for (uint32_t i = 0; i < k->op->input_count; i++) {
        if (i > 0 && kernel_input(k, i)->dtype != out->dtype) return "its operands have different types";
        if (!kernel_broadcasts(kernel_input(k, i), out)) return "the output's shape is not that of the operands";
    }
    return NULL;
}

bool kernel_run_select(const struct kernel *k) {
    size_t bytes = qm_dtype_bytes(kernel_output(k)->dtype);
    for (struct kernel_walk walk = kernel_walk_begin(k); walk.to < walk.end; kernel_walk_next(&walk)) {
        uint32_t from = kernel_integer(QM_BOOL, k->inputs[0], walk.from[0]) != 0 ? 1 : 2;
        memcpy((uint8_t *)k->outputs[0] + walk.to * bytes, (const uint8_t *)k->inputs[from] + walk.from[from] * bytes, bytes);
    }
    return true;
}
