/* window.c - convolutions, pools and reductions: windows over maps of one or two dimensions. Padding is resolved here, also the automatic
 * kinds and that of ceil_mode.
 */
#include <math.h>
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

/* What all windows say of a map [n][c][h][w] or [n][c][w]; kernel: of the filter, or NULL. */
static bool read_sizes(const struct onnx_node *n, const struct qm_shape *shape, const uint32_t *kernel, struct window *w) {
    if (shape->rank != 3 && shape->rank != 4) return onnx_refuse(n, "works on %u dimensions; 3 and 4 are supported", shape->rank);
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
    return true;
}

static bool read_window(const struct onnx_node *n, const struct qm_shape *shape, const uint32_t *kernel, struct window *w) {
    const char *automatic = onnx_text(n, "auto_pad", "NOTSET");
    if (!read_sizes(n, shape, kernel, w)) return false;
    return resolve(n, w, 0, shape->rank == 4 ? shape->dims[2] : 1, automatic) && resolve(n, w, 1, shape->dims[shape->rank - 1], automatic);
}

/* A window operator on channels, and the map that it makes. */
static struct qm_graph_op window_op(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, const struct window *w,
                                    uint32_t channels, struct qm_shape *out) {
    struct qm_graph_op op = onnx_op(n, kind, in);
    op.channels_first = true;
    op.kernel_h = w->kernel[0];
    op.kernel_w = w->kernel[1];
    op.stride_h = w->stride[0];
    op.stride_w = w->stride[1];
    op.dilation_h = w->dilation[0];
    op.dilation_w = w->dilation[1];
    op.pad_top = w->before[0];
    op.pad_left = w->before[1];
    op.pad_bottom = w->after[0];
    op.pad_right = w->after[1];
    *out = qm_graph_shape(&n->r->graph->tensors[in]);
    out->dims[1] = channels;
    if (out->rank == 4) out->dims[2] = w->out[0];
    out->dims[out->rank - 1] = w->out[1];
    return op;
}

/* ---- convolutions ---- */

uint32_t onnx_emit_conv(const struct onnx_node *n, uint32_t in, uint32_t filter, uint32_t bias) {
    if (in == QM_NO_TENSOR || filter == QM_NO_TENSOR) return QM_NO_TENSOR;
    const struct qm_graph_tensor *x = &n->r->graph->tensors[in], *f = &n->r->graph->tensors[filter];
    struct qm_shape shape = qm_graph_shape(x), out;
    struct window window;
    int64_t groups = onnx_int(n, "group", 1);
    bool map = x->rank == 3 || x->rank == 4;
    if (map && (f->rank != x->rank || groups < 1 || x->dims[1] != (uint64_t)groups * f->dims[1] || f->dims[0] % (uint64_t)groups != 0))
        return onnx_refuse(n, "has a filter that does not fit %u channels in %lld groups", x->dims[1], (long long)groups), QM_NO_TENSOR;
    uint32_t kernel[] = {f->rank == 4 ? f->dims[2] : 1, f->rank > 0 ? f->dims[f->rank - 1] : 1}, channels = f->rank > 0 ? f->dims[0] : 0;
    if (!read_window(n, &shape, kernel, &window)) return QM_NO_TENSOR;
    if (bias != QM_NO_TENSOR && qm_graph_elements(&n->r->graph->tensors[bias]) != channels)
        return onnx_refuse(n, "has not as many biases as channels"), QM_NO_TENSOR;
    struct qm_graph_op op = window_op(n, QM_OP_CONV_2D, in, &window, channels, &out);
    op.inputs[1] = filter;
    op.inputs[2] = bias;
    op.input_count = bias != QM_NO_TENSOR ? 3 : 2;
    op.groups = (uint32_t)groups;
    return onnx_emit_float(n, &op, &out);
}

bool onnx_conv(const struct onnx_node *n) {
    return onnx_put(n, onnx_emit_conv(n, n->inputs[0], n->inputs[1], n->inputs[2]));
}

bool onnx_qlinear_conv(const struct onnx_node *n) {
    uint32_t in = onnx_emit_dequantize(n, n->inputs[0], 1, 0), filter = onnx_emit_dequantize(n, n->inputs[3], 4, 0);
    return onnx_put(n, onnx_emit_quantize(n, onnx_emit_conv(n, in, filter, n->inputs[8]), 6, 0, onnx_zero_type(n, 7, ONNX_UINT8)));
}

bool onnx_conv_integer(const struct onnx_node *n) {
    uint32_t sums = onnx_emit_conv(n, onnx_emit_integers(n, 0, 2, 0), onnx_emit_integers(n, 1, 3, 0), QM_NO_TENSOR);
    return onnx_put(n, onnx_emit_sums(n, sums));
}

/* Positions and the pads that are cut of an axis of a transposed convolution; wanted: positions that output_shape asks for, or below 0.
 * Where more are asked for than there are, files mean nothing that frameworks agree on. */
static bool resolve_transposed(const struct onnx_node *n, struct window *w, uint32_t axis, uint32_t in, const uint32_t more[2],
                               int64_t wanted) {
    const char *automatic = onnx_text(n, "auto_pad", "NOTSET");
    uint32_t dim = onnx_input(n, 0)->rank - 2 + axis; /* the last is that of w */
    int64_t whole = (int64_t)w->stride[axis] * (in - 1) + more[axis] + (int64_t)(w->kernel[axis] - 1) * w->dilation[axis] + 1;
    if (more[axis] > 0 && more[axis] >= w->stride[axis] && more[axis] >= w->dilation[axis])
        return onnx_refuse(n, "has output_padding %u; it must be below stride or dilation", more[axis]);
    if (wanted < 0 && strncmp(automatic, "SAME_", 5) == 0) wanted = (int64_t)in * w->stride[axis];
    if (wanted >= 0) {
        int64_t cut = whole - wanted, smaller = cut / 2;
        bool upper = strcmp(automatic, "SAME_UPPER") == 0;
        if (cut < 0)
            return onnx_refuse(n, "has %s that asks for %lld elements of axis %u, which has %lld without pads",
                               onnx_attribute(n, "output_shape") != NULL ? "an output_shape" : "an auto_pad", (long long)wanted, dim,
                               (long long)whole);
        w->before[axis] = (uint32_t)(upper ? smaller : cut - smaller);
        w->after[axis] = (uint32_t)(upper ? cut - smaller : smaller);
    }
    int64_t out = whole - w->before[axis] - w->after[axis];
    if (out < 1 || whole > INT32_MAX) return onnx_refuse(n, "makes %lld elements of axis %u", (long long)out, dim);
    w->out[axis] = (uint32_t)out;
    return true;
}

static bool read_transposed(const struct onnx_node *n, const struct qm_shape *in, const struct qm_graph_tensor *filter, struct window *w) {
    uint32_t count = in->rank - 2, more[2], wanted[2];
    const uint32_t none[] = {0, 0}, kernel[] = {filter->rank == 4 ? filter->dims[2] : 1, filter->dims[filter->rank - 1]};
    if (!read_sizes(n, in, kernel, w) || !read_pair(n, "output_padding", count, none, more) ||
        !read_pair(n, "output_shape", count, none, wanted))
        return false;
    if (count == 1) more[0] = 0;
    bool sized = onnx_attribute(n, "output_shape") != NULL;
    int64_t asked[] = {sized && count == 2 ? (int64_t)wanted[0] : -1, sized ? (int64_t)wanted[1] : -1};
    return resolve_transposed(n, w, 0, count == 2 ? in->dims[2] : 1, more, asked[0]) &&
           resolve_transposed(n, w, 1, in->dims[in->rank - 1], more, asked[1]);
}

bool onnx_conv_transpose(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), out;
    struct window window = {.kernel = {0, 0}};
    const struct qm_graph_tensor *filter = onnx_input(n, 1);
    int64_t groups = onnx_int(n, "group", 1);
    if (groups < 1 || filter->rank != in.rank || in.rank < 3 || filter->dims[0] != in.dims[1] || in.dims[1] % (uint64_t)groups != 0)
        return onnx_refuse(n, "has a filter that does not fit its input");
    if (!read_transposed(n, &in, filter, &window)) return false;
    uint32_t channels = filter->dims[1] * (uint32_t)groups;
    struct qm_graph_op op = window_op(n, QM_OP_TRANSPOSE_CONV, n->inputs[0], &window, channels, &out);
    op.inputs[1] = n->inputs[1];
    op.inputs[2] = n->inputs[2];
    op.input_count = n->inputs[2] != QM_NO_TENSOR ? 3 : 2;
    op.groups = (uint32_t)groups;
    if (op.input_count == 3 && qm_graph_elements(onnx_input(n, 2)) != channels) return onnx_refuse(n, "has not as many biases as channels");
    return onnx_put(n, onnx_emit_float(n, &op, &out));
}

/* ---- pools ---- */

static uint32_t emit_pool(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, const struct window *window) {
    if (in == QM_NO_TENSOR) return QM_NO_TENSOR;
    const struct qm_graph_tensor *x = &n->r->graph->tensors[in];
    struct qm_shape out;
    struct qm_graph_op op = window_op(n, kind, in, window, x->dims[1], &out);
    op.pads_counted = onnx_int(n, "count_include_pad", 0) != 0;
    if (op.pads_counted && onnx_int(n, "ceil_mode", 0) != 0)
        return onnx_refuse(n, "has count_include_pad and ceil_mode, whose last windows count what is in neither"), QM_NO_TENSOR;
    return onnx_emit(n, &op, &(struct onnx_element){.dtype = x->dtype, .bits = x->bits}, &out);
}

static uint32_t emit_windows(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in) {
    struct window window = {.kernel = {0, 0}};
    if (in == QM_NO_TENSOR) return QM_NO_TENSOR;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[in]);
    return read_window(n, &shape, NULL, &window) ? emit_pool(n, kind, in, &window) : QM_NO_TENSOR;
}

bool onnx_max_pool(const struct onnx_node *n) {
    if (onnx_int(n, "storage_order", 0) != 0) return onnx_refuse(n, "has a storage_order, which is not supported");
    return onnx_put(n, emit_windows(n, QM_OP_MAX_POOL_2D, n->inputs[0]));
}

bool onnx_average_pool(const struct onnx_node *n) {
    return onnx_put(n, emit_windows(n, QM_OP_AVERAGE_POOL_2D, n->inputs[0]));
}

/* The mean, or the largest, of each channel. */
static uint32_t emit_global(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in) {
    if (in == QM_NO_TENSOR) return QM_NO_TENSOR;
    const struct qm_graph_tensor *x = &n->r->graph->tensors[in];
    if (x->rank != 3 && x->rank != 4) return onnx_refuse(n, "works on %u dimensions; 3 and 4 are supported", x->rank), QM_NO_TENSOR;
    struct window whole = {
        .kernel = {x->rank == 4 ? x->dims[2] : 1, x->dims[x->rank - 1]}, .stride = {1, 1}, .dilation = {1, 1}, .out = {1, 1}};
    return emit_pool(n, kind, in, &whole);
}

bool onnx_global_pool(const struct onnx_node *n) {
    return onnx_put(n, emit_global(n, n->kinds[0], n->inputs[0]));
}

static bool qlinear_pool(const struct onnx_node *n, bool is_global) {
    if (onnx_int(n, "channels_last", 0) != 0) return onnx_refuse(n, "has channels_last, which is not supported");
    uint32_t in = onnx_emit_dequantize(n, n->inputs[0], 1, 0);
    uint32_t mean = is_global ? emit_global(n, QM_OP_AVERAGE_POOL_2D, in) : emit_windows(n, QM_OP_AVERAGE_POOL_2D, in);
    return onnx_put(n, onnx_emit_quantize(n, mean, 3, 0, onnx_zero_type(n, 4, onnx_zero_type(n, 0, ONNX_UINT8))));
}

bool onnx_qlinear_global_average_pool(const struct onnx_node *n) {
    return qlinear_pool(n, true);
}

bool onnx_qlinear_average_pool(const struct onnx_node *n) {
    return qlinear_pool(n, false);
}

/* ---- reductions ---- */

/* Of the tensor, which has the shape of input 0. */
static uint32_t emit_reduction(const struct onnx_node *n, uint32_t of) {
    struct qm_graph_op op = onnx_op(n, n->kinds[0], of);
    struct qm_shape in = onnx_shape(n, 0), out = {.rank = 0};
    bool keep = onnx_int(n, "keepdims", 1) != 0;
    if (of == QM_NO_TENSOR || !onnx_axes(n, in.rank, &op.axes)) return QM_NO_TENSOR;
    if (op.axes == 0 && onnx_int(n, "noop_with_empty_axes", 0) != 0) return of;
    if (op.axes == 0) op.axes = (1U << in.rank) - 1;
    for (uint32_t d = 0; d < in.rank; d++)
        if ((op.axes >> d & 1) == 0 || keep) out.dims[out.rank++] = (op.axes >> d & 1) != 0 ? 1 : in.dims[d];
    const struct qm_graph_tensor *x = &n->r->graph->tensors[of];
    return onnx_emit(n, &op, &(struct onnx_element){.dtype = x->quant.count > 0 ? QM_F32 : x->dtype}, &out);
}

bool onnx_reduce(const struct onnx_node *n) {
    return onnx_put(n, emit_reduction(n, n->inputs[0]));
}

/* The extreme of each channel of a map is that of one window. */
bool onnx_reduce_max(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0);
    uint32_t axes;
    if (!onnx_axes(n, in.rank, &axes)) return false;
    bool map = in.rank == 4 && axes == 0xC && in.dims[2] <= UINT8_MAX && in.dims[3] <= UINT8_MAX;
    if (!map) return onnx_reduce(n);
    uint32_t pooled = emit_global(n, QM_OP_MAX_POOL_2D, n->inputs[0]);
    bool keep = onnx_int(n, "keepdims", 1) != 0;
    return onnx_put(n, keep ? pooled : onnx_emit_reshape(n, pooled, &(struct qm_shape){2, {in.dims[0], in.dims[1]}}));
}

static uint32_t emit_function(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in) {
    struct qm_graph_op op = onnx_op(n, kind, in);
    return onnx_emit_same(n, &op);
}

/* The sum of a function of the elements, the second kind. */
static uint32_t emit_sum_of(const struct onnx_node *n) {
    return emit_reduction(n, emit_function(n, n->kinds[1], n->inputs[0]));
}

bool onnx_reduce_of(const struct onnx_node *n) {
    return onnx_put(n, emit_sum_of(n));
}

bool onnx_reduce_l2(const struct onnx_node *n) {
    return onnx_put(n, emit_function(n, QM_OP_SQRT, emit_sum_of(n)));
}
