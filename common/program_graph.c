/* program_graph.c - the graphs of the host in a program file: tensors without names, operators with all their attributes.
 *
 *   op_count (0: no graph) | is_real | kernels | tensor_count | input_count | output_count
 *   tensor_count x  dtype | bits | rank | dims [6] | scale_count | axis | scale_count x (scale | zero (64)) | bytes (0: computed) | data
 *   op_count x      kind | index | input_count | inputs | output_count | outputs | the attributes, in the order below
 *   input_count x   tensor
 *   output_count x  tensor
 */
#include <math.h>

#include "common/program_stream.h"

enum { WORD = 4, TENSOR_BYTES = 12 * WORD, OP_BYTES = (5 + 7 * QM_MAX_RANK) * WORD }; /* at least */

/* ---- tensors ---- */

static bool shape_is_right(const struct qm_graph_tensor *tensor) {
    uint64_t elements = 1;
    if (tensor->rank > QM_MAX_RANK) return false;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        elements *= tensor->dims[d];
        if (elements == 0 || elements > INT32_MAX) return false;
    }
    const struct qm_quant *quant = &tensor->quant;
    return quant->count <= 1 || (quant->axis < tensor->rank && quant->count == tensor->dims[quant->axis]);
}

static void walk_quant(struct stream *s, struct qm_arena *arena, struct qm_quant *quant) {
    walk_count(s, &quant->count, 3 * WORD);
    walk_u32(s, &quant->axis);
    float *scales = QM_ARENA_NEW(arena, float, quant->count);
    int64_t *zeros = QM_ARENA_NEW(arena, int64_t, quant->count);
    for (uint32_t i = 0; i < quant->count && s->status == QM_OK; i++) {
        if (s->writing) scales[i] = quant->scale[i];
        uint64_t zero = s->writing ? (uint64_t)quant->zero_point[i] : 0;
        walk_float(s, &scales[i]);
        walk_u64(s, &zero);
        zeros[i] = (int64_t)zero;
    }
    quant->scale = scales;
    quant->zero_point = zeros;
}

static void walk_data(struct stream *s, struct qm_arena *arena, struct qm_graph_tensor *tensor) {
    uint32_t bytes = tensor->data != NULL ? (uint32_t)tensor->size_bytes : 0;
    walk_count(s, &bytes, 1);
    if (bytes == 0) return;
    walk_require(s, bytes == qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype), "a constant that has not the size of its shape");
    uint8_t *data = s->writing ? (uint8_t *)(uintptr_t)tensor->data : QM_ARENA_NEW(arena, uint8_t, bytes); /* writing only reads it */
    walk_bytes(s, data, bytes);
    tensor->data = data;
    tensor->size_bytes = bytes;
}

static void walk_graph_tensor(struct stream *s, struct qm_arena *arena, struct qm_graph_tensor *tensor) {
    uint32_t dtype = tensor->dtype;
    walk_choice(s, &dtype, QM_ANY_DTYPES);
    tensor->dtype = (enum qm_dtype)dtype;
    walk_u32(s, &tensor->bits);
    walk_u32(s, &tensor->rank);
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) walk_u32(s, &tensor->dims[d]);
    walk_quant(s, arena, &tensor->quant);
    if (s->status == QM_OK) walk_require(s, shape_is_right(tensor), "a tensor of the host with a shape that makes no sense");
    if (s->status == QM_OK) walk_data(s, arena, tensor);
}

/* ---- operators ---- */

static void walk_list(struct stream *s, struct qm_arena *arena, uint32_t **list, uint32_t *count) {
    walk_count(s, count, WORD);
    if (!s->writing) *list = qm_graph_operands(arena, *count);
    for (uint32_t i = 0; i < *count; i++) walk_u32(s, &(*list)[i]);
}

static void walk_window(struct stream *s, struct qm_graph_op *op) {
    uint32_t *const words[] = {&op->kernel_h, &op->kernel_w, &op->stride_h,   &op->stride_w,  &op->dilation_h,       &op->dilation_w,
                               &op->pad_top,  &op->pad_left, &op->pad_bottom, &op->pad_right, &op->depth_multiplier, &op->groups};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) walk_u32(s, words[i]);
    walk_bool(s, &op->channels_first);
    walk_bool(s, &op->pads_counted);
    walk_bool(s, &op->first_transposed);
    walk_bool(s, &op->transposed);
}

static void walk_places(struct stream *s, struct qm_graph_op *op) {
    walk_u32(s, &op->axis);
    walk_u32(s, &op->axes);
    walk_i32(s, &op->pad_value);
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) {
        walk_u32(s, &op->pads[d].before);
        walk_u32(s, &op->pads[d].after);
        walk_u32(s, &op->permutation[d]);
        walk_i32(s, &op->begin[d]);
        walk_i32(s, &op->step[d]);
        walk_u32(s, &op->slice_dims[d]);
        walk_u32(s, &op->block[d]);
    }
    walk_u32(s, &op->batch_dims);
    walk_bool(s, &op->repeats_edge);
    walk_bool(s, &op->block_last);
    walk_bool(s, &op->align_corners);
    walk_bool(s, &op->half_pixel_centers);
}

/* Every attribute is carried that says what the host computes: who adds one to the operator adds it here. */
_Static_assert(sizeof(struct qm_graph_op) == 360, "an attribute of operators is not in the program file");

static void walk_operator(struct stream *s, struct qm_arena *arena, struct qm_graph_op *op) {
    uint32_t kind = op->kind, activation = op->activation;
    walk_choice(s, &kind, QM_GRAPH_OP_KINDS);
    walk_choice(s, &activation, QM_ACT_RELU_N1_TO_1 + 1);
    op->kind = (enum qm_graph_op_kind)kind;
    op->activation = (enum qm_activation)activation;
    walk_u32(s, &op->index);
    walk_list(s, arena, &op->inputs, &op->input_count);
    walk_list(s, arena, &op->outputs, &op->output_count);
    walk_window(s, op);
    walk_places(s, op);
    walk_double(s, &op->low);
    walk_double(s, &op->high);
    walk_float(s, &op->beta);
    walk_float(s, &op->alpha);
    walk_bool(s, &op->approximate);
    walk_bool(s, &op->takes_last);
}

/* ---- the graph ---- */

/* Whether operators read only what is known before them, and every tensor is made once. */
static bool is_in_order(const struct qm_graph *graph, bool *known) {
    for (uint32_t t = 0; t < graph->tensor_count; t++) known[t] = graph->tensors[t].data != NULL;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (graph->inputs[i] >= graph->tensor_count || known[graph->inputs[i]]) return false;
        known[graph->inputs[i]] = true;
    }
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (op->input_count == 0 || op->output_count == 0 || op->inputs[0] == QM_NO_TENSOR) return false;
        for (uint32_t j = 0; j < op->input_count; j++)
            if (op->inputs[j] != QM_NO_TENSOR && (op->inputs[j] >= graph->tensor_count || !known[op->inputs[j]])) return false;
        for (uint32_t j = 0; j < op->output_count; j++) {
            if (op->outputs[j] >= graph->tensor_count || known[op->outputs[j]]) return false;
            known[op->outputs[j]] = true;
        }
    }
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] >= graph->tensor_count || !known[graph->outputs[i]]) return false;
    return true;
}

static void walk_content(struct stream *s, struct qm_arena *arena, struct qm_graph *graph) {
    for (uint32_t i = 0; i < graph->tensor_count && s->status == QM_OK; i++) {
        struct qm_graph_tensor tensor = s->writing ? graph->tensors[i] : (struct qm_graph_tensor){.name = ""};
        walk_graph_tensor(s, arena, &tensor);
        if (!s->writing) graph->tensors[i] = tensor;
    }
    for (uint32_t i = 0; i < graph->op_count && s->status == QM_OK; i++) walk_operator(s, arena, &graph->ops[i]);
    for (uint32_t i = 0; i < graph->input_count; i++) walk_u32(s, &graph->inputs[i]);
    for (uint32_t i = 0; i < graph->output_count; i++) walk_u32(s, &graph->outputs[i]);
}

void walk_graph(struct stream *s, struct qm_arena *arena, const struct qm_graph **source) {
    static const struct qm_graph none;
    struct qm_graph *graph = QM_ARENA_NEW(arena, struct qm_graph, 1);
    *graph = *source != NULL ? **source : none;
    walk_count(s, &graph->op_count, OP_BYTES);
    if (graph->op_count == 0) return;
    uint32_t kernels = graph->kernels;
    walk_bool(s, &graph->is_real);
    walk_choice(s, &kernels, QM_KERNEL_RULES);
    graph->kernels = (enum qm_kernels)kernels;
    walk_count(s, &graph->tensor_count, TENSOR_BYTES);
    walk_count(s, &graph->input_count, WORD);
    walk_count(s, &graph->output_count, WORD);
    if (!s->writing && s->status == QM_OK) {
        graph->tensors = QM_ARENA_NEW(arena, struct qm_graph_tensor, graph->tensor_count);
        graph->ops = QM_ARENA_NEW(arena, struct qm_graph_op, graph->op_count);
        graph->inputs = QM_ARENA_NEW(arena, uint32_t, graph->input_count);
        graph->outputs = QM_ARENA_NEW(arena, uint32_t, graph->output_count);
    }
    if (s->status == QM_OK) walk_content(s, arena, graph);
    if (s->status != QM_OK || s->writing) return;
    walk_require(s, is_in_order(graph, QM_ARENA_NEW(arena, bool, graph->tensor_count)), "operators of the host in no order");
    *source = graph;
}
