/* make.c - maps, weights and operators of a table. Scales keep drawn numbers in the range of int8: products of k of them spread as the
 * root of k.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/shapes/shapes.h"

float shapes_spread(uint64_t k) {
    enum { OF_ONE_PRODUCT = 137 }; /* two uniform int8 numbers spread as 74 each; their product shall spread as 40 */
    return 1.0F / (OF_ONE_PRODUCT * sqrtf((float)k));
}

uint32_t shapes_add_map(struct shapes_reader *r, const char *name, const struct qm_shape *shape, float scale) {
    uint32_t tensor = qm_graph_add_tensor(&r->maker, name, QM_I8, shape);
    qm_graph_set_quant(&r->maker, tensor, scale, 0);
    return tensor;
}

struct qm_graph_op *shapes_add_op(struct shapes_reader *r, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *out) {
    const char *name = r->row.cells[0];
    uint32_t tensor = shapes_add_map(r, name, out, r->maker.graph->tensors[in].quant.scale[0]);
    struct qm_graph_op *op = qm_graph_add_op(&r->maker, kind, in, tensor);
    op->index = r->row.line;
    op->name = qm_arena_printf(r->maker.arena, "%s (%s, line %u)", qm_graph_op_name(kind), name, r->row.line);
    op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->depth_multiplier = 1;
    return op;
}

/* Weights of that shape, k of which are summed up, drawn when the table is read. */
static uint32_t add_weights(struct shapes_reader *r, const struct qm_shape *shape, uint64_t k) {
    uint32_t tensor = qm_graph_add_tensor(&r->maker, qm_arena_printf(r->maker.arena, "weights of %s", r->row.cells[0]), QM_I8, shape);
    qm_graph_set_quant(&r->maker, tensor, shapes_spread(k), 0);
    r->weights = qm_arena_grow(r->maker.arena, r->weights, sizeof *r->weights, r->weight_count, &r->weight_room);
    r->weights[r->weight_count++] = tensor;
    return tensor;
}

void shapes_add_second(struct qm_graph_op *op, uint32_t second) {
    op->inputs[1] = second;
    op->input_count = 2;
}

void shapes_set_window(struct qm_graph_op *op, const struct shapes_window *window) {
    op->kernel_h = window->kernel_h;
    op->kernel_w = window->kernel_w;
    op->stride_h = op->stride_w = window->stride;
    op->pad_top = window->before_h;
    op->pad_left = window->before_w;
    op->pad_bottom = window->after_h;
    op->pad_right = window->after_w;
}

uint32_t shapes_add_convolution(struct shapes_reader *r, uint32_t in, const struct shapes_window *window, uint32_t channels,
                                bool depthwise) {
    struct qm_shape map = qm_graph_shape(&r->maker.graph->tensors[in]);
    uint32_t depth = map.dims[3], taps = window->kernel_h * window->kernel_w;
    struct qm_shape out = {4, {map.dims[0], 0, 0, channels}};
    struct qm_shape of_each = {4, {1, window->kernel_h, window->kernel_w, channels}},
                    of_all = {4, {channels, window->kernel_h, window->kernel_w, depth}};
    out.dims[1] = (map.dims[1] + window->before_h + window->after_h - window->kernel_h) / window->stride + 1;
    out.dims[2] = (map.dims[2] + window->before_w + window->after_w - window->kernel_w) / window->stride + 1;
    uint32_t weights = add_weights(r, depthwise ? &of_each : &of_all, (uint64_t)taps * (depthwise ? 1 : depth));
    struct qm_graph_op *op = shapes_add_op(r, depthwise ? QM_OP_DEPTHWISE_CONV_2D : QM_OP_CONV_2D, in, &out);
    shapes_add_second(op, weights);
    shapes_set_window(op, window);
    return op->outputs[0];
}

uint32_t shapes_add_dense(struct shapes_reader *r, uint32_t in, uint32_t k, uint32_t columns) {
    uint64_t elements = qm_graph_elements(&r->maker.graph->tensors[in]);
    uint32_t weights = add_weights(r, &(struct qm_shape){2, {columns, k}}, k);
    struct qm_graph_op *op = shapes_add_op(r, QM_OP_FULLY_CONNECTED, in, &(struct qm_shape){2, {(uint32_t)(elements / k), columns}});
    shapes_add_second(op, weights);
    return op->outputs[0];
}
