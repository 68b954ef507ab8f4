/* arithmetic.c - operators on elements of one or two tensors, products of two matrices, and along one axis. */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

/* ---- of one tensor ---- */

void tflite_read_unary(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    tflite_open_shape(o, 0, in->rank, in->dims);
    if (in->rank != out->rank || memcmp(in->dims, out->dims, in->rank * sizeof *in->dims) != 0)
        tflite_refuse(o, "the output's shape is not that of the input");
}

void tflite_read_elu(const struct tflite_operator *o) {
    o->op->alpha = 1;
    tflite_read_unary(o);
}

/* The operand that says the axis becomes an attribute; the axis is gone from the output. */
void tflite_read_arg(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK], rank = 0;
    int32_t axis;
    if (!tflite_read_integers(o, 1, 1, &axis) || !tflite_resolve_axis(o, axis, in->rank, &o->op->axis)) return;
    for (uint32_t d = 0; d < in->rank; d++)
        if (d != o->op->axis) dims[rank++] = in->dims[d];
    tflite_check_shape(o, 0, rank, dims);
    tflite_keep_inputs(o, 1);
}

void tflite_read_l2(const struct tflite_operator *o) {
    tflite_read_activation(o, L2_ACTIVATION);
    tflite_read_unary(o);
}

/* ---- of two ---- */

/* Dimension d of an output of so many, counted from the last, as a tensor has it: 1 where it has none. */
static uint32_t dim_of(const struct qm_graph_tensor *tensor, uint32_t rank, uint32_t d) {
    uint32_t missing = rank - tensor->rank;
    return d < missing ? 1 : tensor->dims[d - missing];
}

/* The most dimensions that an operand has, and of each, counted from the last, the largest extent. */
static struct qm_shape broadcast_shape(const struct tflite_operator *o) {
    struct qm_shape shape = {0};
    for (uint32_t i = 0; i < o->op->input_count; i++)
        if (tflite_input(o, i)->rank > shape.rank) shape.rank = tflite_input(o, i)->rank;
    for (uint32_t i = 0; i < o->op->input_count; i++)
        for (uint32_t d = 0; d < shape.rank; d++) {
            uint32_t extent = dim_of(tflite_input(o, i), shape.rank, d);
            if (extent > shape.dims[d]) shape.dims[d] = extent;
        }
    return shape;
}

/* Each dimension of the output is that of the operands, of which some or all may have one element. */
static void check_broadcast(const struct tflite_operator *o) {
    struct qm_shape shape = broadcast_shape(o);
    tflite_open_shape(o, 0, shape.rank, shape.dims);
    const struct qm_graph_tensor *out = tflite_output(o, 0);
    bool fits = shape.rank <= out->rank;
    for (uint32_t d = 0; d < out->rank && fits; d++) {
        uint32_t largest = 1;
        for (uint32_t i = 0; i < o->op->input_count; i++) {
            uint32_t extent = dim_of(tflite_input(o, i), out->rank, d);
            fits = fits && (extent == 1 || extent == out->dims[d]);
            if (extent > largest) largest = extent;
        }
        fits = fits && largest == out->dims[d];
    }
    if (!fits) tflite_refuse(o, "the output's shape is not that of the operands");
}

void tflite_read_add(const struct tflite_operator *o) {
    tflite_read_activation(o, ADD_ACTIVATION);
    check_broadcast(o);
}

/* All operands have the output's shape. */
void tflite_read_add_n(const struct tflite_operator *o) {
    const struct qm_graph_tensor *first = tflite_input(o, 0);
    struct qm_shape shape = qm_graph_shape(first);
    for (uint32_t i = 1; i < o->op->input_count; i++) {
        struct qm_shape other = qm_graph_shape(tflite_input(o, i));
        if (!qm_shape_same(&shape, &other)) tflite_refuse_shape(o);
    }
    tflite_read_unary(o);
}

void tflite_read_mul(const struct tflite_operator *o) {
    tflite_read_activation(o, MUL_ACTIVATION);
    check_broadcast(o);
}

void tflite_read_sub(const struct tflite_operator *o) {
    tflite_read_activation(o, SUB_ACTIVATION);
    check_broadcast(o);
}

void tflite_read_div(const struct tflite_operator *o) {
    tflite_read_activation(o, DIV_ACTIVATION);
    check_broadcast(o);
}

void tflite_read_pair(const struct tflite_operator *o) {
    check_broadcast(o);
}

/* The condition may also be one for each element of the first dimension, which SELECT_V2 has not. */
void tflite_read_select(const struct tflite_operator *o) {
    uint32_t rank = tflite_input(o, 0)->rank;
    if (rank == 1 && tflite_input(o, 1)->rank > 1)
        tflite_refuse(
            o, "the condition selects along the first dimension, which is not supported; SELECT_V2 with a condition of all dimensions is");
    check_broadcast(o);
}

/* The slopes are broadcast to the input, not the input to them. */
void tflite_read_prelu(const struct tflite_operator *o) {
    check_broadcast(o);
    if (qm_graph_elements(tflite_input(o, 0)) != qm_graph_elements(tflite_output(o, 0))) tflite_refuse_shape(o);
}

/* ---- products of stacks of matrices ---- */

/* The stacks' dimensions are broadcast; those of the matrices are [rows][depth] and [depth][columns], or turned around. */
void tflite_read_matmul(const struct tflite_operator *o) {
    const struct qm_graph_tensor *a = tflite_input(o, 0), *b = tflite_input(o, 1);
    const struct qm_graph_tensor *longer = a->rank > b->rank ? a : b;
    uint32_t dims[QM_MAX_RANK], rank = longer->rank;
    o->op->first_transposed = fb_u8(&o->r->fb, &o->options, MATMUL_FIRST_TRANSPOSED, 0) != 0;
    o->op->transposed = fb_u8(&o->r->fb, &o->options, MATMUL_TRANSPOSED, 0) != 0;
    if (a->rank < 2 || b->rank < 2) {
        tflite_refuse(o, "an operand is no matrix");
        return;
    }
    const uint32_t *rows = &a->dims[a->rank - 2], *columns = &b->dims[b->rank - 2];
    bool fits = rows[!o->op->first_transposed] == columns[o->op->transposed];
    for (uint32_t d = 0; d + 2 < rank; d++) {
        uint32_t left = dim_of(a, rank, d), right = dim_of(b, rank, d);
        fits = fits && (left == right || left == 1 || right == 1);
        dims[d] = left > right ? left : right;
    }
    dims[rank - 2] = rows[o->op->first_transposed];
    dims[rank - 1] = columns[!o->op->transposed];
    if (!fits) tflite_refuse(o, "the operands are not matrices that can be multiplied");
    tflite_check_shape(o, 0, rank, dims);
}
