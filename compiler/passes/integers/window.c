/* window.c - convolutions, pools and means. Filters [oc][ic of a group][kh][kw] become [oc][kh][kw][ic of a group], those with one input
 * channel a group [1][kh][kw][oc].
 */
#include <string.h>

#include "compiler/ir/windows.h"
#include "compiler/passes/integers/integers.h"

static bool is_padded(const struct qm_graph_op *op) {
    return op->pad_top + op->pad_bottom + op->pad_left + op->pad_right > 0;
}

static void set_window(struct qm_graph_op *to, const struct qm_graph_op *from) {
    to->kernel_h = from->kernel_h;
    to->kernel_w = from->kernel_w;
    to->stride_h = from->stride_h;
    to->stride_w = from->stride_w;
    to->dilation_h = from->dilation_h;
    to->dilation_w = from->dilation_w;
    to->pad_top = from->pad_top;
    to->pad_left = from->pad_left;
    to->pad_bottom = from->pad_bottom;
    to->pad_right = from->pad_right;
}

/* A map [n][c][h][w], or without h, in the order of the graph of integers. */
static struct qm_shape channels_last(const struct qm_shape *map) {
    return (struct qm_shape){4, {map->dims[0], map->rank == 4 ? map->dims[2] : 1, map->dims[map->rank - 1], map->dims[1]}};
}

/* Output 0 as what a deferred operator on maps makes. */
static void set_result(const struct real_node *n, struct real_deferred *deferred) {
    struct qm_shape last = channels_last(&n->outputs[0]->shape);
    deferred->result.rank = 4;
    memcpy(deferred->result.dims, last.dims, sizeof last.dims);
    deferred->order = REAL_CHANNELS_LAST;
    deferred->axis = 1;
}

/* ---- convolutions ---- */

static void order_filter(const struct qm_shape *f, bool depthwise, struct real_weights *w) {
    uint32_t oc = f->dims[0], ic = f->dims[1], kh = f->rank == 4 ? f->dims[2] : 1, kw = f->dims[f->rank - 1];
    size_t taps = (size_t)kh * kw;
    if (depthwise)
        *w = (struct real_weights){.shape = {4, {1, kh, kw, oc}}, .count = {1, kh, kw, oc}, .stride = {0, kw, 1, taps}, .channel = 3};
    else
        *w = (struct real_weights){
            .shape = {4, {oc, kh, kw, ic}}, .count = {oc, kh, kw, ic}, .stride = {ic * taps, kw, 1, taps}, .channel = 0};
}

/* Integers that nobody gave a scale are steps of the sum. */
static bool append_bias(const struct real_node *n, struct real_deferred *deferred) {
    const struct real_value *bias = n->inputs[2];
    if (bias == NULL) return true;
    if (bias->state != REAL_CONSTANT) return real_refuse(n, "needs %.60s to be a constant", bias->name);
    const double *given = real_numbers(n, bias);
    double *numbers = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    bool steps = bias->type == QM_I32 && bias->constant->quant.count == 0;
    for (uint32_t c = 0; c < deferred->channels; c++) numbers[c] = steps ? given[c] * deferred->sum_scale[c] : given[c];
    real_append(n, deferred, REAL_ADD, deferred->channels, numbers);
    return true;
}

bool real_conv(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    const struct real_value *filter = n->inputs[1];
    struct real_map map;
    struct real_weights weights;
    if (filter->state != REAL_CONSTANT) return real_refuse(n, "needs %.60s to be a constant", filter->name);
    if (!real_materialize(n, in) || !real_check_real(n, in) || !real_map_of(n, &in->shape, &map)) return false;
    bool depthwise = n->op->groups > 1 && filter->shape.dims[1] == 1;
    struct real_deferred *deferred = real_deferred_create(n, depthwise ? QM_OP_DEPTHWISE_CONV_2D : QM_OP_CONV_2D, filter->shape.dims[0]);
    if (!real_tensor(n, in, REAL_CHANNELS_LAST, &deferred->op.inputs[0])) return false;
    order_filter(&filter->shape, depthwise, &weights);
    weights.padded = is_padded(n->op);
    if (!real_add_weights(n, filter, &weights, in, deferred)) return false;
    deferred->op.depth_multiplier = depthwise ? filter->shape.dims[0] / map.c : 0;
    set_window(&deferred->op, n->op);
    set_result(n, deferred);
    return append_bias(n, deferred) && real_defer(n, deferred);
}

/* Whether pads cut off all that the input reaches in a direction, so that its result is of the bias only. */
static bool cuts_all(uint32_t in, uint32_t stride, uint32_t reach, uint32_t before) {
    return before > (uint64_t)(in - 1) * stride + reach;
}

/* [ic][oc of a group][kh][kw] as [oc][kh][kw][ic of a group] */
static struct real_weights turn_filter(const struct qm_shape *f, uint32_t groups) {
    uint32_t in = f->dims[0] / groups, out = f->dims[1], kh = f->rank == 4 ? f->dims[2] : 1, kw = f->dims[f->rank - 1], taps = kh * kw;
    return (struct real_weights){.shape = {4, {out * groups, kh, kw, in}},
                                 .count = {groups, out, taps, in},
                                 .stride = {(size_t)in * out * taps, taps, 1, (size_t)out * taps},
                                 .axis = 1,
                                 .padded = true};
}

bool real_conv_transpose(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    const struct real_value *filter = n->inputs[1];
    const struct qm_graph_op *op = n->op;
    struct real_map map;
    if (filter->state != REAL_CONSTANT) return real_refuse(n, "needs %.60s to be a constant", filter->name);
    if (!real_materialize(n, in) || !real_check_real(n, in) || !real_map_of(n, &in->shape, &map)) return false;
    if (cuts_all(map.h, op->stride_h, (op->kernel_h - 1) * op->dilation_h, op->pad_top) ||
        cuts_all(map.w, op->stride_w, (op->kernel_w - 1) * op->dilation_w, op->pad_left))
        return real_refuse(n, "cuts off all that its input reaches, which is not supported");
    struct real_weights weights = turn_filter(&filter->shape, op->groups);
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_TRANSPOSE_CONV, weights.shape.dims[0]);
    if (!real_tensor(n, in, REAL_CHANNELS_LAST, &deferred->op.inputs[0])) return false;
    if (!real_add_weights(n, filter, &weights, in, deferred)) return false;
    set_window(&deferred->op, n->op);
    set_result(n, deferred);
    return append_bias(n, deferred) && real_defer(n, deferred);
}

/* ---- pools ---- */

/* Of a window over maps [n][h][w][c]. */
static bool fits_machine(const struct real_node *n, const struct qm_graph_op *op, const struct qm_shape *in, const struct qm_shape *out) {
    struct qm_windows windows = qm_pool_windows(op, in, out);
    struct qm_windows_reason why;
    return qm_windows_fit(&windows, &why) || real_refuse(n, "is not for the machine: %s", why.text);
}

/* The same of a pool over the file's maps. */
static bool pool_fits(const struct real_node *n, const struct qm_graph_op *window) {
    struct real_map map;
    if (!real_map_of(n, &n->inputs[0]->shape, &map)) return false;
    struct qm_shape in = channels_last(&n->inputs[0]->shape), out = channels_last(&n->outputs[0]->shape);
    return fits_machine(n, window, &in, &out);
}

bool real_max_pool(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    struct real_map map;
    uint32_t tensor;
    if (!pool_fits(n, n->op) || !real_materialize(n, in) || !real_map_of(n, &in->shape, &map)) return false;
    if (!real_tensor(n, in, REAL_CHANNELS_LAST, &tensor)) return false;
    struct qm_shape shape = channels_last(&n->outputs[0]->shape);
    if (!real_check_batch(n, shape.dims[0])) return false;
    uint32_t pooled = real_add_like(n, tensor, &shape);
    set_window(real_add_op(n, QM_OP_MAX_POOL_2D, tensor, pooled), n->op);
    real_put(n, in, REAL_CHANNELS_LAST, pooled);
    return true;
}

/* The sum of each window, divided by divisor. Where it leaves the map it meets zeros. */
static bool sum_window(const struct real_node *n, const struct qm_graph_op *window, uint32_t divisor) {
    struct real_value *in = n->inputs[0];
    struct real_map map;
    uint32_t count = window->kernel_h * window->kernel_w;
    if (!pool_fits(n, window)) return false;
    if (!real_materialize(n, in) || !real_map_of(n, &in->shape, &map) || !real_check_real(n, in)) return false;
    if (is_padded(window) && !window->pads_counted)
        return real_refuse(n, "pads, and takes means of the elements inside the map only, which is not supported (count_include_pad is)");
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_AVERAGE_POOL_2D, map.c);
    if (!real_tensor(n, in, REAL_CHANNELS_LAST, &deferred->op.inputs[0])) return false;
    real_deferred_set_sums(n, deferred, map.c, (double)in->scale / divisor, (in->low - in->zero) * count, (in->high - in->zero) * count);
    set_window(&deferred->op, window);
    set_result(n, deferred);
    return real_defer(n, deferred);
}

bool real_average_pool(const struct real_node *n) {
    return sum_window(n, n->op, n->op->kernel_h * n->op->kernel_w);
}

/* ---- means and sums along axes ---- */

/* Axes that follow one another, as a map: what is before them, they themselves, and what is behind. */
struct blocks {
    uint32_t outer, reduced, inner;
};

static bool split_shape(const struct real_node *n, const struct qm_shape *shape, struct blocks *b) {
    uint32_t axes = 0;
    *b = (struct blocks){1, 1, 1};
    for (uint32_t d = 0; d < shape->rank; d++)
        if (shape->dims[d] > 1) axes |= n->op->axes & 1U << d;
    for (uint32_t d = 0; d < shape->rank; d++) {
        bool reduced = (axes >> d & 1) != 0;
        if (reduced && b->inner > 1) return real_refuse(n, "is supported over axes that follow one another");
        *(reduced ? &b->reduced : b->reduced > 1 ? &b->inner : &b->outer) *= shape->dims[d];
    }
    return true;
}

/* Sums of the rows of a map [1][rows][1][channels]: a convolution with ones. */
static bool sum_last(const struct real_node *n, const struct blocks *b, uint32_t tensor, struct real_deferred *deferred) {
    struct qm_shape rows = {4, {1, b->outer, 1, b->reduced}};
    deferred->op.kind = QM_OP_CONV_2D;
    deferred->op.inputs[0] = real_add_reshape(n, tensor, &rows);
    deferred->op.kernel_h = deferred->op.kernel_w = deferred->op.stride_h = deferred->op.stride_w = deferred->op.dilation_h =
        deferred->op.dilation_w = 1;
    deferred->op_shape = (struct qm_shape){4, {1, b->outer, 1, 1}};
    deferred->channels = 1;
    return real_add_ones(n, b->reduced, n->inputs[0], deferred);
}

/* Sums over the rows of each of outer maps [rows][channels]. */
static bool sum_middle(const struct real_node *n, const struct blocks *b, uint32_t tensor, struct real_deferred *deferred) {
    const struct real_value *in = n->inputs[0];
    struct qm_shape rows = {4, {1, b->outer, b->reduced, b->inner}};
    deferred->op.kernel_h = deferred->op.stride_h = deferred->op.dilation_h = deferred->op.dilation_w = 1;
    deferred->op.kernel_w = deferred->op.stride_w = b->reduced;
    deferred->op_shape = (struct qm_shape){4, {1, b->outer, 1, b->inner}};
    if (!fits_machine(n, &deferred->op, &rows, &deferred->op_shape)) return false;
    deferred->op.inputs[0] = real_add_reshape(n, tensor, &rows);
    real_deferred_set_sums(n, deferred, 1, (double)in->scale, (in->low - in->zero) * b->reduced, (in->high - in->zero) * b->reduced);
    return true;
}

/* Any axes that follow one another, in the file's order, but the channels of maps, which are last in the other. */
static bool reduce_rows(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    struct blocks b;
    uint32_t tensor;
    if (!real_materialize(n, in) || !real_check_real(n, in) || !split_shape(n, &in->shape, &b)) return false;
    bool channels = n->op->axes == 0x2 && b.inner > 1 && b.outer == 1 && in->shape.rank >= 3 && in->shape.rank <= 4;
    if (!real_tensor(n, in, channels ? REAL_CHANNELS_LAST : REAL_PLAIN, &tensor)) return false;
    if (channels) b = (struct blocks){b.inner, b.reduced, 1};
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_AVERAGE_POOL_2D, 1);
    const struct qm_shape *shape = &n->outputs[0]->shape;
    if (!(b.inner == 1 && b.reduced > 1 ? sum_last : sum_middle)(n, &b, tensor, deferred)) return false;
    if (n->op->kind == QM_OP_MEAN) {
        double *scale = QM_ARENA_NEW(n->r->arena, double, 1);
        *scale = deferred->sum_scale[0] / b.reduced;
        deferred->sum_scale = scale;
    }
    deferred->result.rank = shape->rank;
    memcpy(deferred->result.dims, shape->dims, sizeof shape->dims);
    deferred->order = REAL_PLAIN;
    return real_defer(n, deferred);
}

/* The whole map, with one result a channel, where the bytes are channels last; else any neighbouring axes. */
bool real_reduce(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    uint32_t rank = in->shape.rank;
    bool keeps = n->outputs[0]->shape.rank == rank;
    if (!real_materialize(n, in)) return false;
    bool map = (rank == 4 && n->op->axes == 0xC) || (rank == 3 && n->op->axes == 0x4);
    if (!map || real_order_of(in) != REAL_CHANNELS_LAST) return reduce_rows(n);
    uint32_t h = rank == 4 ? in->shape.dims[2] : 1, w = in->shape.dims[rank - 1];
    struct qm_graph_op window = {.kernel_h = h, .kernel_w = w, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1};
    struct real_value *out = n->outputs[0];
    struct qm_shape own = out->shape;
    if (!keeps) out->shape = (struct qm_shape){4, {own.dims[0], own.dims[1], 1, 1}};
    bool made = sum_window(n, &window, n->op->kind == QM_OP_MEAN ? h * w : 1);
    out->shape = own;
    if (!made || keeps) return made;
    out->deferred->op_shape = qm_graph_shape(&out->deferred->result);
    out->deferred->result.rank = own.rank;
    memcpy(out->deferred->result.dims, own.dims, sizeof own.dims);
    out->deferred->order = REAL_PLAIN;
    return true;
}
