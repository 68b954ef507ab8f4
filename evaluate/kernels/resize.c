/* resize.c - RESIZE_BILINEAR of maps [n][h][w][c].
 *
 * Of int8 it is in integers: places count 1024 steps from element to element, and the sum of the four elements is rounded half away from
 * zero. Of floats and uint8 it is in floats; uint8 are cut off after one half has been added. XNNPACK's is in integers for both: places
 * count 2048 steps, and the sum is rounded half up.
 */
#include <math.h>

#include "evaluate/kernels/kernel.h"

enum { STEP_BITS = 10, STEP = 1 << STEP_BITS, EXTENT_MAX = 1 << 20, FINE_BITS = 11, FINE = 1 << FINE_BITS };

/* Where a position lies between two elements of an axis. */
struct place {
    int64_t lower, upper;
    int32_t steps; /* from the lower one */
    float part;    /* of the way from the lower one */
};

static bool in_integers(const struct kernel *k) {
    return kernel_input(k, 0)->dtype == QM_I8;
}

static struct place integer_place(const struct kernel *k, int32_t in, int32_t out, int32_t position) {
    int32_t scale = (STEP * in + out / 2) / out;
    if (k->op->align_corners && out > 1) scale = (STEP * (in - 1) + (out - 1) / 2) / (out - 1);
    int32_t at = position * scale + (k->op->half_pixel_centers ? scale / 2 - STEP / 2 : 0);
    int32_t lower = at / STEP > 0 ? at / STEP : 0, upper = (at + STEP - 1) / STEP;
    return (struct place){.lower = lower, .upper = upper < in - 1 ? upper : in - 1, .steps = at - STEP * lower};
}

static struct place float_place(const struct kernel *k, int32_t in, int32_t out, int32_t position) {
    float scale = (float)in / (float)out;
    if (k->op->align_corners && out > 1) scale = (float)(in - 1) / (float)(out - 1);
    float at = k->op->half_pixel_centers ? ((float)position + 0.5F) * scale - 0.5F : (float)position * scale;
    int32_t lower = (int32_t)floorf(at) > 0 ? (int32_t)floorf(at) : 0, upper = (int32_t)ceilf(at);
    return (struct place){.lower = lower, .upper = upper < in - 1 ? upper : in - 1, .part = at - (float)lower};
}

/* The places of XNNPACK are clamped before they are split. */
static struct place fine_place(const struct kernel *k, int32_t in, int32_t out, int32_t position) {
    int32_t less = k->op->align_corners && out > 1;
    float scale = (float)(in - less) / (float)(out - less), at = (float)position * scale;
    if (k->op->half_pixel_centers) at = fminf(fmaxf(at + (0.5F * scale - 0.5F), 0), (float)(in - 1));
    int32_t lower = (int32_t)at, upper = lower + 1 < in ? lower + 1 : in - 1;
    return (struct place){.lower = lower, .upper = upper, .steps = (int32_t)lrintf((at - (float)lower) * FINE)};
}

static bool is_fine(const struct kernel *k) {
    return k->graph->kernels == QM_KERNELS_XNNPACK && kernel_input(k, 0)->dtype != QM_F32;
}

/* Along dimension d. */
static struct place place_of(const struct kernel *k, uint32_t d, size_t position) {
    int32_t in = (int32_t)kernel_input(k, 0)->dims[d], out = (int32_t)kernel_output(k)->dims[d];
    return (is_fine(k) ? fine_place : in_integers(k) ? integer_place : float_place)(k, in, out, (int32_t)position);
}

/* Places grow with the position; a scale that was rounded up may lead behind the last element, where the kernels read, too. */
static bool stays_inside(const struct kernel *k, uint32_t d) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    if (in->dims[d] > EXTENT_MAX || out->dims[d] > EXTENT_MAX) return false;
    struct place last = place_of(k, d, out->dims[d] - 1);
    return last.lower < in->dims[d];
}

const char *kernel_check_resize(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    bool maps = in->rank == 4 && out->rank == 4;
    if (!maps || in->dims[0] != out->dims[0] || in->dims[3] != out->dims[3]) return "the output's shape is not what the operator gives";
    if (k->op->align_corners && k->op->half_pixel_centers) return "corners cannot be aligned when pixels have centers";
    return stays_inside(k, 1) && stays_inside(k, 2) ? NULL : "TFLite's kernel reads behind the input's end at this size";
}

/* The four elements around a position: lower and upper row, of each left and right. */
struct corners {
    size_t at[2][2];
};

static int32_t integer_between(const struct kernel *k, const struct corners *c, const struct place *y, const struct place *x) {
    int64_t sum = 0;
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < 2; column++) {
            int64_t weight = (int64_t)(row ? y->steps : STEP - y->steps) * (column ? x->steps : STEP - x->steps);
            sum += weight * kernel_byte(QM_I8, k->inputs[0], c->at[row][column]);
        }
    int64_t half = INT64_C(1) << (2 * STEP_BITS - 1);
    return (int32_t)((sum > 0 ? sum + half : sum - half) / (2 * half));
}

static int32_t fine_between(const struct kernel *k, const struct corners *c, const struct place *y, const struct place *x) {
    int64_t sides[2];
    for (int row = 0; row < 2; row++) {
        int32_t left = kernel_byte(kernel_input(k, 0)->dtype, k->inputs[0], c->at[row][0]);
        int32_t right = kernel_byte(kernel_input(k, 0)->dtype, k->inputs[0], c->at[row][1]);
        sides[row] = left * FINE + (right - left) * x->steps;
    }
    int64_t sum = sides[0] * FINE + (sides[1] - sides[0]) * y->steps;
    return (int32_t)((sum + (INT64_C(1) << (2 * FINE_BITS - 1))) >> (2 * FINE_BITS));
}

static float element(const struct kernel *k, size_t i) {
    return kernel_input(k, 0)->dtype == QM_F32 ? kernel_float(k->inputs[0], i) : (float)kernel_byte(QM_U8, k->inputs[0], i);
}

static float float_between(const struct kernel *k, const struct corners *c, const struct place *y, const struct place *x) {
    float half = kernel_input(k, 0)->dtype == QM_F32 ? 0 : 0.5F;
    return element(k, c->at[0][0]) * (1 - y->part) * (1 - x->part) + element(k, c->at[1][0]) * y->part * (1 - x->part) +
           element(k, c->at[0][1]) * (1 - y->part) * x->part + element(k, c->at[1][1]) * y->part * x->part + half;
}

static void store_between(const struct kernel *k, const struct corners *c, const struct place *y, const struct place *x, size_t to) {
    if (is_fine(k))
        kernel_set_byte(k->outputs[0], to, fine_between(k, c, y, x));
    else if (in_integers(k))
        kernel_set_byte(k->outputs[0], to, integer_between(k, c, y, x));
    else if (kernel_input(k, 0)->dtype == QM_F32)
        kernel_set_float(k->outputs[0], to, float_between(k, c, y, x));
    else
        kernel_set_byte(k->outputs[0], to, (int32_t)float_between(k, c, y, x));
}

bool kernel_run_resize(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    size_t channels = in->dims[3], row = in->dims[2] * channels, picture = kernel_span(in, 1, 4), to = 0;
    for (size_t n = 0; n < out->dims[0]; n++)
        for (size_t h = 0; h < out->dims[1]; h++) {
            struct place y = place_of(k, 1, h);
            for (size_t w = 0; w < out->dims[2]; w++) {
                struct place x = place_of(k, 2, w);
                size_t top = n * picture + (size_t)y.lower * row, bottom = n * picture + (size_t)y.upper * row;
                size_t left = (size_t)x.lower * channels, right = (size_t)x.upper * channels;
                struct corners corners = {{{top + left, top + right}, {bottom + left, bottom + right}}};
                for (size_t c = 0; c < channels; c++, to++) {
                    store_between(k, &corners, &y, &x, to);
                    for (int i = 0; i < 4; i++) corners.at[i / 2][i % 2]++;
                }
            }
        }
    return true;
}
