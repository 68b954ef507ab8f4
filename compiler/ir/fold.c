/* fold.c - see fold.h. Each element of the output is asked for by its coordinates: what moves says which element of which input it is,
 * what computes says its value. Shapes are small, so nothing here is made fast.
 */
#include "compiler/ir/fold.h"

#include <string.h>

#include "common/status.h"

enum { FOLDED_ELEMENTS_MAX = 1 << 20 };

struct folding {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const struct qm_graph_tensor *out;
};

/* An element of an input. */
struct source {
    const struct qm_graph_tensor *tensor;
    uint64_t element;
};

static const struct qm_graph_tensor *input(const struct folding *f, uint32_t i) {
    return &f->graph->tensors[f->op->inputs[i]];
}

static bool is_integer(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_I32 || tensor->dtype == QM_I64;
}

int64_t qm_graph_integer(const struct qm_graph_tensor *tensor, uint64_t i) {
    QM_CHECK(is_integer(tensor) && tensor->data != NULL && i < qm_graph_elements(tensor));
    const uint8_t *bytes = tensor->data;
    int64_t wide;
    int32_t narrow;
    memcpy(&narrow, bytes + i * qm_dtype_bytes(tensor->dtype), sizeof narrow);
    if (tensor->dtype == QM_I32) return narrow;
    memcpy(&wide, bytes + i * sizeof wide, sizeof wide);
    return wide;
}

/* The number of the element at some coordinates. */
static uint64_t element_at(const struct qm_graph_tensor *tensor, const uint32_t *at) {
    uint64_t element = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) element = element * tensor->dims[d] + at[d];
    return element;
}

/* Steps to the next element over some dimensions (bit d: dimension d). False, and at the first again: there is none. */
static bool advance(const struct qm_graph_tensor *tensor, uint32_t over, uint32_t *at) {
    for (uint32_t d = tensor->rank; d-- > 0;) {
        if ((over >> d & 1) == 0) continue;
        if (++at[d] < tensor->dims[d]) return true;
        at[d] = 0;
    }
    return false;
}

/* ---- what moves ---- */

typedef struct source moving(const struct folding *f, const uint32_t *at);

static struct source move_reshape(const struct folding *f, const uint32_t *at) {
    return (struct source){input(f, 0), element_at(f->out, at)};
}

static struct source move_fill(const struct folding *f, const uint32_t *at) {
    (void)at;
    return (struct source){input(f, 0), 0};
}

/* Dimensions of which one element is taken may be missing in the output: the element is counted over those that are taken. */
static struct source move_slice(const struct folding *f, const uint32_t *at) {
    const struct qm_graph_tensor *in = input(f, 0);
    uint64_t left = element_at(f->out, at);
    uint32_t from[QM_MAX_RANK] = {0};
    for (uint32_t d = in->rank; d-- > 0;) {
        int64_t taken = (int64_t)(left % f->op->slice_dims[d]);
        from[d] = (uint32_t)(f->op->begin[d] + taken * f->op->step[d]);
        left /= f->op->slice_dims[d];
    }
    return (struct source){in, element_at(in, from)};
}

static struct source move_transpose(const struct folding *f, const uint32_t *at) {
    uint32_t from[QM_MAX_RANK] = {0};
    for (uint32_t d = 0; d < f->out->rank; d++) from[f->op->permutation[d]] = at[d];
    return (struct source){input(f, 0), element_at(input(f, 0), from)};
}

/* The dimension of the axis is replaced by those of the indices. */
static struct source move_gather(const struct folding *f, const uint32_t *at) {
    const struct qm_graph_tensor *in = input(f, 0), *indices = input(f, 1);
    uint32_t from[QM_MAX_RANK] = {0}, axis = f->op->axis;
    for (uint32_t d = 0; d < axis; d++) from[d] = at[d];
    for (uint32_t d = axis + 1; d < in->rank; d++) from[d] = at[d + indices->rank - 1];
    from[axis] = (uint32_t)qm_graph_integer(indices, element_at(indices, at + axis));
    return (struct source){in, element_at(in, from)};
}

static struct source move_concatenation(const struct folding *f, const uint32_t *at) {
    uint32_t from[QM_MAX_RANK], i = 0, axis = f->op->axis;
    memcpy(from, at, sizeof from);
    for (; from[axis] >= input(f, i)->dims[axis]; i++) from[axis] -= input(f, i)->dims[axis];
    return (struct source){input(f, i), element_at(input(f, i), from)};
}

static struct source move_pack(const struct folding *f, const uint32_t *at) {
    uint32_t from[QM_MAX_RANK] = {0}, axis = f->op->axis;
    for (uint32_t d = 0; d + 1 < f->out->rank; d++) from[d] = at[d < axis ? d : d + 1];
    return (struct source){input(f, at[axis]), element_at(input(f, at[axis]), from)};
}

/* ---- what computes ---- */

/* False: the value does not fit. */
typedef bool computing(const struct folding *f, const uint32_t *at, int64_t *value);

static bool compute_shape(const struct folding *f, const uint32_t *at, int64_t *value) {
    *value = input(f, 0)->dims[at[0]];
    return true;
}

static bool compute_cast(const struct folding *f, const uint32_t *at, int64_t *value) {
    *value = qm_graph_integer(input(f, 0), element_at(f->out, at));
    return true;
}

/* Over the dimensions in axes, which the output has with one element or not at all. */
static bool compute_product(const struct folding *f, const uint32_t *at, int64_t *value) {
    const struct qm_graph_tensor *in = input(f, 0);
    uint32_t from[QM_MAX_RANK] = {0};
    uint64_t kept = element_at(f->out, at);
    for (uint32_t d = in->rank; d-- > 0;) {
        if ((f->op->axes >> d & 1) != 0) continue;
        from[d] = (uint32_t)(kept % in->dims[d]);
        kept /= in->dims[d];
    }
    *value = 1;
    do {
        if (__builtin_mul_overflow(*value, qm_graph_integer(in, element_at(in, from)), value)) return false;
    } while (advance(in, f->op->axes, from));
    return true;
}

/* Operand i at the coordinates of the output: dimensions are counted from the last, and one element stands for all. */
static int64_t broadcast(const struct folding *f, uint32_t i, const uint32_t *at) {
    const struct qm_graph_tensor *in = input(f, i);
    uint32_t from[QM_MAX_RANK] = {0}, missing = f->out->rank - in->rank;
    for (uint32_t d = 0; d < in->rank; d++) from[d] = in->dims[d] == 1 ? 0 : at[d + missing];
    return qm_graph_integer(in, element_at(in, from));
}

static bool compute_binary(const struct folding *f, const uint32_t *at, int64_t *value) {
    int64_t a = broadcast(f, 0, at), b = broadcast(f, 1, at);
    if (f->op->kind == QM_OP_ADD) return !__builtin_add_overflow(a, b, value);
    if (f->op->kind == QM_OP_SUB) return !__builtin_sub_overflow(a, b, value);
    return !__builtin_mul_overflow(a, b, value);
}

/* ---- the operators ---- */

static const struct {
    moving *move;
    computing *compute;
} folds[QM_GRAPH_OP_KINDS] = {
    [QM_OP_RESHAPE] = {.move = move_reshape},     [QM_OP_FILL] = {.move = move_fill},
    [QM_OP_STRIDED_SLICE] = {.move = move_slice}, [QM_OP_TRANSPOSE] = {.move = move_transpose},
    [QM_OP_GATHER] = {.move = move_gather},       [QM_OP_CONCATENATION] = {.move = move_concatenation},
    [QM_OP_PACK] = {.move = move_pack},           [QM_OP_SHAPE] = {.compute = compute_shape},
    [QM_OP_CAST] = {.compute = compute_cast},     [QM_OP_REDUCE_PROD] = {.compute = compute_product},
    [QM_OP_ADD] = {.compute = compute_binary},    [QM_OP_SUB] = {.compute = compute_binary},
    [QM_OP_MUL] = {.compute = compute_binary},
};

/* What is moved means the same in the output: one type, and the same scale or none. */
static bool same_numbers(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b) {
    if (a->dtype != b->dtype || a->quant.count != b->quant.count || a->quant.count > 1) return false;
    return a->quant.count == 0 || (a->quant.scale[0] == b->quant.scale[0] && a->quant.zero_point[0] == b->quant.zero_point[0]);
}

/* What is computed are whole numbers without scales. */
static bool is_plain(const struct qm_graph_tensor *tensor) {
    return is_integer(tensor) && tensor->quant.count == 0;
}

static bool are_constants(const struct folding *f) {
    enum qm_graph_op_kind kind = f->op->kind;
    bool fits = f->op->activation == QM_ACT_NONE && qm_graph_elements(f->out) <= FOLDED_ELEMENTS_MAX;
    if (kind == QM_OP_SHAPE) return fits && is_plain(f->out);
    if (kind != QM_OP_FILL) fits = fits && is_integer(f->out);
    if (folds[kind].compute != NULL) fits = fits && is_plain(f->out);
    for (uint32_t i = 0; i < f->op->input_count && fits; i++) {
        const struct qm_graph_tensor *in = input(f, i);
        bool computes = folds[kind].compute != NULL || (kind == QM_OP_GATHER && i == 1);
        fits = in->data != NULL && qm_graph_elements(in) <= FOLDED_ELEMENTS_MAX;
        fits = fits && (computes ? is_plain(in) : same_numbers(in, f->out));
    }
    return fits;
}

static bool put_integer(const struct qm_graph_tensor *tensor, uint8_t *to, int64_t value) {
    int32_t narrow = (int32_t)value;
    if (tensor->dtype == QM_I64)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &narrow, sizeof narrow);
    return tensor->dtype == QM_I64 || narrow == value;
}

static bool evaluate(const struct folding *f, uint8_t *to) {
    uint32_t at[QM_MAX_RANK] = {0};
    size_t bytes = qm_dtype_bytes(f->out->dtype);
    moving *move = folds[f->op->kind].move;
    do {
        int64_t value;
        if (move != NULL) {
            struct source from = move(f, at);
            memcpy(to, (const uint8_t *)from.tensor->data + from.element * bytes, bytes);
        } else if (!folds[f->op->kind].compute(f, at, &value) || !put_integer(f->out, to, value)) {
            return false;
        }
        to += bytes;
    } while (advance(f->out, UINT32_MAX, at));
    return true;
}

bool qm_graph_fold(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena) {
    struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    const struct folding f = {graph, op, out};
    if ((folds[op->kind].move == NULL && folds[op->kind].compute == NULL) || !are_constants(&f)) return false;
    size_t size = (size_t)qm_graph_elements(out) * qm_dtype_bytes(out->dtype);
    uint8_t *data = qm_arena_alloc(arena, size);
    if (!evaluate(&f, data)) return false;
    out->data = data;
    out->size_bytes = size;
    return true;
}
