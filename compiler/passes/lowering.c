/* lowering.c - one convolution, several matrix products, which differ in how many rows and columns of the array they fill.
 *
 *   taps      one run per tap, of the input channels
 *   runs      the taps of a window row touch and are one run (x dilation 1)
 *   group     g neighbouring positions are one with g times the channels: the window grows to (g - 1) * stride + kw taps, and weights
 *             outside a position's own taps are zero. For few output channels.
 *   im2col    COPY gathers the window first, so that all of K is one run. For few input channels.
 *   depthwise the array's own mode; or runs and groups with zeros between channels, when a row of taps fits in few pieces
 *   folded    depthwise with fewer channels than columns: a chain runs down the map, and neighbouring positions of its row stand side by
 *             side in the columns. Positions at the sides, whose windows leave the map, stand alone
 *
 * Computed weights lie as they are computed, so that only taps can have them.
 * Zeros need weights that can be zero, and a group outputs that end at a byte. weights.c has the weights of all lowerings.
 */
#include "common/precision.h"
#include "compiler/passes/passes.h"

struct plan_window lowering_window(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *in = &plan->network->values[l->inputs[0]], *out = &plan->network->values[l->output];
    uint32_t pixel = qm_value_pixel_bytes(in);
    return (struct plan_window){
        .in_rows = in->h,
        .in_row_bytes = in->w * pixel,
        .kernel_h = l->kernel_h,
        .kernel_w = l->kernel_w,
        .run_bytes = pixel,
        .y_start = -(int32_t)l->pad_top,
        .x_start = -(int32_t)(l->pad_left * pixel),
        .y_stride = l->stride_h,
        .x_stride = l->stride_w * pixel,
        .y_dilation = l->dilation_h,
        .x_dilation = l->dilation_w * pixel,
        .out_h = out->h,
        .out_w = out->w,
    };
}

uint32_t lowering_depth(const struct plan_lowering *lowering) {
    const struct plan_window *w = &lowering->window;
    return w->kernel_h * w->kernel_w * (lowering->depthwise ? 1 : w->run_bytes);
}

uint32_t lowering_matrix_h(const struct plan_lowering *lowering) {
    return lowering->window.out_h / lowering->matrices;
}

int32_t lowering_correction(int32_t missing) {
    return missing < INT8_MIN ? INT8_MIN : missing;
}

/* One for the products, and as many as correct them. */
static uint32_t count_passes(const struct qm_layer *l) {
    uint32_t passes = 1;
    for (int32_t missing = qm_layer_is_product(l) ? -l->in_zero : 0; missing != 0; passes++) missing -= lowering_correction(missing);
    return passes;
}

uint32_t lowering_kernel_rows(const struct plan_lowering *lowering) {
    return lowering->window.kernel_h * (lowering->twice ? 2 : 1);
}

uint32_t lowering_rows(const struct plan_lowering *lowering, uint32_t kernel_h, uint32_t run) {
    uint32_t taps = kernel_h * lowering->window.kernel_w, width = (uint32_t)qm_precision_sizes(lowering->precision).bytes;
    if (lowering->depthwise) return taps;
    return lowering->im2col ? plan_ceil_div(taps * run, width) : taps * plan_ceil_div(run, width);
}

uint32_t lowering_row_bytes(const struct plan_lowering *lowering, uint32_t channels) {
    struct qm_precision sizes = qm_precision_sizes(lowering->precision);
    uint32_t cell_bits = (uint32_t)(sizes.bytes * sizes.activations * sizes.weight_bits);
    return plan_bytes(channels, cell_bits);
}

uint64_t lowering_weight_bytes(const struct qm_machine *machine, const struct plan_lowering *lowering, uint32_t rows, uint32_t channels) {
    uint32_t tile = qm_machine_tile(machine, lowering->depthwise);
    uint64_t of_row = (uint64_t)(channels / tile) * lowering_row_bytes(lowering, tile) + lowering_row_bytes(lowering, channels % tile);
    return rows * of_row;
}

/* Windows that lie one behind the other cover the map like one long column of positions. */
static void flatten(struct plan_lowering *lowering) {
    struct plan_window *w = &lowering->window;
    bool abut = w->kernel_h == 1 && w->kernel_w == 1 && w->y_stride == 1 && w->x_stride == w->run_bytes;
    if (!abut || w->x_start != 0 || w->y_start != 0 || w->out_h != w->in_rows || w->out_w * w->x_stride != w->in_row_bytes) return;
    w->out_h *= w->out_w;
    w->in_rows = w->out_h;
    w->in_row_bytes = w->run_bytes;
    w->out_w = 1;
}

static struct plan_lowering as_runs(const struct plan_lowering *taps, const struct plan_window *tap_window, uint32_t group) {
    struct plan_lowering lowering = *taps;
    struct plan_window *w = &lowering.window;
    *w = *tap_window;
    w->run_bytes = (group - 1) * w->x_stride + w->kernel_w * w->run_bytes;
    w->kernel_w = 1;
    w->x_stride *= group;
    w->out_w /= group;
    lowering.depthwise = false;
    lowering.group = group;
    lowering.channels *= group;
    return lowering;
}

bool lowering_is_folded(const struct plan_lowering *lowering) {
    return lowering->depthwise && lowering->group > 1;
}

uint32_t lowering_stretches(const struct plan_lowering *lowering, struct plan_stretch *stretches) {
    const struct plan_window *w = &lowering->window;
    uint32_t group = lowering->group, pixel = w->run_bytes / group, out_w = w->out_w * group, pad = (uint32_t)-w->x_start / pixel;
    uint32_t reach = (w->kernel_w - 1) * w->x_dilation / pixel, in_w = w->in_row_bytes / pixel + pad, count = 0;
    uint32_t first = plan_min(pad, out_w), end = plan_min(in_w > reach ? in_w - reach : 0, out_w);
    uint32_t groups = end > first ? (end - first) / group : 0, right = first + groups * group;
    if (groups > 0) stretches[count++] = (struct plan_stretch){first, groups, group, group};
    if (first == 1 && right + 1 == out_w && right <= QM_WINDOW_MAX) {
        stretches[count++] = (struct plan_stretch){0, 2, right, 1};
        return count;
    }
    if (first > 0) stretches[count++] = (struct plan_stretch){0, first, 1, 1};
    if (right < out_w) stretches[count++] = (struct plan_stretch){right, out_w - right, 1, 1};
    return count;
}

/* Adds as many positions of a row as there are columns for; what stands alone must be few. */
static bool fold(struct plan_lowering *lowering, uint32_t group) {
    struct plan_window *w = &lowering->window;
    struct plan_stretch stretches[PLAN_STRETCHES];
    w->run_bytes *= group;
    w->x_stride *= group;
    w->out_w /= group;
    lowering->group = group;
    lowering->channels *= group;
    uint32_t count = lowering_stretches(lowering, stretches);
    for (uint32_t i = 0; i < count; i++)
        if (stretches[i].count > w->out_w) return false;
    return stretches[0].width == group;
}

static void add(struct plan_lowering *lowerings, uint32_t *count, struct plan_lowering lowering) {
    if (*count == LOWERINGS_MAX) return;
    flatten(&lowering);
    lowerings[(*count)++] = lowering;
}

static struct plan_lowering im2col(struct plan_lowering lowering) {
    lowering.im2col = true;
    return lowering;
}

uint32_t lowerings_of_layer(const struct plan *plan, uint32_t layer, struct plan_lowering *lowerings) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *out = &plan->network->values[l->output];
    uint32_t channels = out->c, cols = plan->machine->cols, count = 0;
    struct plan_window window = lowering_window(plan, layer);
    struct plan_lowering taps = {.window = window, .precision = l->precision, .channels = channels, .out_bits = out->bits, .group = 1};
    taps.depthwise = l->kind == QM_LAYER_DEPTHWISE;
    taps.twice = l->twice;
    taps.matrices = qm_layer_is_product(l) ? l->matrices : 1;
    taps.passes = count_passes(l);
    bool touching = l->dilation_w == 1 || l->kernel_w == 1;
    bool groups = qm_precision_sizes(l->precision).weight_bits > 1 && channels * out->bits % 8 == 0;
    add(lowerings, &count, taps);
    if (!touching || l->twice || qm_layer_is_product(l)) return count;
    if (l->kernel_w > 1 && !taps.depthwise) add(lowerings, &count, as_runs(&taps, &window, 1));
    if (taps.depthwise && channels <= cols) add(lowerings, &count, as_runs(&taps, &window, 1));
    if (l->kernel_h > 1 && !taps.depthwise) add(lowerings, &count, im2col(as_runs(&taps, &window, 1)));
    bool folds = taps.depthwise && l->stride_w == 1 && window.run_bytes == channels;
    for (uint32_t group = 2; folds && groups && group * channels <= qm_machine_tile(plan->machine, true); group++) {
        struct plan_lowering folded = taps;
        if (window.out_w % group == 0 && fold(&folded, group)) add(lowerings, &count, folded);
    }
    for (uint32_t group = 2; groups && group * channels <= cols && group <= window.out_w; group++)
        if (window.out_w % group == 0) add(lowerings, &count, as_runs(&taps, &window, group));
    return count;
}
