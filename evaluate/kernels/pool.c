/* pool.c - averages and maxima over windows of any size, of maps [n][h][w][c]: of the elements of the window that are in the map. */
#include <float.h>

#include "evaluate/kernels/kernel.h"

enum { COUNT_MAX = INT32_MAX / UINT8_MAX };

/* One axis of the windows. */
struct axis {
    int64_t size, positions, kernel, stride, pad;
};

static struct axis axis_of(const struct kernel *k, uint32_t d) {
    const struct qm_graph_op *op = k->op;
    struct axis axis = {.size = kernel_input(k, 0)->dims[d], .positions = kernel_output(k)->dims[d]};
    axis.kernel = d == 1 ? op->kernel_h : op->kernel_w;
    axis.stride = d == 1 ? op->stride_h : op->stride_w;
    axis.pad = d == 1 ? op->pad_top : op->pad_left;
    return axis;
}

/* Each window has an element of the map. */
static bool reaches(const struct axis *axis) {
    return axis->kernel > 0 && axis->stride > 0 && axis->pad < axis->kernel &&
           (axis->positions - 1) * axis->stride - axis->pad < axis->size;
}

/* The first element of a window, and one behind its last. */
static void ends_of(const struct axis *axis, int64_t position, int64_t *begin, int64_t *end) {
    *begin = position * axis->stride - axis->pad;
    *end = *begin + axis->kernel;
    if (*begin < 0) *begin = 0;
    if (*end > axis->size) *end = axis->size;
}

const char *kernel_check_pool(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    if (in->rank != 4 || out->rank != 4 || in->dims[0] != out->dims[0] || in->dims[3] != out->dims[3]) return "it is not over maps";
    struct axis h = axis_of(k, 1), w = axis_of(k, 2);
    if (!reaches(&h) || !reaches(&w) || k->op->dilation_h > 1 || k->op->dilation_w > 1) return "its windows do not fit the input";
    int64_t rows = h.kernel < h.size ? h.kernel : h.size, columns = w.kernel < w.size ? w.kernel : w.size;
    bool sums = k->op->kind == QM_OP_AVERAGE_POOL_2D, cuts = k->op->activation != QM_ACT_NONE;
    if (cuts && out->dtype != QM_F32 && !kernel_is_scaled(out)) return "its fused activation needs a scale";
    return sums && rows * columns > COUNT_MAX ? "its sums do not fit 32 bits" : NULL;
}

/* A window of one channel. */
struct window {
    int64_t top, bottom, left, right;
    size_t first, row, column; /* elements: of the channel, from row to row, from column to column */
};

static size_t element(const struct window *w, int64_t y, int64_t x) {
    return w->first + (size_t)y * w->row + (size_t)x * w->column;
}

static int32_t byte_average(const struct kernel *k, const struct window *w) {
    int32_t sum = 0, count = (int32_t)((w->bottom - w->top) * (w->right - w->left));
    for (int64_t y = w->top; y < w->bottom; y++)
        for (int64_t x = w->left; x < w->right; x++) sum += kernel_byte(kernel_input(k, 0)->dtype, k->inputs[0], element(w, y, x));
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static float float_average(const struct kernel *k, const struct window *w) {
    float sum = 0, count = (float)((w->bottom - w->top) * (w->right - w->left));
    for (int64_t y = w->top; y < w->bottom; y++)
        for (int64_t x = w->left; x < w->right; x++) sum += kernel_float(k->inputs[0], element(w, y, x));
    return sum / count;
}

static int32_t byte_maximum(const struct kernel *k, const struct window *w) {
    int32_t most = INT8_MIN;
    for (int64_t y = w->top; y < w->bottom; y++)
        for (int64_t x = w->left; x < w->right; x++) {
            int32_t number = kernel_byte(kernel_input(k, 0)->dtype, k->inputs[0], element(w, y, x));
            most = number > most ? number : most;
        }
    return most;
}

/* NaN is no maximum. */
static float float_maximum(const struct kernel *k, const struct window *w) {
    float most = -FLT_MAX;
    for (int64_t y = w->top; y < w->bottom; y++)
        for (int64_t x = w->left; x < w->right; x++) {
            float number = kernel_float(k->inputs[0], element(w, y, x));
            most = number > most ? number : most;
        }
    return most;
}

static void store(const struct kernel *k, const struct window *window, size_t to) {
    bool average = k->op->kind == QM_OP_AVERAGE_POOL_2D;
    int32_t low, high;
    if (kernel_output(k)->dtype == QM_F32) {
        kernel_set_float(k->outputs[0], to, kernel_activate(k->op->activation, (average ? float_average : float_maximum)(k, window)));
        return;
    }
    qm_graph_activation_range(kernel_output(k), k->op->activation, &low, &high);
    kernel_set_byte(k->outputs[0], to, qm_clamp((average ? byte_average : byte_maximum)(k, window), low, high));
}

bool kernel_run_pool(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    struct axis h = axis_of(k, 1), w = axis_of(k, 2);
    size_t channels = in->dims[3], picture = kernel_span(in, 1, 4);
    struct window window = {.row = in->dims[2] * channels, .column = channels};
    for (size_t i = 0; i < qm_graph_elements(out); i++) {
        size_t position = i / channels;
        ends_of(&w, (int64_t)(position % out->dims[2]), &window.left, &window.right);
        ends_of(&h, (int64_t)(position / out->dims[2] % out->dims[1]), &window.top, &window.bottom);
        window.first = position / out->dims[2] / out->dims[1] * picture + i % channels;
        store(k, &window, i);
    }
    return true;
}
