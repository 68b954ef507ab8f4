/* check_moves.c - whether operators that put elements elsewhere take them from inside their inputs, and make the shape that they say.
 * Places that a GATHER reads are numbers, which are looked at when they are known.
 */
#include "evaluate/check.h"

const char *evaluate_check_reshape(const struct evaluate_site *s) {
    return qm_graph_elements(s->in) == qm_graph_elements(s->out) ? NULL : evaluate_other_result;
}

const char *evaluate_check_transpose(const struct evaluate_site *s) {
    struct qm_shape shape = {.rank = s->in->rank};
    uint32_t seen = 0;
    for (uint32_t d = 0; d < shape.rank; d++) {
        uint32_t from = s->op->permutation[d];
        if (from >= shape.rank || (seen >> from & 1) != 0) return "has a permutation that is none";
        seen |= 1U << from;
        shape.dims[d] = s->in->dims[from];
    }
    return evaluate_is_result(s, &shape);
}

/* Every axis from its first to its last element taken; the output may lack dimensions of one element. */
const char *evaluate_check_slice(const struct evaluate_site *s) {
    uint64_t elements = 1;
    for (uint32_t d = 0; d < s->in->rank; d++) {
        uint32_t count = s->op->slice_dims[d];
        if (count == 0 || count > s->in->dims[d]) return "takes more of an axis than there is";
        int64_t first = s->op->begin[d], last = first + (count - INT64_C(1)) * s->op->step[d];
        if (first < 0 || first >= s->in->dims[d] || last < 0 || last >= s->in->dims[d]) return "takes elements outside of its input";
        elements *= count;
    }
    return elements == qm_graph_elements(s->out) ? NULL : evaluate_other_result;
}

const char *evaluate_check_pad(const struct evaluate_site *s) {
    if (s->out->rank != s->in->rank) return evaluate_other_result;
    for (uint32_t d = 0; d < s->in->rank; d++)
        if ((uint64_t)s->in->dims[d] + s->op->pads[d].before + s->op->pads[d].after != s->out->dims[d]) return evaluate_other_result;
    return NULL;
}

const char *evaluate_check_resize(const struct evaluate_site *s) {
    if (s->out->rank != s->in->rank) return evaluate_other_result;
    for (uint32_t d = 0; d < s->in->rank; d++)
        if (s->out->dims[d] % s->in->dims[d] != 0) return "repeats elements other than a whole number of times";
    return NULL;
}

/* Input i has the shape of the first but for the axis, of which it has `extent`. */
static const char *check_part(const struct evaluate_site *s, uint32_t i, uint64_t *extent) {
    const struct qm_graph_tensor *part = &s->graph->tensors[s->op->inputs[i]];
    if (part->rank != s->in->rank) return evaluate_other_shapes;
    for (uint32_t d = 0; d < part->rank; d++)
        if (part->dims[d] != s->in->dims[d] && d != s->op->axis) return evaluate_other_shapes;
    *extent += part->dims[s->op->axis];
    return NULL;
}

const char *evaluate_check_concatenation(const struct evaluate_site *s) {
    struct qm_shape shape = qm_graph_shape(s->in);
    uint64_t extent = 0;
    if (s->op->axis >= shape.rank) return evaluate_no_axis;
    for (uint32_t i = 0; i < s->op->input_count; i++) {
        const char *problem = check_part(s, i, &extent);
        if (problem != NULL) return problem;
    }
    if (extent != s->out->dims[s->op->axis]) return evaluate_other_result;
    shape.dims[s->op->axis] = (uint32_t)extent;
    return evaluate_is_result(s, &shape);
}

const char *evaluate_check_pack(const struct evaluate_site *s) {
    struct qm_shape first = qm_graph_shape(s->in), shape = {.rank = first.rank + 1};
    uint32_t axis = s->op->axis;
    if (axis > first.rank || first.rank == QM_MAX_RANK) return evaluate_no_axis;
    for (uint32_t i = 0; i < s->op->input_count; i++) {
        struct qm_shape part = qm_graph_shape(&s->graph->tensors[s->op->inputs[i]]);
        if (!qm_shape_same(&part, &first)) return evaluate_other_shapes;
    }
    for (uint32_t d = 0; d < shape.rank; d++) shape.dims[d] = d == axis ? s->op->input_count : first.dims[d - (d > axis)];
    return evaluate_is_result(s, &shape);
}

/* The dimension of the axis is replaced by those of the indices. */
const char *evaluate_check_gather(const struct evaluate_site *s) {
    struct qm_shape shape = {.rank = 0};
    uint32_t axis = s->op->axis;
    if (axis >= s->in->rank) return evaluate_no_axis;
    if (s->in->rank - 1 + s->second->rank > QM_MAX_RANK) return evaluate_other_result;
    for (uint32_t d = 0; d < axis; d++) shape.dims[shape.rank++] = s->in->dims[d];
    for (uint32_t d = 0; d < s->second->rank; d++) shape.dims[shape.rank++] = s->second->dims[d];
    for (uint32_t d = axis + 1; d < s->in->rank; d++) shape.dims[shape.rank++] = s->in->dims[d];
    return evaluate_is_result(s, &shape);
}

const char *evaluate_check_fill(const struct evaluate_site *s) {
    return qm_graph_elements(s->in) == 1 ? NULL : "fills with more than one number";
}
