/* weights.c - the weights of a lowered convolution as the machine reads them: [row][channel of the tile], each row from a byte boundary on.
 *
 * In W8A8 row k belongs to byte k of the window, in the order ky, kx, byte. In the narrow precisions a row belongs to two bytes of a run
 * (of the whole window after im2col), and a channel's cell holds the weights of all their activations. An activation is named by its
 * place in the window: byte k holds activation k, or 2k and 2k + 1 when they have 4 bits.
 */
#include <string.h>

#include "common/isa.h"
#include "common/precision.h"
#include "compiler/passes/passes.h"

enum { CHANNELS_MAX = 256 };

/* An activation of a window: window row, tap column (from the leftmost position of the group), input channel. */
struct tap {
    uint32_t ky, kx, channel;
};

/* The shape of the map and of the group, for finding taps. */
struct shape {
    uint32_t in_channels, pixel_activations; /* more than in_channels when a position ends within a byte */
    uint32_t row_activations;                /* of a window row */
};

static struct shape shape_of(const struct qm_layer *layer, const struct plan_lowering *lowering) {
    const struct plan_window *w = &lowering->window;
    uint32_t per_byte = (uint32_t)(8 / qm_precision_sizes(lowering->precision).activation_bits);
    uint32_t pixel_bytes = w->x_stride / (lowering->group * layer->stride_w);
    return (struct shape){layer->in_channels, pixel_bytes * per_byte, w->kernel_w * w->run_bytes * per_byte};
}

/* The weight of one output channel of a position for a tap seen from that position; none outside its window. */
static int8_t weight(const struct qm_layer *layer, const struct tap *tap, uint32_t channel) {
    uint32_t in_channels = layer->in_channels;
    if (tap->kx >= layer->kernel_w || tap->channel >= in_channels)
        return (int8_t)layer->weight_zero; /* also what lies left of the position: it wrapped */
    size_t at = tap->ky * (size_t)layer->kernel_w + tap->kx;
    if (layer->kind == QM_LAYER_DEPTHWISE) return tap->channel == channel ? layer->weights[at * in_channels + channel] : 0;
    return layer->weights[((size_t)channel * layer->kernel_h * layer->kernel_w + at) * in_channels + tap->channel];
}

/* The weights of one activation for some output channels of the group. */
static void activation_weights(const struct qm_layer *layer, const struct plan_lowering *lowering, uint32_t activation,
                               struct range channels, int8_t *weights) {
    struct shape shape = shape_of(layer, lowering);
    uint32_t out_channels = lowering->channels / lowering->group, at = activation % shape.row_activations;
    for (uint32_t i = 0; i < channels.count; i++) {
        uint32_t position = (channels.first + i) / out_channels, channel = (channels.first + i) % out_channels;
        struct tap tap = {.ky = activation / shape.row_activations,
                          .kx = at / shape.pixel_activations - position * layer->stride_w,
                          .channel = at % shape.pixel_activations};
        weights[i] = weight(layer, &tap, channel);
    }
}

/* ---- bytes ---- */

/* The weights of a depthwise tap. Folded, a window column is a chain: they come column by column, for each of the positions. */
static void tap_weights(const struct qm_layer *layer, const struct plan_lowering *lowering, uint32_t k, struct range channels,
                        int8_t *weights) {
    const struct plan_window *w = &lowering->window;
    uint32_t own = lowering->channels / lowering->group;
    size_t tap = lowering_is_folded(lowering) ? k % w->kernel_h * w->kernel_w + k / w->kernel_h : k;
    for (uint32_t i = 0; i < channels.count; i++) weights[i] = layer->weights[tap * own + (channels.first + i) % own];
}

static void row_weights(const struct qm_layer *layer, const struct plan_lowering *lowering, uint32_t k, struct range channels,
                        int8_t *weights) {
    if (lowering->depthwise)
        tap_weights(layer, lowering, k, channels, weights);
    else
        activation_weights(layer, lowering, k, channels, weights);
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

/* Writes rows of the whole depth, in W8A8: one for each byte of the window. */
static void put_bytes(const struct qm_layer *layer, const struct plan_lowering *lowering, struct range rows, struct range channels,
                      int8_t *weights) {
    size_t depth = lowering_depth(lowering);
    if (layer->kind == QM_LAYER_CONV && lowering->group == 1) {
        transpose(layer->weights + channels.first * depth, depth, rows, channels.count, weights);
        return;
    }
    for (uint32_t k = 0; k < rows.count; k++) row_weights(layer, lowering, rows.first + k, channels, weights + (size_t)k * channels.count);
}

/* The rows of a part, in W8A8. Those of the same run lie together. */
static uint8_t *put_byte_rows(const struct qm_layer *layer, const struct plan_lowering *lowering, const struct weights_part *part,
                              struct range channels, uint8_t *at) {
    uint32_t run_rows = lowering->depthwise ? 1 : lowering->window.run_bytes, kernel_w = lowering->window.kernel_w;
    uint32_t count = lowering->depthwise ? 1 : part->run.count, first = lowering->depthwise ? 0 : part->run.first;
    uint32_t taps = part->kernel_h.count * kernel_w, begin = part->kernel_h.first * kernel_w;
    if (count == run_rows) { /* whole runs: one stretch of rows */
        count *= taps;
        taps = 1;
    }
    for (uint32_t i = 0; i < taps; i++, at += count * channels.count)
        put_bytes(layer, lowering, (struct range){(begin + i) * run_rows + first, count}, channels, (int8_t *)at);
    return at;
}

/* ---- packed ---- */

static uint32_t encoded(int8_t weight, int64_t bits) {
    if (bits == 1) return weight < 0;
    return (uint32_t)weight & ((1U << bits) - 1);
}

/* A row for the `count` bytes of the window from byte k on, at most as many as a cell takes. */
static uint8_t *put_packed_row(const struct qm_layer *layer, const struct plan_lowering *lowering, struct range bytes,
                               struct range channels, uint8_t *row) {
    struct qm_precision sizes = qm_precision_sizes(lowering->precision);
    uint32_t per_byte = (uint32_t)(8 / sizes.activation_bits), cell_weights = (uint32_t)sizes.bytes * per_byte;
    uint32_t size = lowering_row_bytes(lowering, channels.count), weight_bits = (uint32_t)sizes.weight_bits;
    int8_t weights[CHANNELS_MAX];
    memset(row, 0, size);
    for (uint32_t i = 0; i < bytes.count * per_byte; i++) {
        activation_weights(layer, lowering, bytes.first * per_byte + i, channels, weights);
        for (uint32_t c = 0; c < channels.count; c++) {
            uint32_t bit = (c * cell_weights + i) * weight_bits;
            row[bit / 8] |= (uint8_t)(encoded(weights[c], weight_bits) << bit % 8);
        }
    }
    return row + size;
}

/* The rows of a part in the narrow precisions, one run after the other; after im2col the whole window is one run. */
static uint8_t *put_packed_rows(const struct qm_layer *layer, const struct plan_lowering *lowering, const struct weights_part *part,
                                struct range channels, uint8_t *at) {
    const struct plan_window *w = &lowering->window;
    uint32_t run = w->run_bytes, first = part->run.first, count = part->run.count,
             width = (uint32_t)qm_precision_sizes(lowering->precision).bytes;
    uint32_t taps = part->kernel_h.count * w->kernel_w, begin = part->kernel_h.first * w->kernel_w;
    if (lowering->im2col) {
        count *= taps;
        taps = 1;
    }
    for (uint32_t i = 0; i < taps; i++)
        for (uint32_t byte = 0; byte < count; byte += width) {
            struct range bytes = {(begin + i) * run + first + byte, plan_min(width, count - byte)};
            at = put_packed_row(layer, lowering, bytes, channels, at);
        }
    return at;
}

uint8_t *weights_put(const struct qm_layer *layer, const struct plan_lowering *lowering, const struct weights_part *part,
                     struct range channels, uint8_t *at) {
    bool bytes = lowering->precision == QM_precision_W8A8;
    return (bytes ? put_byte_rows : put_packed_rows)(layer, lowering, part, channels, at);
}
