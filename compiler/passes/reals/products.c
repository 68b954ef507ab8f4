/* products.c - windows over maps, which become maps with channels first, and products of matrices. */
#include "compiler/passes/reals/reals.h"

/* ---- windows ---- */

/* Writes a window over the map, with its filter and bias if it has them. */
static void write_window(const struct reals_node *n, const struct qm_graph_op *attributes, uint32_t filter, uint32_t bias) {
    struct qm_graph_op op = *attributes;
    struct qm_shape shape = reals_result(n, 0, REALS_CHANNELS_FIRST);
    const uint32_t inputs[] = {reals_take(n, 0, REALS_CHANNELS_FIRST), filter, bias};
    op.channels_first = true;
    reals_end(n, reals_emit(n, &op, inputs, &shape), REALS_CHANNELS_FIRST);
}

/* A filter whose dimensions have another order in the file. */
static void write_conv(const struct reals_node *n, enum qm_graph_op_kind kind, uint32_t groups, const uint32_t *filter_order) {
    struct qm_graph_op op = *n->op;
    op.kind = kind;
    op.groups = groups;
    uint32_t filter = reals_transpose(n, reals_take(n, 1, REALS_AS_IS), filter_order);
    write_window(n, &op, filter, reals_has_input(n, 2) ? reals_take(n, 2, REALS_AS_IS) : QM_NO_TENSOR);
}

/* The filter is [oc][h][w][ic of a group]. */
void reals_conv(const struct reals_node *n) {
    write_conv(n, QM_OP_CONV_2D, reals_input(n, 0)->dims[3] / reals_input(n, 1)->dims[3], reals_to_first);
}

/* The filter is [1][h][w][oc]. */
void reals_depthwise(const struct reals_node *n) {
    write_conv(n, QM_OP_CONV_2D, reals_input(n, 0)->dims[3], (const uint32_t[]){3, 0, 1, 2});
}

/* The filter is [oc][h][w][ic]. */
void reals_transpose_conv(const struct reals_node *n) {
    write_conv(n, QM_OP_TRANSPOSE_CONV, 1, (const uint32_t[]){3, 0, 1, 2});
}

void reals_pool(const struct reals_node *n) {
    write_window(n, n->op, QM_NO_TENSOR, QM_NO_TENSOR);
}

/* ---- matrices ---- */

/* Rows of features, whatever the shape of the input, times the weights, which are [columns][features] in the file; and the bias. */
void reals_fully_connected(const struct reals_node *n) {
    uint32_t features = reals_input(n, 1)->dims[1], columns = reals_input(n, 1)->dims[0];
    struct qm_shape result = reals_result(n, 0, REALS_AS_IS), rows = {.rank = 2}, product = {.rank = 2};
    rows.dims[0] = product.dims[0] = (uint32_t)(qm_shape_elements(&result) / columns);
    rows.dims[1] = features;
    product.dims[1] = columns;
    uint32_t from = reals_reshape(n, reals_take(n, 0, REALS_AS_IS), &rows);
    uint32_t weights = reals_transpose(n, reals_take(n, 1, REALS_AS_IS), (const uint32_t[]){1, 0});
    uint32_t sums = reals_emit(n, &(struct qm_graph_op){.kind = QM_OP_MATMUL}, REALS_TWO(from, weights), &product);
    if (reals_has_input(n, 2)) sums = reals_emit_plain(n, QM_OP_ADD, REALS_TWO(sums, reals_take(n, 2, REALS_AS_IS)));
    reals_end(n, reals_reshape(n, sums, &result), REALS_AS_IS);
}

/* A tensor with its last two dimensions exchanged. */
static uint32_t exchanged(const struct reals_node *n, uint32_t tensor) {
    struct qm_shape shape = reals_shape(n, tensor);
    uint32_t order[QM_MAX_RANK];
    for (uint32_t d = 0; d < shape.rank; d++) order[d] = d;
    order[shape.rank - 2] = shape.rank - 1;
    order[shape.rank - 1] = shape.rank - 2;
    return reals_transpose(n, tensor, order);
}

void reals_matmul(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    uint32_t a = reals_take(n, 0, REALS_AS_IS), b = reals_take(n, 1, REALS_AS_IS);
    if (n->op->first_transposed) a = exchanged(n, a);
    struct qm_graph_op op = {.kind = QM_OP_MATMUL, .transposed = n->op->transposed};
    reals_end(n, reals_emit(n, &op, REALS_TWO(a, b), &shape), REALS_AS_IS);
}
