/* onnx_draw_steps.c - see onnx_draw.h: operators that compute, on real numbers and on integers, and the tables of all steps. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/onnx_draw.h"

enum { PRODUCTS_MAX = 40000 };

static const char *joined(struct onnx_draw *d, const char *a, const char *b, const char *c) {
    return qm_arena_printf(d->b.arena, "%s %s%s%s", a, b, c != NULL ? " " : "", c != NULL ? c : "");
}

/* The extent along the channels' axis, which is 1. */
static uint32_t channels_of(const struct onnx_build_shape *shape) {
    return (uint32_t)shape->dims[1];
}

/* ---- windows ---- */

/* Attributes of a window over a map, and the shape of what it gives. */
struct window {
    int64_t kernel[2], strides[2], dilations[2], pads[4];
    uint32_t directions;
    const char *automatic; /* instead of pads; NULL: pads */
    bool ceiling;          /* the last window may reach beyond the pads */
};

static bool draw_window(struct onnx_draw *d, const struct onnx_build_shape *x, struct window *w, struct onnx_build_shape *y, bool dilated) {
    *w = (struct window){.directions = x->rank - 2};
    bool same_stride = onnx_draw_chance(d, 70), padded = onnx_draw_chance(d, 60), same = onnx_draw_chance(d, 8);
    if (same) w->automatic = onnx_draw_chance(d, 50) ? "SAME_UPPER" : "SAME_LOWER";
    for (uint32_t i = 0; i < w->directions; i++) {
        w->kernel[i] = 1 + onnx_draw_below(d, 4);
        w->strides[i] = i > 0 && same_stride      ? w->strides[0]
                        : onnx_draw_chance(d, 60) ? 1
                                                  : 1 + onnx_draw_below(d, onnx_draw_chance(d, 10) ? 350 : 3);
        w->dilations[i] = !dilated || !onnx_draw_chance(d, 15) ? 1 : w->kernel[i] > 1 ? 2 : 2 + onnx_draw_below(d, 300);
        w->pads[i] = padded ? onnx_draw_below(d, (uint32_t)w->kernel[i]) : 0;
        w->pads[i + w->directions] = padded ? onnx_draw_chance(d, 70) ? w->pads[i] : onnx_draw_below(d, (uint32_t)w->kernel[i]) : 0;
        int64_t room = x->dims[2 + i] + w->pads[i] + w->pads[i + w->directions] - (w->kernel[i] - 1) * w->dilations[i] - 1;
        if (room < 0 && !same) return false;
        y->dims[2 + i] = same ? (x->dims[2 + i] + w->strides[i] - 1) / w->strides[i] : room / w->strides[i] + 1;
    }
    return true;
}

static void put_window(struct onnx_draw *d, Onnx__NodeProto *node, const struct window *w) {
    onnx_build_ints(&d->b, node, "kernel_shape", w->directions, w->kernel);
    onnx_build_ints(&d->b, node, "strides", w->directions, w->strides);
    if (w->automatic != NULL)
        onnx_build_string(&d->b, node, "auto_pad", w->automatic);
    else
        onnx_build_ints(&d->b, node, "pads", 2 * w->directions, w->pads);
    if (w->ceiling) onnx_build_int(&d->b, node, "ceil_mode", 1);
    if (w->dilations[0] != 1 || w->dilations[1] > 1) onnx_build_ints(&d->b, node, "dilations", w->directions, w->dilations);
}

/* One window more in a direction where strides do not end at the pads, if it begins before them. */
static void draw_ceiling(struct onnx_draw *d, const struct onnx_build_shape *x, struct window *w, struct onnx_build_shape *y) {
    if (w->automatic != NULL || !onnx_draw_chance(d, 20)) return;
    w->ceiling = true;
    for (uint32_t i = 0; i < w->directions; i++) {
        int64_t front = x->dims[2 + i] + w->pads[i], room = front + w->pads[i + w->directions] - w->kernel[i];
        bool more = room % w->strides[i] != 0 && y->dims[2 + i] * w->strides[i] < front;
        y->dims[2 + i] += more;
    }
}

bool onnx_draw_pool(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct window w;
    if (x->shape.rank < 3 || x->shape.rank > 4) return false;
    if (onnx_draw_chance(d, 30)) {
        for (uint32_t i = 2; i < x->shape.rank; i++) y->shape.dims[i] = 1;
        onnx_draw_node(d, "GlobalAveragePool", x->name, &y->name);
        onnx_draw_note(d, "GlobalAveragePool");
        return true;
    }
    if (!draw_window(d, &x->shape, &w, &y->shape, false)) return false;
    bool maximum = onnx_draw_chance(d, 50);
    const char *op = maximum ? "MaxPool" : "AveragePool";
    draw_ceiling(d, &x->shape, &w, &y->shape);
    Onnx__NodeProto *node = onnx_draw_node(d, op, x->name, &y->name);
    put_window(d, node, &w);
    if (!maximum && !w.ceiling && onnx_draw_chance(d, 75)) onnx_build_int(&d->b, node, "count_include_pad", 1);
    y->quant = maximum ? x->quant : NULL;
    onnx_draw_note(d, w.ceiling ? qm_arena_printf(d->b.arena, "%s-ceiling", op) : op);
    return true;
}

/* A convolution: groups and the shapes of its weights and of what it gives. */
struct convolution {
    struct window window;
    struct onnx_draw_weights weights;
    uint32_t groups;
};

static bool draw_convolution(struct onnx_draw *d, const struct onnx_build_shape *x, struct convolution *o, struct onnx_build_shape *y) {
    if (x->rank < 3 || x->rank > 4 || !draw_window(d, x, &o->window, y, true)) return false;
    uint32_t channels = channels_of(x), way = onnx_draw_below(d, 10), out = 1 + onnx_draw_below(d, 12);
    o->groups = way < 3 ? channels : way < 4 && channels % 2 == 0 ? 2 : 1;
    if (o->groups > 1) out = o->groups * (o->groups == channels && onnx_draw_chance(d, 80) ? 1 : 1 + onnx_draw_below(d, 3));
    o->weights = (struct onnx_draw_weights){.shape = {x->rank, {out, channels / o->groups}}, .axis = 0, .channels = out};
    for (uint32_t i = 0; i < o->window.directions; i++) o->weights.shape.dims[2 + i] = o->window.kernel[i];
    y->dims[1] = out;
    size_t taps = onnx_draw_elements(&o->weights.shape) / out;
    return onnx_draw_elements(y) * taps <= PRODUCTS_MAX;
}

static const char *convolution_name(const struct convolution *o, uint32_t rank) {
    if (rank == 3) return o->groups > 1 ? "Conv1d-groups" : "Conv1d";
    return o->groups == 1 ? "Conv" : o->weights.shape.dims[1] == 1 ? "Conv-depthwise" : "Conv-groups";
}

/* What sums of products of 8-bit numbers are like. */
static void spread_sums(struct onnx_draw_value *y, double x_scale, const struct onnx_draw_weights *w) {
    size_t taps = onnx_draw_elements(&w->shape) / (size_t)w->shape.dims[w->axis];
    y->unit = x_scale * w->scales[0];
    y->spread = y->unit * 70 * 70 * sqrt((double)taps);
}

/* A convolution of x, whose constants are drawn; no bias: NULL. */
static void convolve(struct onnx_draw *d, const struct convolution *o, const char *bias, const struct onnx_draw_value *x,
                     struct onnx_draw_value *y) {
    Onnx__NodeProto *node = onnx_draw_node(d, "Conv", joined(d, x->name, o->weights.name, bias), &y->name);
    put_window(d, node, &o->window);
    if (o->groups > 1) onnx_build_int(&d->b, node, "group", o->groups);
    spread_sums(y, (double)x->quant->scale, &o->weights);
}

static bool conv(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct convolution o;
    if (x->quant == NULL || !draw_convolution(d, &x->shape, &o, &y->shape)) return false;
    onnx_draw_note(d, convolution_name(&o, x->shape.rank));
    onnx_draw_weights(d, &o.weights, true);
    const char *bias = onnx_draw_bias(d, &o.weights, (double)x->quant->scale, true);
    convolve(d, &o, bias, x, y);
    return true;
}

/* The sum of two convolutions by the same constants: of x and of what is above zero of it. */
static bool conv_twice(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct convolution o;
    struct onnx_draw_value above = *x, sums[2] = {*y, *y};
    if (x->quant == NULL || !draw_convolution(d, &x->shape, &o, &sums[0].shape)) return false;
    sums[1].shape = y->shape = sums[0].shape;
    onnx_draw_node(d, "Relu", x->name, &above.name);
    above = onnx_draw_dequantize(d, onnx_draw_quantize(d, &above, x->quant));
    onnx_draw_weights(d, &o.weights, true);
    const char *bias = onnx_draw_bias(d, &o.weights, (double)x->quant->scale, true);
    convolve(d, &o, bias, x, &sums[0]);
    sums[0] = onnx_draw_dequantize(d, onnx_draw_quantize(d, &sums[0], NULL));
    convolve(d, &o, bias, &above, &sums[1]);
    sums[1] = onnx_draw_dequantize(d, onnx_draw_quantize(d, &sums[1], onnx_draw_chance(d, 60) ? sums[0].quant : NULL));
    onnx_draw_node(d, "Add", joined(d, sums[0].name, sums[1].name, NULL), &y->name);
    onnx_draw_note(d, "Conv-twice");
    y->spread = sums[0].spread;
    y->unit = sums[0].unit;
    return true;
}

/* Attributes of a transposed convolution in one direction; the extent that it gives, below 1 when none. */
static int64_t spread_direction(struct onnx_draw *d, struct window *w, uint32_t i, int64_t extent, int64_t *more) {
    w->kernel[i] = 1 + onnx_draw_below(d, 4);
    w->strides[i] = 1 + onnx_draw_below(d, 3);
    w->dilations[i] = onnx_draw_chance(d, 20) ? 2 + onnx_draw_below(d, 2) : 1;
    *more = onnx_draw_chance(d, 30) ? onnx_draw_below(d, (uint32_t)w->strides[i]) : 0;
    int64_t reach = (w->kernel[i] - 1) * w->dilations[i], whole = (extent - 1) * w->strides[i] + reach + 1 + *more;
    int64_t far = onnx_draw_chance(d, 15) ? (extent - 1) * w->strides[i] : 0; /* pads may cut more than the filter reaches */
    if (w->automatic != NULL) return extent * w->strides[i] <= whole ? extent * w->strides[i] : 0;
    for (uint32_t side = 0; side < 2; side++)
        whole -= w->pads[i + side * w->directions] = onnx_draw_below(d, (uint32_t)(reach + (side == 0 ? far : 0) + 1));
    return whole;
}

/* The bias of all groups, each of which has the weights' scales. */
static const char *bias_of_groups(struct onnx_draw *d, const struct onnx_draw_weights *w, uint32_t groups, double x_scale) {
    struct onnx_draw_weights all = *w;
    uint32_t own = (uint32_t)w->shape.dims[w->axis];
    double *scales = QM_ARENA_NEW(d->b.arena, double, own *groups);
    for (uint32_t c = 0; c < own * groups; c++) scales[c] = w->scales[w->channels > 1 ? c % own : 0];
    all.scales = scales;
    all.shape.dims[w->axis] = own * groups;
    if (w->channels > 1) all.channels = own * groups;
    return onnx_draw_bias(d, &all, x_scale, true);
}

/* Groups that so many channels come in: mostly one, sometimes one a channel. */
static uint32_t draw_groups(struct onnx_draw *d, uint32_t channels) {
    uint32_t way = onnx_draw_below(d, 10);
    for (uint32_t groups = 2; way == 0 && groups < channels; groups++)
        if (channels % groups == 0) return groups;
    return way == 1 || way == 2 ? channels : 1;
}

bool onnx_draw_conv_transpose(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct window w = {.directions = x->shape.rank - 2};
    uint32_t channels = channels_of(&x->shape), groups = draw_groups(d, channels), out = 1 + onnx_draw_below(d, 6);
    int64_t more[2];
    bool sized = onnx_draw_chance(d, 15);
    if (x->quant == NULL || x->shape.rank < 3 || x->shape.rank > 4) return false;
    struct onnx_draw_weights weights = {.shape = {x->shape.rank, {channels, out}}, .axis = 1, .channels = out};
    if (onnx_draw_chance(d, 15)) w.automatic = onnx_draw_chance(d, 50) ? "SAME_UPPER" : "SAME_LOWER";
    for (uint32_t i = 0; i < w.directions; i++) {
        y->shape.dims[2 + i] = spread_direction(d, &w, i, x->shape.dims[2 + i], &more[i]);
        if (y->shape.dims[2 + i] < 1) return false;
        weights.shape.dims[2 + i] = w.kernel[i];
    }
    y->shape.dims[1] = out * groups;
    if (onnx_draw_elements(&x->shape) * out * (size_t)(w.kernel[0] * w.kernel[w.directions - 1]) > PRODUCTS_MAX) return false;
    onnx_draw_weights(d, &weights, true);
    const char *bias = bias_of_groups(d, &weights, groups, (double)x->quant->scale);
    Onnx__NodeProto *node = onnx_draw_node(d, "ConvTranspose", joined(d, x->name, weights.name, bias), &y->name);
    put_window(d, node, &w);
    if (sized) onnx_build_ints(&d->b, node, "output_shape", w.directions, y->shape.dims + 2); /* pads do not count then */
    if (more[0] + more[w.directions - 1] > 0) onnx_build_ints(&d->b, node, "output_padding", w.directions, more);
    if (groups > 1) onnx_build_int(&d->b, node, "group", groups);
    onnx_draw_note(d, groups > 1 ? "ConvTranspose-groups" : "ConvTranspose");
    spread_sums(y, (double)x->quant->scale, &weights);
    return true;
}

/* ---- matrices ---- */

static bool gemm(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t depth = channels_of(&x->shape), columns = 1 + onnx_draw_below(d, 24);
    bool turned = onnx_draw_chance(d, 60);
    if (x->quant == NULL || x->shape.rank != 2) return false;
    struct onnx_draw_weights w = {.shape = {2, {turned ? columns : depth, turned ? depth : columns}}, .axis = !turned, .channels = columns};
    onnx_draw_note(d, "Gemm");
    onnx_draw_weights(d, &w, true);
    y->shape.dims[1] = columns;
    spread_sums(y, (double)x->quant->scale, &w);
    bool is_bias = onnx_draw_chance(d, 75);
    const char *added = is_bias ? onnx_draw_bias(d, &w, (double)x->quant->scale, true) : onnx_draw_addend(d, &y->shape, y->spread);
    Onnx__NodeProto *node = onnx_draw_node(d, "Gemm", joined(d, x->name, w.name, added), &y->name);
    if (turned) onnx_build_int(&d->b, node, "transB", 1);
    if (onnx_draw_chance(d, 92)) return true;
    onnx_build_float(&d->b, node, "alpha", (float)onnx_draw_magnitude(d, 0.2, 4));
    onnx_build_float(&d->b, node, "beta", (float)onnx_draw_magnitude(d, 0.2, 4));
    onnx_draw_note(d, "alpha");
    return true;
}

/* Weights of MatMul; now and then they are stored by rows of the result and transposed, as from a linear layer of PyTorch. */
static const char *matrix(struct onnx_draw *d, struct onnx_draw_weights *w) {
    const char *name;
    if (onnx_draw_chance(d, 85)) {
        onnx_draw_weights(d, w, true);
        return w->name;
    }
    w->shape = (struct onnx_build_shape){2, {w->shape.dims[1], w->shape.dims[0]}};
    w->axis = 0;
    onnx_draw_weights(d, w, true);
    onnx_build_ints(&d->b, onnx_draw_node(d, "Transpose", w->name, &name), "perm", 2, (int64_t[]){1, 0});
    onnx_draw_note(d, "transposed-weights");
    return name;
}

static bool matmul(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t last = x->shape.rank - 1, columns = 1 + onnx_draw_below(d, 16);
    struct onnx_draw_weights w = {.shape = {2, {x->shape.dims[last], columns}}, .axis = 1, .channels = columns};
    y->shape.dims[last] = columns;
    if (x->quant == NULL || onnx_draw_elements(&y->shape) * (size_t)x->shape.dims[last] > PRODUCTS_MAX) return false;
    onnx_draw_note(d, x->shape.rank == 2 ? "MatMul" : x->shape.rank == 3 ? "MatMul-3d" : "MatMul-4d");
    onnx_draw_node(d, "MatMul", joined(d, x->name, matrix(d, &w), NULL), &y->name);
    spread_sums(y, (double)x->quant->scale, &w);
    const char *bias = onnx_draw_bias(d, &w, (double)x->quant->scale, true);
    if (bias == NULL) return true;
    onnx_draw_note(d, "bias");
    onnx_draw_node(d, "Add", onnx_draw_chance(d, 50) ? joined(d, y->name, bias, NULL) : joined(d, bias, y->name, NULL), &y->name);
    return true;
}

/* ---- constants ---- */

/* A shape that meets x as one number, one a channel, or one an element of the last dimension; its name in a kind. */
static struct onnx_build_shape operand_shape(struct onnx_draw *d, const struct onnx_build_shape *x, const char **kind) {
    bool whole = onnx_draw_chance(d, 40); /* of the rank of x */
    struct onnx_build_shape shape = {x->rank - !whole, {0}};
    uint32_t way = onnx_draw_below(d, 10);
    for (uint32_t i = 0; i < shape.rank; i++) shape.dims[i] = 1;
    *kind = way < 4 ? "number" : way < 9 || x->rank == 2 ? "channels" : "last";
    if (way < 4) return whole ? shape : (struct onnx_build_shape){onnx_draw_below(d, 2), {1}};
    shape.dims[way < 9 ? whole : shape.rank - 1] = x->dims[way < 9 ? 1 : x->rank - 1];
    return shape;
}

static const double *drawn(struct onnx_draw *d, size_t count, double low, double high, bool negative) {
    double *values = QM_ARENA_NEW(d->b.arena, double, count + 1);
    bool awkward = onnx_draw_chance(d, 25);
    for (size_t i = 0; i < count; i++) {
        double x = onnx_draw_magnitude(d, low, high);
        if (awkward) x = exp2(nearbyint(log2(x)));
        values[i] = negative && onnx_draw_chance(d, 50) ? -x : x;
    }
    return values;
}

static bool with_constant(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div"};
    const char *op = ops[onnx_draw_below(d, 4)], *kind;
    bool adds = op[0] == 'A' || op[0] == 'S', turned = op[0] != 'D' && onnx_draw_chance(d, 20);
    struct onnx_build_shape shape = operand_shape(d, &x->shape, &kind);
    size_t count = onnx_draw_elements(&shape);
    const double *values =
        adds ? drawn(d, count, x->spread * 0.02, x->spread * 2, true) : drawn(d, count, 0.05, 4, onnx_draw_chance(d, 30));
    const char *constant = onnx_draw_constant(d, shape, values);
    onnx_draw_node(d, op, turned ? joined(d, constant, x->name, NULL) : joined(d, x->name, constant, NULL), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "%s-%s", op, kind));
    y->unit = adds ? x->unit : 0;
    y->spread = adds ? x->spread + fabs(values[0]) : op[0] == 'M' ? x->spread * fabs(values[0]) : x->spread / fabs(values[0]);
    return true;
}

static const char *channel_constant(struct onnx_draw *d, uint32_t channels, double low, double high, bool negative) {
    return onnx_draw_constant(d, (struct onnx_build_shape){1, {channels}}, drawn(d, channels, low, high, negative));
}

static bool batch_normalization(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t channels = channels_of(&x->shape);
    if (x->shape.rank < 3 && onnx_draw_chance(d, 70)) return false;
    const char *gamma = channel_constant(d, channels, 0.3, 3, onnx_draw_chance(d, 20)),
               *beta = channel_constant(d, channels, 0.05, 2, true);
    const char *mean = channel_constant(d, channels, x->spread * 0.05, x->spread, true);
    const char *variance = onnx_draw_name(d, "c");
    onnx_build_constant(&d->b, variance, 1, (struct onnx_build_shape){1, {channels}},
                        drawn(d, channels, x->spread * x->spread * 0.25, x->spread * x->spread * 4, false));
    const char *operands = qm_arena_printf(d->b.arena, "%s %s %s %s %s", x->name, gamma, beta, mean, variance);
    Onnx__NodeProto *node = onnx_draw_node(d, "BatchNormalization", operands, &y->name);
    if (onnx_draw_chance(d, 50)) onnx_build_float(&d->b, node, "epsilon", 0.001F);
    onnx_draw_note(d, "BatchNormalization");
    y->spread = 2;
    return true;
}

/* ---- functions ---- */

static bool clip(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    bool low = onnx_draw_chance(d, 85), high = !low || onnx_draw_chance(d, 85), relu6 = onnx_draw_chance(d, 30);
    double limits[2] = {relu6 ? 0 : -onnx_draw_magnitude(d, 0.05, 1.5) * x->spread,
                        relu6 ? 6 : onnx_draw_magnitude(d, 0.05, 1.5) * x->spread};
    const char *names[2] = {"-", "-"};
    for (int i = 0; i < 2; i++)
        if (i == 0 ? low : high)
            onnx_build_constant(&d->b, names[i] = onnx_draw_name(d, "c"), 1, (struct onnx_build_shape){0, {0}}, &limits[i]);
    onnx_draw_node(d, "Clip", high ? joined(d, x->name, names[0], names[1]) : joined(d, x->name, names[0], NULL), &y->name);
    onnx_draw_note(d, "Clip");
    return true;
}

static bool leaky(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    if (onnx_draw_chance(d, 50)) {
        Onnx__NodeProto *node = onnx_draw_node(d, "LeakyRelu", x->name, &y->name);
        if (onnx_draw_chance(d, 80)) onnx_build_float(&d->b, node, "alpha", (float)onnx_draw_magnitude(d, 0.005, 0.8));
        onnx_draw_note(d, "LeakyRelu");
        return true;
    }
    const char *kind;
    struct onnx_build_shape shape = operand_shape(d, &x->shape, &kind);
    const char *slope = onnx_draw_constant(d, shape, drawn(d, onnx_draw_elements(&shape), 0.01, 1, onnx_draw_chance(d, 20)));
    onnx_draw_node(d, "PRelu", joined(d, x->name, slope, NULL), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "PRelu-%s", kind));
    return true;
}

/* ---- two tensors ---- */

const struct onnx_draw_flow *onnx_draw_other_flow(struct onnx_draw *d, const struct onnx_build_shape *shape,
                                                  const struct onnx_draw_quant * not, int32_t type) {
    for (uint32_t i = 0; i < d->flow_count; i++) {
        const struct onnx_draw_flow *flow = &d->flows[i];
        bool fits = memcmp(&flow->shape, shape, sizeof *shape) == 0 && (type == 0 || type == flow->quant.type);
        if (fits && &flow->quant != not &&onnx_draw_chance(d, 60)) return flow;
    }
    return d->input_count < 3 ? onnx_draw_input(d, shape, type) : NULL;
}

static bool with_tensor(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Add", "Add", "Sub", "Mul"};
    const char *op = ops[onnx_draw_below(d, 4)];
    const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, &x->shape, x->quant, 0);
    if (flow == NULL) return false;
    struct onnx_draw_value other = onnx_draw_dequantize(d, flow);
    bool turned = onnx_draw_chance(d, 50);
    onnx_draw_node(d, op, turned ? joined(d, other.name, x->name, NULL) : joined(d, x->name, other.name, NULL), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "%s-tensors", op));
    y->spread = op[0] == 'M' ? x->spread * other.spread : fmax(x->spread, other.spread);
    y->unit = op[0] == 'M' ? x->unit * other.unit : other.unit;
    return true;
}

const struct onnx_draw_steps onnx_draw_first_steps[] = {{conv, 26},
                                                        {conv_twice, 3},
                                                        {gemm, 20},
                                                        {matmul, 10},
                                                        {with_constant, 10},
                                                        {with_tensor, 8},
                                                        {batch_normalization, 4},
                                                        {onnx_draw_relu, 2},
                                                        {clip, 3},
                                                        {leaky, 4},
                                                        {onnx_draw_curve, 5},
                                                        {onnx_draw_function, 5},
                                                        {onnx_draw_conv_transpose, 5},
                                                        {onnx_draw_vectors, 5},
                                                        {onnx_draw_pool, 7},
                                                        {onnx_draw_concat, 4},
                                                        {onnx_draw_transpose, 2},
                                                        {onnx_draw_reshape, 2},
                                                        {onnx_draw_flatten, 2},
                                                        {onnx_draw_pad, 3},
                                                        {onnx_draw_slice, 2},
                                                        {onnx_draw_split, 2},
                                                        {onnx_draw_reduce_mean, 4},
                                                        {onnx_draw_resize, 2},
                                                        {onnx_draw_only_quantize, 3},
                                                        {onnx_draw_quant_node, 3},
                                                        {NULL, 0}};
const struct onnx_draw_steps onnx_draw_next_steps[] = {{onnx_draw_relu, 30},
                                                       {clip, 12},
                                                       {leaky, 6},
                                                       {onnx_draw_curve, 6},
                                                       {with_constant, 12},
                                                       {batch_normalization, 8},
                                                       {onnx_draw_pool, 6},
                                                       {onnx_draw_transpose, 2},
                                                       {onnx_draw_reshape, 2},
                                                       {onnx_draw_flatten, 2},
                                                       {onnx_draw_quant_node, 4},
                                                       {NULL, 0}};
const struct onnx_draw_steps onnx_draw_float_steps[] = {{with_constant, 30},
                                                        {onnx_draw_relu, 8},
                                                        {clip, 6},
                                                        {leaky, 6},
                                                        {onnx_draw_curve, 10},
                                                        {onnx_draw_gate, 10},
                                                        {onnx_draw_turned, 6},
                                                        {onnx_draw_cut, 6},
                                                        {onnx_draw_quant_node, 6},
                                                        {onnx_draw_power, 6},
                                                        {onnx_draw_pad, 8},
                                                        {onnx_draw_transpose, 8},
                                                        {onnx_draw_slice, 4},
                                                        {onnx_draw_reshape, 4},
                                                        {onnx_draw_pool, 6},
                                                        {NULL, 0}};

/* ---- on integers ---- */

static const char *integer_operands(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    return joined(d, x->name, x->quant.scale_name, x->quant.zero_name);
}

/* Adds the node that makes a flow of sums of such a spread; x not NULL: of its type. */
static Onnx__NodeProto *integer_node(struct onnx_draw *d, const char *op, const char *operands, struct onnx_draw_value *y,
                                     const struct onnx_draw_flow *x) {
    struct onnx_draw_quant quant = onnx_draw_quant(d, y->spread, y->unit, x != NULL ? x->quant.type : 0);
    const char *name = qm_arena_printf(d->b.arena, "q%u.%s", d->serial++, d->kind);
    operands = qm_arena_printf(d->b.arena, operands, qm_arena_printf(d->b.arena, "%s %s", quant.scale_name, quant.zero_name));
    Onnx__NodeProto *node = onnx_build_node(&d->b, op, operands, name);
    onnx_draw_flow(d, name, &y->shape, &quant);
    return node;
}

static bool qlinear_conv(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    struct convolution o;
    struct onnx_draw_value y = {.shape = x->shape};
    if (!draw_convolution(d, &x->shape, &o, &y.shape)) return false;
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "QLinear%s", convolution_name(&o, x->shape.rank)));
    onnx_draw_weights(d, &o.weights, false);
    const char *bias = onnx_draw_bias(d, &o.weights, (double)x->quant.scale, false);
    spread_sums(&y, (double)x->quant.scale, &o.weights);
    const char *operands = qm_arena_printf(d->b.arena, "%s %s %s %s %%s%s%s", integer_operands(d, x), o.weights.integers, o.weights.scale,
                                           o.weights.zero, bias != NULL ? " " : "", bias != NULL ? bias : "");
    Onnx__NodeProto *node = integer_node(d, "QLinearConv", operands, &y, NULL);
    put_window(d, node, &o.window);
    if (o.groups > 1) onnx_build_int(&d->b, node, "group", o.groups);
    return true;
}

static bool qlinear_matmul(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    uint32_t last = x->shape.rank - 1, columns = 1 + onnx_draw_below(d, 16);
    struct onnx_draw_weights w = {.shape = {2, {x->shape.dims[last], columns}}, .axis = 1, .channels = columns};
    struct onnx_draw_value y = {.shape = x->shape};
    y.shape.dims[last] = columns;
    if (onnx_draw_elements(&y.shape) * (size_t)x->shape.dims[last] > PRODUCTS_MAX) return false;
    onnx_draw_note(d, "QLinearMatMul");
    onnx_draw_weights(d, &w, false);
    spread_sums(&y, (double)x->quant.scale, &w);
    integer_node(d, "QLinearMatMul", qm_arena_printf(d->b.arena, "%s %s %s %s %%s", integer_operands(d, x), w.integers, w.scale, w.zero),
                 &y, NULL);
    return true;
}

static bool qlinear_binary(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    const char *op = onnx_draw_chance(d, 60) ? "QLinearAdd" : "QLinearMul";
    const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, &x->shape, &x->quant, x->quant.type);
    if (flow == NULL) return false;
    bool product = op[7] == 'M';
    struct onnx_draw_value y = {.shape = x->shape, .unit = (double)(product ? x->quant.scale * flow->quant.scale : x->quant.scale)};
    y.spread = product ? y.unit * 4900 : 70 * (double)fmaxf(x->quant.scale, flow->quant.scale);
    onnx_draw_note(d, op);
    Onnx__NodeProto *node =
        integer_node(d, op, qm_arena_printf(d->b.arena, "%s %s %%s", integer_operands(d, x), integer_operands(d, flow)), &y, x);
    node->domain = qm_arena_strdup(d->b.arena, "com.microsoft");
    return true;
}

static bool qgemm(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    uint32_t columns = 1 + onnx_draw_below(d, 24), depth = channels_of(&x->shape);
    bool turned = onnx_draw_chance(d, 60);
    if (x->shape.rank != 2) return false;
    struct onnx_draw_weights w = {.shape = {2, {turned ? columns : depth, turned ? depth : columns}}, .axis = !turned, .channels = columns};
    struct onnx_draw_value y = {.shape = {2, {x->shape.dims[0], columns}}};
    onnx_draw_note(d, "QGemm");
    onnx_draw_weights(d, &w, false);
    const char *bias = onnx_draw_bias(d, &w, (double)x->quant.scale, false);
    spread_sums(&y, (double)x->quant.scale, &w);
    Onnx__NodeProto *node = integer_node(
        d, "QGemm",
        qm_arena_printf(d->b.arena, "%s %s %s %s %s %%s", integer_operands(d, x), w.integers, w.scale, w.zero, bias != NULL ? bias : "-"),
        &y, NULL);
    node->domain = qm_arena_strdup(d->b.arena, "com.microsoft");
    if (turned) onnx_build_int(&d->b, node, "transB", 1);
    return true;
}

static bool qlinear_concat(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    uint32_t axis = 1 + onnx_draw_below(d, x->shape.rank - 1);
    struct onnx_draw_value y = {.shape = x->shape, .spread = 70 * (double)x->quant.scale};
    struct onnx_build_shape shape = x->shape;
    if (d->input_count > 2) return false;
    shape.dims[axis] = 1 + onnx_draw_below(d, 6);
    y.shape.dims[axis] += shape.dims[axis];
    const struct onnx_draw_flow *other = onnx_draw_input(d, &shape, x->quant.type);
    onnx_draw_note(d, "QLinearConcat");
    uint32_t rounds = onnx_draw_rounds(d, onnx_draw_elements(&y.shape));
    y.shape.dims[axis] *= rounds;
    const char *parts = qm_arena_printf(d->b.arena, "%s %s", integer_operands(d, x), integer_operands(d, other));
    Onnx__NodeProto *node =
        integer_node(d, "QLinearConcat", qm_arena_printf(d->b.arena, "%%s %s", onnx_draw_again(d, parts, rounds)), &y, x);
    node->domain = qm_arena_strdup(d->b.arena, "com.microsoft");
    onnx_build_int(&d->b, node, "axis", axis);
    return true;
}

static bool qlinear_unary(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    static const char *const ops[] = {"QLinearLeakyRelu", "QLinearSigmoid", "QLinearAveragePool", "QLinearGlobalAveragePool",
                                      "QLinearSoftmax"};
    uint32_t which = onnx_draw_below(d, 5);
    struct onnx_draw_value y = {.shape = x->shape, .spread = which == 1 || which == 4 ? 0.5 : 70 * (double)x->quant.scale};
    struct window w;
    if ((which == 2 || which == 3) && (x->shape.rank < 3 || x->shape.rank > 4)) return false;
    if (which == 2 && !draw_window(d, &x->shape, &w, &y.shape, false)) return false;
    for (uint32_t i = 2; which == 3 && i < x->shape.rank; i++) y.shape.dims[i] = 1;
    onnx_draw_note(d, ops[which]);
    const char *operands = qm_arena_printf(d->b.arena, "%s %%s", integer_operands(d, x));
    Onnx__NodeProto *node = integer_node(d, ops[which], operands, &y, x);
    node->domain = qm_arena_strdup(d->b.arena, "com.microsoft");
    if (which == 0) onnx_build_float(&d->b, node, "alpha", (float)onnx_draw_magnitude(d, 0.005, 0.8));
    if (which == 2) put_window(d, node, &w);
    if (which == 4) onnx_build_int(&d->b, node, "axis", x->shape.rank - 1);
    if (which == 4) onnx_build_int(&d->b, node, "opset", 13);
    return true;
}

/* Operators that only move or compare work on the integers as they are. */
static bool integer_move(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    static onnx_draw_step *const moves[] = {onnx_draw_transpose, onnx_draw_reshape, onnx_draw_flatten,
                                            onnx_draw_slice,     onnx_draw_split,   onnx_draw_pool};
    struct onnx_draw_value in = {.name = x->name, .shape = x->shape, .quant = &x->quant}, y = in;
    struct window w;
    uint32_t which = onnx_draw_below(d, 6);
    if (which < 5 && !moves[which](d, &in, &y)) return false;
    if (which == 5) {
        if (x->shape.rank < 3 || x->shape.rank > 4 || !draw_window(d, &x->shape, &w, &y.shape, false)) return false;
        put_window(d, onnx_draw_node(d, "MaxPool", x->name, &y.name), &w);
        onnx_draw_note(d, "MaxPool");
    }
    const char *name = qm_arena_printf(d->b.arena, "q%u.%s-integers", d->serial++, d->kind);
    d->b.nodes[d->b.graph.n_node - 1]->output[0] = qm_arena_strdup(d->b.arena, name);
    onnx_draw_flow(d, name, &y.shape, &x->quant);
    return true;
}

const struct onnx_draw_integer_steps onnx_draw_integer_step_table[] = {
    {qlinear_conv, 50},  {qlinear_matmul, 20}, {qgemm, 15},        {qlinear_binary, 20},
    {qlinear_concat, 6}, {qlinear_unary, 12},  {integer_move, 20}, {NULL, 0}};
