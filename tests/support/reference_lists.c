/* reference_lists.c - the part of the reference evaluator for repetitions, mirrors, blocks, packs and gathered elements.
 *
 * Each output element is found by its coordinates; elements have any size.
 */
#include "common/status.h"
#include <math.h>

#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

/* From where output element `at` comes: its place in the input, whose dimensions it gets in `from`. False: from nowhere, which is the
 * zero point. */
typedef bool finding(const struct reference_site *r, const int64_t *at, int64_t *from);

static bool repeated(const struct reference_site *r, const int64_t *at, int64_t *from) {
    for (uint32_t d = 0; d < r->in->rank; d++) from[d] = at[d + r->out->rank - r->in->rank] % r->in->dims[d];
    return true;
}

static bool mirrored(const struct reference_site *r, const int64_t *at, int64_t *from) {
    for (uint32_t d = 0; d < r->in->rank; d++) {
        int64_t size = r->in->dims[d], place = at[d] - r->op->pads[d].before, edge = r->op->repeats_edge ? 1 : 0;
        if (place < 0) place = -place - edge;
        if (place >= size) place = 2 * size - 2 - place + edge;
        from[d] = place;
    }
    return true;
}

static bool from_depth(const struct reference_site *r, const int64_t *at, int64_t *from) {
    int64_t block = r->op->block[1];
    from[0] = at[0];
    from[1] = at[1] / block;
    from[2] = at[2] / block;
    from[3] = (at[1] % block * block + at[2] % block) * r->out->dims[3] + at[3];
    return true;
}

static bool from_space(const struct reference_site *r, const int64_t *at, int64_t *from) {
    int64_t block = r->op->block[1], channels = r->in->dims[3];
    from[0] = at[0];
    from[1] = at[1] * block + at[3] / channels / block;
    from[2] = at[2] * block + at[3] / channels % block;
    from[3] = at[3] % channels;
    return true;
}

/* Example b of the output is that of offset b / batch of the blocks, the last dimension's offset changing fastest. */
static bool from_blocks_of_space(const struct reference_site *r, const int64_t *at, int64_t *from) {
    int64_t offset = at[0] / r->in->dims[0];
    bool inside = true;
    from[0] = at[0] % r->in->dims[0];
    for (uint32_t d = r->in->rank; d-- > 1; offset /= r->op->block[d]) {
        from[d] = at[d] * r->op->block[d] + offset % r->op->block[d] - r->op->pads[d].before;
        inside = inside && from[d] >= 0 && from[d] < r->in->dims[d];
    }
    return inside;
}

static bool from_batches(const struct reference_site *r, const int64_t *at, int64_t *from) {
    int64_t offset = 0;
    for (uint32_t d = 1; d < r->in->rank; d++) {
        int64_t place = at[d] + r->op->pads[d].before;
        from[d] = place / r->op->block[d];
        offset = offset * r->op->block[d] + place % r->op->block[d];
    }
    from[0] = offset * r->out->dims[0] + at[0];
    return true;
}

/* ---- indices ---- */

static int64_t index_at(const struct reference_site *r, uint64_t i) {
    const int8_t *bytes = r->bytes[r->op->inputs[1]];
    int64_t wide;
    int32_t word;
    if (r->graph->tensors[r->op->inputs[1]].dtype == QM_I64) return memcpy(&wide, bytes + 8 * i, 8), wide;
    return memcpy(&word, bytes + 4 * i, 4), word;
}

/* The output is [before the axis][indices without the shared dimensions][behind the axis]. */
static bool gathered(const struct reference_site *r, const int64_t *at, int64_t *from) {
    const struct qm_graph_tensor *indices = &r->graph->tensors[r->op->inputs[1]];
    int64_t place[QM_MAX_RANK];
    uint32_t axis = r->op->axis, own = indices->rank - r->op->batch_dims;
    for (uint32_t d = 0; d < axis; d++) from[d] = at[d];
    for (uint32_t d = 0; d < indices->rank; d++) place[d] = d < r->op->batch_dims ? at[d] : at[axis + d - r->op->batch_dims];
    from[axis] = index_at(r, reference_index(indices, place));
    for (uint32_t d = axis + 1; d < r->in->rank; d++) from[d] = at[d - 1 + own];
    return true;
}

/* The output is [lists of indices][dimensions that they do not name]. */
static bool named(const struct reference_site *r, const int64_t *at, int64_t *from) {
    const struct qm_graph_tensor *indices = &r->graph->tensors[r->op->inputs[1]];
    uint32_t lists = indices->rank - 1, depth = indices->dims[lists];
    uint64_t list = 0;
    for (uint32_t d = 0; d < lists; d++) list = list * indices->dims[d] + (uint64_t)at[d];
    for (uint32_t d = 0; d < r->in->rank; d++) from[d] = d < depth ? index_at(r, list * depth + d) : at[lists + d - depth];
    return true;
}

/* ---- all ---- */

static void run(const struct reference_site *r, finding *find) {
    size_t size = qm_dtype_bytes(r->out->dtype);
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK], from[QM_MAX_RANK];
        reference_coordinates(r->out, i, at);
        if (find(r, at, from))
            memcpy(r->to + i * size, r->bytes[r->op->inputs[0]] + reference_index(r->in, from) * size, size);
        else
            r->to[i] = (int8_t)zero_of(r->in);
    }
}

static void run_pack(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK], from[QM_MAX_RANK];
        reference_coordinates(r->out, i, at);
        for (uint32_t d = 0; d < r->in->rank; d++) from[d] = at[d < r->op->axis ? d : d + 1];
        reference_take(r, i, (uint32_t)at[r->op->axis], reference_index(r->in, from));
    }
}

/* What is stored, cut toward zero; floats that the type has not become its nearest end, of integers the low bits remain, of bools whether
 * it is something. */
static void run_cast(const struct reference_site *r) {
    enum qm_dtype to = r->out->dtype;
    double high = to == QM_U8 ? 255 : ldexp(1, 8 * (int)qm_dtype_bytes(to) - 1) - 1, low = to == QM_U8 ? 0 : -high - 1;
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        double value = stored(r->in, r->bytes[r->op->inputs[0]], i);
        if (to == QM_F32) {
            set_real(r, i, (float)value);
            continue;
        }
        if (r->in->dtype == QM_F32 && to != QM_BOOL) value = isnan(value) || value > high ? high : value < low ? low : trunc(value);
        int64_t whole = to == QM_BOOL ? value != 0 : (int64_t)value;
        memcpy(r->to + i * qm_dtype_bytes(to), &whole, qm_dtype_bytes(to));
    }
}

bool reference_run_list(const struct reference_site *r) {
    switch (r->op->kind) {
    case QM_OP_TILE:
    case QM_OP_BROADCAST_TO: run(r, repeated); return true;
    case QM_OP_MIRROR_PAD: run(r, mirrored); return true;
    case QM_OP_DEPTH_TO_SPACE: run(r, from_depth); return true;
    case QM_OP_SPACE_TO_DEPTH: run(r, from_space); return true;
    case QM_OP_SPACE_TO_BATCH_ND: run(r, from_blocks_of_space); return true;
    case QM_OP_BATCH_TO_SPACE_ND: run(r, from_batches); return true;
    case QM_OP_GATHER: run(r, gathered); return true;
    case QM_OP_GATHER_ND: run(r, named); return true;
    case QM_OP_PACK: run_pack(r); return true;
    case QM_OP_CAST: run_cast(r); return true;
    default: return false;
    }
}
