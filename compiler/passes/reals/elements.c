/* elements.c - operators on elements, which keep the order of their operands, and on rows and axes. */
#include <math.h>

#include "compiler/passes/reals/reals.h"

/* ---- of one ---- */

static enum reals_order order_of(const struct reals_node *n) {
    return reals_is_first(n, 0) ? REALS_CHANNELS_FIRST : REALS_AS_IS;
}

/* Ends with an operator on each element of the input. */
static void end_with(const struct reals_node *n, const struct qm_graph_op *attributes) {
    enum reals_order order = order_of(n);
    struct qm_shape shape = reals_result(n, 0, order);
    reals_end(n, reals_emit(n, attributes, REALS_ONE(reals_take(n, 0, order)), &shape), order);
}

void reals_function(const struct reals_node *n) {
    end_with(n, n->op);
}

void reals_relu(const struct reals_node *n) {
    struct qm_graph_op clip = {.kind = QM_OP_CLIP, .high = INFINITY};
    if (n->op->kind == QM_OP_RELU6) clip.high = 6;
    if (n->op->kind == QM_OP_RELU_0_TO_1 || n->op->kind == QM_OP_RELU_N1_TO_1) clip.high = 1;
    if (n->op->kind == QM_OP_RELU_N1_TO_1) clip.low = -1;
    end_with(n, &clip);
}

void reals_neg(const struct reals_node *n) {
    enum reals_order order = order_of(n);
    uint32_t from = reals_take(n, 0, order);
    reals_end(n, reals_emit_plain(n, QM_OP_MUL, REALS_TWO(from, reals_number(n, -1))), order);
}

void reals_rsqrt(const struct reals_node *n) {
    enum reals_order order = order_of(n);
    uint32_t root = reals_emit_plain(n, QM_OP_SQRT, REALS_ONE(reals_take(n, 0, order)));
    reals_end(n, reals_emit_plain(n, QM_OP_RECIPROCAL, REALS_ONE(root)), order);
}

/* ---- of two ---- */

void reals_pair(const struct reals_node *n) {
    bool first = reals_output(n, 0)->rank == 4 && (reals_is_first(n, 0) || reals_is_first(n, 1));
    enum reals_order order = first ? REALS_CHANNELS_FIRST : REALS_AS_IS;
    struct qm_shape shape = reals_result(n, 0, order);
    uint32_t a = reals_take(n, 0, order), b = reals_take(n, 1, order);
    reals_end(n, reals_emit(n, &(struct qm_graph_op){.kind = n->op->kind}, REALS_TWO(a, b), &shape), order);
}

/* ---- of rows and axes ---- */

/* Of beta times the numbers. */
void reals_softmax(const struct reals_node *n) {
    struct qm_graph_op op = {.kind = n->op->kind, .axis = reals_output(n, 0)->rank - 1};
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    uint32_t from = reals_take(n, 0, REALS_AS_IS);
    bool scales = n->op->kind == QM_OP_SOFTMAX && n->op->beta != 1;
    if (scales) from = reals_emit_plain(n, QM_OP_MUL, REALS_TWO(from, reals_number(n, (double)n->op->beta)));
    reals_end(n, reals_emit(n, &op, REALS_ONE(from), &shape), REALS_AS_IS);
}

void reals_arg(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    reals_end(n, reals_emit(n, n->op, REALS_ONE(reals_take(n, 0, REALS_AS_IS)), &shape), REALS_AS_IS);
}

/* Over the height and width of a map with channels first: what is left has one order. */
void reals_reduce(const struct reals_node *n) {
    enum { HEIGHT_AND_WIDTH = 1 << 1 | 1 << 2, OF_CHANNELS_FIRST = 1 << 2 | 1 << 3 };
    struct qm_graph_op op = *n->op;
    bool first = reals_is_first(n, 0) && op.axes == HEIGHT_AND_WIDTH;
    enum reals_order order = first && reals_output(n, 0)->rank == 4 ? REALS_CHANNELS_FIRST : REALS_AS_IS;
    struct qm_shape shape = reals_result(n, 0, order);
    if (first) op.axes = OF_CHANNELS_FIRST;
    reals_end(n, reals_emit(n, &op, REALS_ONE(reals_take(n, 0, first ? REALS_CHANNELS_FIRST : REALS_AS_IS)), &shape), order);
}
