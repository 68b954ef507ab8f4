/* products.c - one convolution, several products: the forms differ in how many rows and columns of the array they fill.
 *
 *   taps      one run per tap, of the input channels
 *   runs      the taps of a window row touch and are one run (x dilation 1)
 *   group     g neighbouring positions are one with g times the channels: the window grows to (g - 1) * stride + kw taps, and weights
 *             outside a position's own taps are zero. For few output channels.
 *   packed    COPY gathers the window first, so that all of K is one run. For few input channels.
 *   depthwise the array's own mode; or runs and groups with zeros between channels, when a row of taps fits in few pieces
 *
 * In all of them row k of a tile's weights belongs to byte k of the window in the order ky, kx, byte.
 */
#include <string.h>

#include "compiler/passes/passes.h"

struct plan_window products_window(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *in = &plan->network->values[l->inputs[0]], *out = &plan->network->values[l->output];
    return (struct plan_window){
        .in_rows = in->h,
        .in_row_bytes = in->w * in->c,
        .kernel_h = l->kernel_h,
        .kernel_w = l->kernel_w,
        .run_bytes = in->c,
        .y_start = -(int32_t)l->pad_top,
        .x_start = -(int32_t)(l->pad_left * in->c),
        .y_stride = l->stride_h,
        .x_stride = l->stride_w * in->c,
        .y_dilation = l->dilation_h,
        .x_dilation = l->dilation_w * in->c,
        .out_h = out->h,
        .out_w = out->w,
    };
}

uint32_t products_depth(const struct plan_product *product) {
    const struct plan_window *w = &product->window;
    return w->kernel_h * w->kernel_w * (product->depthwise ? 1 : w->run_bytes);
}

/* Windows that lie one behind the other cover the map like one long column of positions. */
static void flatten(struct plan_product *product) {
    struct plan_window *w = &product->window;
    bool abut = w->kernel_h == 1 && w->kernel_w == 1 && w->y_stride == 1 && w->x_stride == w->run_bytes;
    if (!abut || w->x_start != 0 || w->y_start != 0 || w->out_h != w->in_rows || w->out_w * w->x_stride != w->in_row_bytes) return;
    w->out_h *= w->out_w;
    w->in_rows = w->out_h;
    w->in_row_bytes = w->run_bytes;
    w->out_w = 1;
}

static struct plan_product as_runs(const struct plan_product *taps, const struct plan_window *tap_window, uint32_t group) {
    struct plan_product product = *taps;
    struct plan_window *w = &product.window;
    *w = *tap_window;
    w->run_bytes = (group - 1) * w->x_stride + w->kernel_w * w->run_bytes;
    w->kernel_w = 1;
    w->x_stride *= group;
    w->out_w /= group;
    product.depthwise = false;
    product.group = group;
    product.channels *= group;
    return product;
}

static void add(struct plan_product *products, uint32_t *count, struct plan_product product) {
    if (*count == PRODUCTS_MAX) return;
    flatten(&product);
    products[(*count)++] = product;
}

static struct plan_product packed(struct plan_product product) {
    product.packed = true;
    return product;
}

uint32_t products_of_layer(const struct plan *plan, uint32_t layer, struct plan_product *products) {
    const struct qm_layer *l = &plan->network->layers[layer];
    uint32_t channels = plan->network->values[l->output].c, cols = plan->machine->cols, count = 0;
    struct plan_window window = products_window(plan, layer);
    struct plan_product taps = {.window = window, .channels = channels, .group = 1, .depthwise = l->kind == QM_LAYER_DEPTHWISE};
    bool touching = l->dilation_w == 1 || l->kernel_w == 1;
    add(products, &count, taps);
    if (!touching) return count;
    if (l->kernel_w > 1 && !taps.depthwise) add(products, &count, as_runs(&taps, &window, 1));
    if (taps.depthwise && channels <= cols) add(products, &count, as_runs(&taps, &window, 1));
    if (l->kernel_h > 1 && !taps.depthwise) add(products, &count, packed(as_runs(&taps, &window, 1)));
    for (uint32_t group = 2; group * channels <= cols && group <= window.out_w; group++)
        if (window.out_w % group == 0) add(products, &count, as_runs(&taps, &window, group));
    return count;
}

/* ---- weights ---- */

/* Byte k of a window: window row, tap column (from the leftmost position of the group), input channel. */
struct tap {
    uint32_t ky, kx, channel;
};

/* The weight of one output channel of a position for a tap seen from that position; none outside its window. */
static int8_t weight(const struct qm_layer *layer, const struct tap *tap, uint32_t channel, uint32_t in_channels) {
    if (tap->kx >= layer->kernel_w) return (int8_t)layer->weight_zero; /* also what lies left of the position: it wrapped */
    size_t at = tap->ky * (size_t)layer->kernel_w + tap->kx;
    if (layer->kind == QM_LAYER_DEPTHWISE) return tap->channel == channel ? layer->weights[at * in_channels + channel] : 0;
    return layer->weights[((size_t)channel * layer->kernel_h * layer->kernel_w + at) * in_channels + tap->channel];
}

static void spread_weights(const struct qm_layer *layer, const struct plan_product *product, uint32_t k, struct range channels,
                           int8_t *weights) {
    const struct plan_window *w = &product->window;
    uint32_t in_channels = w->x_stride / (product->group * layer->stride_w), out_channels = product->channels / product->group;
    uint32_t row_bytes = w->kernel_w * w->run_bytes, at = k % row_bytes;
    for (uint32_t i = 0; i < channels.count; i++) {
        uint32_t position = (channels.first + i) / out_channels, channel = (channels.first + i) % out_channels;
        struct tap tap = {.ky = k / row_bytes, .kx = at / in_channels - position * layer->stride_w, .channel = at % in_channels};
        weights[i] = weight(layer, &tap, channel, in_channels);
    }
}

static void row_weights(const struct qm_layer *layer, const struct plan_product *product, uint32_t k, struct range channels,
                        int8_t *weights) {
    if (product->depthwise) {
        memcpy(weights, layer->weights + (size_t)k * product->channels + channels.first, channels.count);
    } else {
        spread_weights(layer, product, k, channels, weights);
    }
}

/* Swaps rows and columns of 8 x 8 bytes: halves of 4, then of 2, then of 1, in words of 8 bytes. */
static void transpose8(const int8_t *from, size_t from_stride, int8_t *to, size_t to_stride) {
    uint64_t rows[8];
    for (int i = 0; i < 8; i++) memcpy(&rows[i], from + (size_t)i * from_stride, 8);
    static const uint64_t masks[3] = {0x00000000ffffffff, 0x0000ffff0000ffff, 0x00ff00ff00ff00ff};
    for (int level = 0; level < 3; level++) {
        int half = 4 >> level, bits = 8 * half;
        for (int i = 0; i < 8; i++) {
            if ((i & half) != 0) continue;
            uint64_t swapped = ((rows[i] >> bits) ^ rows[i + half]) & masks[level];
            rows[i] ^= swapped << bits;
            rows[i + half] ^= swapped;
        }
    }
    for (int i = 0; i < 8; i++) memcpy(to + (size_t)i * to_stride, &rows[i], 8);
}

/* weights[k][channel] from source[channel][k]: in squares, then what is left. */
static void transpose(const int8_t *source, size_t depth, struct range rows, uint32_t channels, int8_t *weights) {
    uint32_t whole_rows = rows.count / 8 * 8, whole_channels = channels / 8 * 8;
    for (uint32_t k = 0; k < whole_rows; k += 8)
        for (uint32_t c = 0; c < whole_channels; c += 8)
            transpose8(source + c * depth + rows.first + k, depth, weights + (size_t)k * channels + c, channels);
    for (uint32_t k = 0; k < rows.count; k++)
        for (uint32_t c = k < whole_rows ? whole_channels : 0; c < channels; c++)
            weights[(size_t)k * channels + c] = source[c * depth + rows.first + k];
}

void products_weights(const struct qm_layer *layer, const struct plan_product *product, struct range rows, struct range channels,
                      int8_t *weights) {
    size_t depth = products_depth(product);
    if (layer->kind == QM_LAYER_CONV && product->group == 1) {
        transpose(layer->weights + channels.first * depth, depth, rows, channels.count, weights);
        return;
    }
    for (uint32_t k = 0; k < rows.count; k++) row_weights(layer, product, rows.first + k, channels, weights + (size_t)k * channels.count);
}
