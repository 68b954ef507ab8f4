/* window.c - convolutions and pools: windows over maps of one or two dimensions.
 *
 * Padding is resolved here, also the automatic kinds and that of ceil_mode. Filters [oc][ic / groups][kh][kw] become
 * [oc][kh][kw][ic / groups], those with one input channel a group [1][kh][kw][oc].
 */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

struct window {
    uint32_t kernel[2], stride[2], dilation[2], before[2], after[2], out[2]; /* h, w */
};

/* Reads an attribute of count numbers, h and w or only w, whose h is then 1. */
static bool read_pair(const struct onnx_node *n, const char *name, uint32_t count, const uint32_t limits[2], uint32_t out[2]) {
    uint32_t numbers[2];
    if (!onnx_ints(n, name, count, limits, numbers)) return false;
    out[0] = count == 2 ? numbers[0] : 1;
    out[1] = numbers[count - 1];
    return true;
}

static bool read_pads(const struct onnx_node *n, uint32_t count, struct window *w) {
    uint32_t pads[4];
    if (!onnx_ints(n, "pads", 2 * count, (const uint32_t[]){0, 0}, pads)) return false;
    w->before[0] = count == 2 ? pads[0] : 0;
    w->before[1] = pads[count - 1];
    w->after[0] = count == 2 ? pads[2] : 0;
    w->after[1] = pads[2 * count - 1];
    return true;
}

/* Positions and padding of an axis; SAME gives in / stride, rounded up, with the odd one of the missing elements behind or, when LOWER, in
 * front. */
static bool resolve(const struct onnx_node *n, struct window *w, uint32_t axis, uint32_t in, const char *automatic) {
    uint64_t span = (uint64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1, stride = w->stride[axis];
    bool ceiling = onnx_int(n, "ceil_mode", 0) != 0;
    if (strncmp(automatic, "SAME_", 5) == 0) {
        uint64_t out = (in + stride - 1) / stride, needed = (out - 1) * stride + span, missing = needed > in ? needed - in : 0;
        uint64_t smaller = missing / 2, larger = missing - smaller;
        bool lower = strcmp(automatic, "SAME_LOWER") == 0;
        w->before[axis] = (uint32_t)(lower ? larger : smaller);
        w->after[axis] = (uint32_t)(lower ? smaller : larger);
        ceiling = false;
    }
    uint64_t padded = (uint64_t)in + w->before[axis] + w->after[axis];
    if (span > padded) return onnx_refuse(n, "has a window of %llu on %llu elements", (unsigned long long)span, (unsigned long long)padded);
    uint64_t out = (padded - span + (ceiling ? stride - 1 : 0)) / stride + 1;
    if (ceiling && (out - 1) * stride >= (uint64_t)in + w->before[axis]) out--;
    uint64_t reach = (out - 1) * stride + span;
    if (reach > padded) w->after[axis] += (uint32_t)(reach - padded);
    w->out[axis] = (uint32_t)out;
    return true;
}

static bool read_window(const struct onnx_node *n, const struct onnx_shape *shape, const uint32_t *kernel, struct window *w) {
    uint32_t count = shape->rank - 2;
    const uint32_t ones[] = {1, 1}, required[] = {1, 0};
    const char *automatic = onnx_text(n, "auto_pad", "NOTSET");
    static const char *const kinds[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    bool known = false;
    for (uint32_t i = 0; i < 4; i++) known = known || strcmp(automatic, kinds[i]) == 0;
    if (!known) return onnx_refuse(n, "has auto_pad %s", automatic);
    if (!read_pair(n, "kernel_shape", count, required, w->kernel) || !read_pair(n, "strides", count, ones, w->stride) ||
        !read_pair(n, "dilations", count, ones, w->dilation) || !read_pads(n, count, w))
        return false;
    for (uint32_t i = 0; kernel != NULL && i < 2; i++) {
        if (w->kernel[i] != 0 && w->kernel[i] != kernel[i] && onnx_attribute(n, "kernel_shape") != NULL)
            return onnx_refuse(n, "has a kernel_shape that its filter has not");
        w->kernel[i] = kernel[i];
    }
    if (w->kernel[0] == 0 || w->kernel[1] == 0) return onnx_refuse(n, "has no kernel_shape");
    if (strcmp(automatic, "NOTSET") != 0) w->before[0] = w->before[1] = w->after[0] = w->after[1] = 0;
    return resolve(n, w, 0, shape->rank == 4 ? shape->dims[2] : 1, automatic) && resolve(n, w, 1, shape->dims[shape->rank - 1], automatic);
}

static bool is_padded(const struct window *w) {
    return w->before[0] + w->before[1] + w->after[0] + w->after[1] > 0;
}

static void set_window(struct qm_graph_op *op, const struct window *w) {
    op->kernel_h = w->kernel[0];
    op->kernel_w = w->kernel[1];
    op->stride_h = w->stride[0];
    op->stride_w = w->stride[1];
    op->dilation_h = w->dilation[0];
    op->dilation_w = w->dilation[1];
    op->pad_top = w->before[0];
    op->pad_left = w->before[1];
    op->pad_bottom = w->after[0];
    op->pad_right = w->after[1];
}

/* The map that the windows make of another: in the graph's order for the deferred operator, in ONNX's for out. */
static void set_result(const struct onnx_shape *in, const struct window *w, uint32_t channels, struct onnx_deferred *deferred,
                       struct onnx_shape *out) {
    deferred->result.rank = 4;
    deferred->result.dims[0] = in->dims[0];
    deferred->result.dims[1] = w->out[0];
    deferred->result.dims[2] = w->out[1];
    deferred->result.dims[3] = channels;
    deferred->order = ONNX_CHANNELS_LAST;
    deferred->axis = 1;
    *out = (struct onnx_shape){.rank = in->rank, .dims = {in->dims[0], channels, w->out[0], w->out[1]}};
    if (in->rank == 3) out->dims[2] = w->out[1];
}

/* ---- convolutions ---- */

static void order_filter(const struct onnx_shape *f, bool depthwise, struct onnx_weights *w) {
    uint32_t oc = f->dims[0], ic = f->dims[1], kh = f->rank == 4 ? f->dims[2] : 1, kw = f->dims[f->rank - 1];
    size_t taps = (size_t)kh * kw;
    if (depthwise)
        *w = (struct onnx_weights){.shape = {4, {1, kh, kw, oc}}, .count = {1, kh, kw, oc}, .stride = {0, kw, 1, taps}, .channel = 3};
    else
        *w = (struct onnx_weights){
            .shape = {4, {oc, kh, kw, ic}}, .count = {oc, kh, kw, ic}, .stride = {ic * taps, kw, 1, taps}, .channel = 0};
}

/* A convolution of input 0, taken for scales (NULL: its own), with a constant filter. */
static bool convolve(const struct onnx_node *n, const struct onnx_scales *scales, const struct onnx_value *filter) {
    struct onnx_value *in = n->inputs[0];
    const struct onnx_shape *f = &filter->shape;
    struct onnx_map map;
    struct window window;
    struct onnx_weights weights;
    struct onnx_shape out;
    if (!onnx_materialize(n, in) || !onnx_map_of(n, &in->shape, &map)) return false;
    int64_t groups = onnx_int(n, "group", 1);
    if (f->rank != in->shape.rank || groups < 1 || map.c != (uint64_t)groups * f->dims[1] || f->dims[0] % (uint64_t)groups != 0)
        return onnx_refuse(n, "has a filter that does not fit %u channels in %lld groups", map.c, (long long)groups);
    if (map.n != 1) return onnx_refuse(n, "works on a batch of %u; export the model with 1", map.n);
    uint32_t kernel[] = {f->rank == 4 ? f->dims[2] : 1, f->dims[f->rank - 1]};
    if (!read_window(n, &in->shape, kernel, &window)) return false;
    bool depthwise = groups > 1 && f->dims[1] == 1;
    struct onnx_deferred *deferred = onnx_deferred_create(n, depthwise ? QM_OP_DEPTHWISE_CONV_2D : QM_OP_CONV_2D, f->dims[0]);
    if (!onnx_tensor_as(n, in, ONNX_CHANNELS_LAST, scales, &deferred->op.inputs[0])) return false;
    order_filter(f, depthwise, &weights);
    weights.padded = is_padded(&window);
    if (!onnx_add_weights(n, filter, &weights, in, deferred)) return false;
    deferred->op.depth_multiplier = depthwise ? f->dims[0] / map.c : 0;
    set_window(&deferred->op, &window);
    set_result(&in->shape, &window, f->dims[0], deferred, &out);
    return onnx_defer(n, &out, deferred);
}

bool onnx_conv(const struct onnx_node *n) {
    const struct onnx_value *filter, *bias;
    if (!onnx_constant(n, 1, &filter)) return false;
    if (!onnx_check_real(n, n->inputs[0]) || !convolve(n, NULL, filter)) return false;
    if (n->inputs[2] == NULL) return true;
    struct onnx_deferred *deferred = n->outputs[0]->deferred;
    if (!onnx_constant(n, 2, &bias)) return false;
    if (onnx_elements(&bias->shape) != deferred->channels) return onnx_refuse(n, "has not as many biases as channels");
    onnx_append(n, deferred, ONNX_ADD, deferred->channels, bias->numbers);
    return true;
}

bool onnx_qlinear_conv(const struct onnx_node *n) {
    const struct onnx_value *filter, *bias;
    struct onnx_scales in, weights, out;
    if (!onnx_constant(n, 3, &filter)) return false;
    if (filter->shape.rank < 3) return onnx_refuse(n, "has a filter of %u dimensions", filter->shape.rank);
    if (!onnx_scales(n, 1, 1, &in) || !onnx_scales(n, 4, filter->shape.dims[0], &weights) || !onnx_scales(n, 6, 1, &out)) return false;
    struct onnx_value quantized = {.name = filter->name};
    if (!onnx_quantize_constant(n, filter, &weights, 0, &quantized) || !convolve(n, &in, &quantized)) return false;
    struct onnx_deferred *deferred = n->outputs[0]->deferred;
    if (n->inputs[8] != NULL && (!onnx_constant(n, 8, &bias) || !onnx_append_bias(n, bias, deferred))) return false;
    return onnx_materialize_as(n, deferred, n->inputs[7] != NULL ? n->inputs[7]->type : ONNX_UINT8, &out, n->outputs[0]);
}

bool onnx_conv_integer(const struct onnx_node *n) {
    const struct onnx_value *filter;
    struct onnx_scales in, weights;
    if (!onnx_constant(n, 1, &filter)) return false;
    if (filter->shape.rank < 3) return onnx_refuse(n, "has a filter of %u dimensions", filter->shape.rank);
    struct onnx_value quantized = {.name = filter->name};
    if (!onnx_integer_operands(n, filter->shape.dims[0], &in, &weights)) return false;
    if (!onnx_quantize_constant(n, filter, &weights, 0, &quantized) || !convolve(n, &in, &quantized)) return false;
    n->outputs[0]->type = ONNX_INT32;
    return true;
}

/* ---- pools ---- */

bool onnx_max_pool(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    struct onnx_map map;
    struct window window = {.kernel = {0, 0}};
    struct onnx_deferred result;
    struct onnx_shape out;
    uint32_t tensor;
    if (!onnx_materialize(n, in) || !onnx_map_of(n, &in->shape, &map) || !read_window(n, &in->shape, NULL, &window)) return false;
    if (onnx_int(n, "storage_order", 0) != 0) return onnx_refuse(n, "has a storage_order, which is not supported");
    if (!onnx_tensor(n, in, ONNX_CHANNELS_LAST, &tensor)) return false;
    set_result(&in->shape, &window, map.c, &result, &out);
    struct onnx_shape shape = {4, {map.n, window.out[0], window.out[1], map.c}};
    uint32_t pooled = onnx_add_like(n, tensor, &shape);
    set_window(onnx_add_op(n, QM_OP_MAX_POOL_2D, tensor, pooled), &window);
    onnx_put(n, in, &out, ONNX_CHANNELS_LAST, pooled);
    return true;
}

/* The sum of each window, divided by divisor. Padding is refused, because a mean would be of the elements inside the map only. */
static bool sum_window(const struct onnx_node *n, const struct window *window, uint32_t divisor) {
    struct onnx_value *in = n->inputs[0];
    struct onnx_map map;
    struct onnx_shape out;
    uint32_t count = window->kernel[0] * window->kernel[1];
    if (!onnx_materialize(n, in) || !onnx_map_of(n, &in->shape, &map) || !onnx_check_real(n, in)) return false;
    if (is_padded(window)) return onnx_refuse(n, "pads, which is not supported for means");
    struct onnx_deferred *deferred = onnx_deferred_create(n, QM_OP_AVERAGE_POOL_2D, map.c);
    if (!onnx_tensor(n, in, ONNX_CHANNELS_LAST, &deferred->op.inputs[0])) return false;
    onnx_deferred_set_sums(n, deferred, map.c, (double)in->scale / divisor, (in->low - in->zero) * count, (in->high - in->zero) * count);
    set_window(&deferred->op, window);
    set_result(&in->shape, window, map.c, deferred, &out);
    return onnx_defer(n, &out, deferred);
}

static struct window whole_map(const struct onnx_map *map) {
    return (struct window){.kernel = {map->h, map->w}, .stride = {1, 1}, .dilation = {1, 1}, .out = {1, 1}};
}

bool onnx_average_pool(const struct onnx_node *n) {
    struct window window = {.kernel = {0, 0}};
    struct onnx_map map;
    return onnx_map_of(n, &n->inputs[0]->shape, &map) && read_window(n, &n->inputs[0]->shape, NULL, &window) &&
           sum_window(n, &window, window.kernel[0] * window.kernel[1]);
}

bool onnx_global_average_pool(const struct onnx_node *n) {
    struct onnx_map map;
    if (!onnx_map_of(n, &n->inputs[0]->shape, &map)) return false;
    struct window window = whole_map(&map);
    return sum_window(n, &window, map.h * map.w);
}

/* The sum of the channels, divided by divisor: a convolution with a filter of ones. */
static bool sum_channels(const struct onnx_node *n, const struct onnx_map *map, uint32_t divisor) {
    struct onnx_value *in = n->inputs[0], ones = {.name = "ones", .shape = {in->shape.rank, {1, map->c, 1, 1}}};
    double *numbers = QM_ARENA_NEW(n->r->arena, double, map->c), *sum_scale = QM_ARENA_NEW(n->r->arena, double, 1);
    if (!onnx_materialize(n, in) || !onnx_check_real(n, in)) return false;
    for (uint32_t c = 0; c < map->c; c++) numbers[c] = 1;
    ones.numbers = numbers;
    if (!convolve(n, NULL, &ones)) return false;
    struct onnx_deferred *deferred = n->outputs[0]->deferred;
    *sum_scale = deferred->sum_scale[0] / divisor;
    deferred->sum_scale = sum_scale;
    return true;
}

/* Takes the reduced axes, which have one element, out of the shape of output 0. */
static void drop_axes(const struct onnx_node *n, uint32_t axes) {
    struct onnx_value *out = n->outputs[0];
    struct onnx_deferred *deferred = out->deferred;
    struct onnx_shape all = out->shape;
    deferred->op_shape = onnx_shape_of(&deferred->result);
    out->shape.rank = 0;
    for (uint32_t d = 0; d < all.rank; d++)
        if ((axes >> d & 1) == 0) out->shape.dims[out->shape.rank++] = all.dims[d];
    deferred->result.rank = out->shape.rank;
    memcpy(deferred->result.dims, out->shape.dims, sizeof out->shape.dims);
    deferred->order = ONNX_PLAIN;
    deferred->axis = deferred->channels > 1 ? 1 : 0;
}

/* ReduceMean and ReduceSum: over the whole map, with one result a channel, or over the channels. */
static bool reduce(const struct onnx_node *n, bool is_mean) {
    const struct onnx_shape *in = &n->inputs[0]->shape;
    struct onnx_map map;
    uint32_t axes;
    if (!onnx_map_of(n, in, &map) || !onnx_axes(n, in->rank, &axes)) return false;
    struct window window = whole_map(&map);
    if (axes == (in->rank == 4 ? 0xC : 0x4)) {
        if (!sum_window(n, &window, is_mean ? map.h * map.w : 1)) return false;
    } else if (axes == 0x2) {
        if (!sum_channels(n, &map, is_mean ? map.c : 1)) return false;
    } else {
        return onnx_refuse(n, "is supported over height and width, or over the channels");
    }
    if (onnx_int(n, "keepdims", 1) == 0) drop_axes(n, axes);
    return true;
}

bool onnx_reduce_mean(const struct onnx_node *n) {
    return reduce(n, true);
}

bool onnx_reduce_sum(const struct onnx_node *n) {
    return reduce(n, false);
}
