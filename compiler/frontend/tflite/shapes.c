/* shapes.c - RESHAPE and its kin, and the operators with which converters compute shapes: SHAPE, PACK, GATHER, CAST, FILL.
 *
 * Where their operands are constants, which a shape is, evaluate folds them. PACK and GATHER are operators of the machine, too.
 */
#include <string.h>

#include "evaluate/evaluate.h"
#include "compiler/frontend/tflite/tflite.h"

/* ---- reshape ---- */

static void check_elements(const struct tflite_operator *o) {
    if (qm_graph_elements(tflite_input(o, 0)) != qm_graph_elements(tflite_output(o, 0)))
        tflite_refuse(o, "the output has another number of elements than the input");
}

/* Resolves a dimension of -1 to whatever is left of the elements. */
static void open_reshape(const struct tflite_operator *o, uint32_t rank, const int32_t *shape) {
    uint64_t left = qm_graph_elements(tflite_input(o, 0));
    uint32_t dims[QM_MAX_RANK];
    for (uint32_t d = 0; d < rank; d++)
        if (shape[d] > 0) left /= (uint32_t)shape[d];
    for (uint32_t d = 0; d < rank; d++) dims[d] = shape[d] > 0 ? (uint32_t)shape[d] : (uint32_t)left;
    tflite_open_shape(o, 0, rank, dims);
}

/* The new shape is that of the output; a shape operand must say the same (-1: whatever is left). */
void tflite_read_reshape(const struct tflite_operator *o) {
    const struct qm_graph_tensor *out = tflite_output(o, 0);
    int32_t shape[QM_MAX_RANK];
    if (o->op->inputs[1] != QM_NO_TENSOR) {
        uint64_t rank = qm_graph_elements(tflite_input(o, 1));
        if (tflite_input(o, 1)->data == NULL) {
            tflite_refuse(o, "the shape is computed by the network, which is not supported");
            return;
        }
        bool fits = rank == out->rank;
        if (fits && !tflite_read_integers(o, 1, out->rank, shape)) return;
        if (fits) open_reshape(o, out->rank, shape);
        for (uint32_t i = 0; fits && i < out->rank; i++) fits = shape[i] == -1 || shape[i] == (int32_t)out->dims[i];
        if (!fits) tflite_refuse(o, "the output does not have the shape that is asked for");
    } else {
        struct fb_vector option = fb_vector(&o->r->fb, &o->options, RESHAPE_SHAPE, 4);
        for (uint32_t i = 0; i < out->rank && option.count == out->rank; i++) shape[i] = fb_i32_at(&o->r->fb, option, i);
        if (option.count == out->rank) open_reshape(o, out->rank, shape);
    }
    check_elements(o);
    tflite_keep_inputs(o, 1);
}

/* A dimension of one element more, before `axis` of the output; the same bytes. */
void tflite_read_expand_dims(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t at;
    uint32_t dims[QM_MAX_RANK], axis;
    if (in->rank == QM_MAX_RANK) tflite_refuse_shape(o);
    if (!tflite_read_integers(o, 1, 1, &at) || !tflite_resolve_axis(o, at, in->rank + 1, &axis) || in->rank == QM_MAX_RANK) return;
    for (uint32_t d = 0; d <= in->rank; d++) dims[d] = d == axis ? 1 : in->dims[d < axis ? d : d - 1];
    tflite_check_shape(o, 0, in->rank + 1, dims);
    tflite_keep_inputs(o, 1);
}

/* Without the dimensions that the options name, or without all that have one element; the same bytes. */
void tflite_read_squeeze(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    struct fb_vector named = fb_vector(&o->r->fb, &o->options, SQUEEZE_DIMS, 4);
    uint32_t squeezed = 0, dims[QM_MAX_RANK], rank = 0, axis;
    for (uint32_t i = 0; i < named.count; i++) {
        if (!tflite_resolve_axis(o, fb_i32_at(&o->r->fb, named, i), in->rank, &axis)) return;
        squeezed |= 1U << axis;
    }
    for (uint32_t d = 0; d < in->rank; d++) {
        bool goes = named.count > 0 ? (squeezed >> d & 1) != 0 : in->dims[d] == 1;
        if (!goes) dims[rank++] = in->dims[d];
    }
    tflite_check_shape(o, 0, rank, dims);
    check_elements(o);
}

/* ---- shapes as numbers ---- */

void tflite_read_shape(const struct tflite_operator *o) {
    tflite_check_shape(o, 0, 1, &tflite_input(o, 0)->rank);
}

/* Operands of one shape, side by side along a new dimension. */
void tflite_read_pack(const struct tflite_operator *o) {
    const struct qm_graph_tensor *first = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK], axis;
    if (first->rank == QM_MAX_RANK) tflite_refuse_shape(o);
    if (!tflite_resolve_axis(o, fb_i32(&o->r->fb, &o->options, PACK_AXIS, 0), first->rank + 1, &axis)) return;
    for (uint32_t i = 0; i < o->op->input_count; i++) {
        bool fits = o->op->inputs[i] != QM_NO_TENSOR && tflite_input(o, i)->rank == first->rank &&
                    memcmp(tflite_input(o, i)->dims, first->dims, first->rank * sizeof *first->dims) == 0;
        if (!fits) tflite_refuse(o, "operand %u is absent or has another shape than the first", i);
    }
    if (o->r->fb.status != QM_OK) return;
    o->op->axis = axis;
    for (uint32_t d = 0; d <= first->rank; d++) dims[d] = d == axis ? o->op->input_count : first->dims[d < axis ? d : d - 1];
    tflite_check_shape(o, 0, first->rank + 1, dims);
}

/* The indices are integers; constant ones must name elements of an extent. */
static bool check_indices(const struct tflite_operator *o, uint32_t count) {
    const struct qm_graph_tensor *indices = tflite_input(o, 1);
    if (indices->dtype != QM_I32 && indices->dtype != QM_I64) {
        tflite_refuse(o, "the indices are no integers");
        return false;
    }
    for (uint64_t i = 0; indices->data != NULL && i < qm_graph_elements(indices); i++) {
        int64_t index = evaluate_integer(indices, i);
        if (index < 0 || index >= count) tflite_refuse(o, "index %lld of %u elements", (long long)index, count);
    }
    return o->r->fb.status == QM_OK;
}

/* The first dimensions, which the input and the indices may share. False: refused. */
static bool read_batch_dims(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *indices = tflite_input(o, 1);
    int32_t count = fb_i32(&o->r->fb, &o->options, GATHER_BATCH_DIMS, 0);
    if (count < 0) count += (int32_t)indices->rank;
    bool fits = count >= 0 && count <= (int32_t)indices->rank && count <= (int32_t)o->op->axis;
    for (int32_t d = 0; d < count && fits; d++) fits = in->dims[d] == indices->dims[d];
    if (!fits) tflite_refuse(o, "the first dimensions of the indices are not those of the input");
    o->op->batch_dims = fits ? (uint32_t)count : 0;
    return fits;
}

/* The dimension of the axis becomes those of the indices. */
void tflite_read_gather(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *indices = tflite_input(o, 1);
    uint32_t dims[2 * QM_MAX_RANK], rank = 0;
    if (!tflite_resolve_axis(o, fb_i32(&o->r->fb, &o->options, GATHER_AXIS, 0), in->rank, &o->op->axis)) return;
    if (!check_indices(o, in->dims[o->op->axis]) || !read_batch_dims(o)) return;
    for (uint32_t d = 0; d < o->op->axis; d++) dims[rank++] = in->dims[d];
    for (uint32_t d = o->op->batch_dims; d < indices->rank; d++) dims[rank++] = indices->dims[d];
    for (uint32_t d = o->op->axis + 1; d < in->rank; d++) dims[rank++] = in->dims[d];
    if (rank > QM_MAX_RANK)
        tflite_refuse(o, "%u dimensions; at most %d can be read", rank, QM_MAX_RANK);
    else
        tflite_check_shape(o, 0, rank, dims);
}

/* Constant lists of indices must name elements of the first dimensions. */
static void check_lists(const struct tflite_operator *o, uint32_t depth) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *indices = tflite_input(o, 1);
    for (uint64_t i = 0; indices->data != NULL && i < qm_graph_elements(indices); i++) {
        int64_t index = evaluate_integer(indices, i);
        uint32_t extent = in->dims[i % depth];
        if (index < 0 || index >= extent) tflite_refuse(o, "index %lld of %u elements", (long long)index, extent);
    }
}

/* The last dimension of the indices says one for each of the first dimensions of the input. */
void tflite_read_gather_nd(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *indices = tflite_input(o, 1);
    uint32_t dims[2 * QM_MAX_RANK], rank = 0, depth = indices->rank > 0 ? indices->dims[indices->rank - 1] : 0;
    if (depth == 0 || depth > in->rank || (indices->dtype != QM_I32 && indices->dtype != QM_I64)) {
        tflite_refuse(o, "the indices do not name elements of the input");
        return;
    }
    for (uint32_t d = 0; d + 1 < indices->rank; d++) dims[rank++] = indices->dims[d];
    for (uint32_t d = depth; d < in->rank; d++) dims[rank++] = in->dims[d];
    check_lists(o, depth);
    if (rank > QM_MAX_RANK)
        tflite_refuse(o, "%u dimensions; at most %d can be read", rank, QM_MAX_RANK);
    else
        tflite_check_shape(o, 0, rank, dims);
}

/* The shape that both shapes can be broadcast to, of constants; there is no such operator in the graph. */
void tflite_read_broadcast_args(const struct tflite_operator *o) {
    const struct qm_graph_tensor *a = tflite_input(o, 0), *b = tflite_input(o, 1), *out = tflite_output(o, 0);
    uint32_t left = (uint32_t)qm_graph_elements(a), right = (uint32_t)qm_graph_elements(b), count = left > right ? left : right;
    int32_t shapes[2][QM_MAX_RANK];
    if (count > QM_MAX_RANK || out->dtype != a->dtype || out->dtype != b->dtype) {
        tflite_refuse(o, "the operands are no shapes of one type");
        return;
    }
    if (!tflite_read_integers(o, 0, left, shapes[0]) || !tflite_read_integers(o, 1, right, shapes[1])) return;
    tflite_check_shape(o, 0, 1, &count);
    double numbers[QM_MAX_RANK];
    for (uint32_t d = 0; d < count; d++) {
        int32_t x = d < count - left ? 1 : shapes[0][d - (count - left)], y = d < count - right ? 1 : shapes[1][d - (count - right)];
        if (x != y && x != 1 && y != 1) tflite_refuse(o, "%d and %d elements do not fit together", x, y);
        numbers[d] = x == 1 ? y : x;
    }
    size_t bytes = count * qm_dtype_bytes(out->dtype);
    uint8_t *data = qm_arena_alloc(o->r->arena, bytes + 1);
    if (o->r->fb.status != QM_OK || !evaluate_store(out->dtype, numbers, count, data)) return;
    o->r->graph->tensors[o->op->outputs[0]].data = data;
    o->r->graph->tensors[o->op->outputs[0]].size_bytes = bytes;
}

void tflite_read_cast(const struct tflite_operator *o) {
    tflite_check_shape(o, 0, tflite_input(o, 0)->rank, tflite_input(o, 0)->dims);
}

/* The file's operands are the shape and what it is filled with. */
void tflite_read_fill(const struct tflite_operator *o) {
    int32_t shape[QM_MAX_RANK];
    uint32_t dims[QM_MAX_RANK], rank = tflite_output(o, 0)->rank;
    if (qm_graph_elements(tflite_input(o, 1)) != 1) tflite_refuse(o, "it is filled with more than one element");
    if (!tflite_read_integers(o, 0, rank, shape)) return;
    for (uint32_t d = 0; d < rank; d++) dims[d] = shape[d] > 0 ? (uint32_t)shape[d] : 0;
    tflite_check_shape(o, 0, rank, dims);
    o->op->inputs[0] = o->op->inputs[1];
    tflite_keep_inputs(o, 1);
}
