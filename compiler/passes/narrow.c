/* narrow.c - the precision of every convolution: what its own numbers allow, or what --precision asks for.
 *
 * Weights of 4 bits or fewer make a convolution narrow; it meets 4-bit activations when its input map is packed. A map is packed when its
 * elements have 4 bits, every layer that reads it is such a convolution, and the layer that writes it can pack. --precision turns int8
 * numbers into narrow ones (docs/numerics.md, Narrow precisions): weights to -7..7 per channel, a map to sixteenths, by a move where
 * others read it as well.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fixed_point.h"
#include "common/isa.h"
#include "common/multiplier.h"
#include "common/precision.h"
#include "compiler/compiler.h"
#include "common/problems.h"
#include "compiler/passes/copies.h"
#include "compiler/passes/sharing.h"

enum { NARROW_MAP_BITS = 4, MAP_SCALE = 16, WEIGHT_BITS = 4, WEIGHT_MAX = 7, UNASKED = -1 };

struct narrower {
    struct qm_network *network;
    struct qm_arena *arena;
    struct qm_diag *diag;
    struct copies copies;     /* of weights */
    int *asked;               /* [layer_count] QM_precision_* or UNASKED */
    uint32_t *packed_copy_of; /* [value_count] the packed copy of a map; QM_NO_TENSOR: none yet */
    struct qm_layer *old;     /* the layers before moves were added */
    uint32_t old_count;
};

/* ---- what is asked for ---- */

/* The name that reports print: TFLite joins the names of fused operators with ';', and the first is enough. */
static int name_length(const char *name) {
    return (int)strcspn(name, ";");
}

static const char *layer_name(const struct qm_network *network, const struct qm_layer *layer) {
    return network->values[layer->output].name;
}

static bool has_name(const char *name, const char *wanted) {
    return strcmp(name, wanted) == 0 || (strncmp(name, wanted, strlen(wanted)) == 0 && (size_t)name_length(name) == strlen(wanted));
}

/* Whether --precision may give a layer this precision. Bytes hold every number; a layer that is exact by what it adds to its products
 * cannot be rounded, nor can weights that are computed. */
static bool can_have(const struct qm_layer *layer, int precision) {
    return layer->kind == QM_LAYER_CONV &&
           (precision == QM_precision_W8A8 || (!qm_layer_is_product(layer) && !qm_bias_is_on_product(layer->rounding)));
}

/* Names of what --precision can choose from. */
static const struct {
    const char *name;
    int precision;
} choices[] = {{"w8a8", QM_precision_W8A8}, {"w4a8", QM_precision_W4A8}, {"w4a4", QM_precision_W4A4}};

static enum qm_status choice_named(const char *name, int *precision, struct qm_diag *diag) {
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (strcmp(choices[i].name, name) != 0) continue;
        *precision = choices[i].precision;
        return QM_OK;
    }
    return qm_fail(diag, QM_BAD_INPUT, "--precision: there is no precision '%s'; choose w8a8, w4a8 or w4a4", name);
}

static const char *choice_name(int precision) {
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i].precision == precision) return choices[i].name;
    return "";
}

static enum qm_status refuse_all(const struct narrower *n, int precision) {
    return qm_fail(n->diag, QM_BAD_INPUT, "--precision: no layer of this network can be made %s; leave the option out",
                   choice_name(precision));
}

static enum qm_status refuse_layer(const struct narrower *n, const char *name, int precision) {
    struct qm_diag names = {.text = ""};
    for (uint32_t i = 0; i < n->network->layer_count; i++) {
        const struct qm_layer *layer = &n->network->layers[i];
        size_t used = strlen(names.text);
        if (can_have(layer, precision))
            snprintf(names.text + used, sizeof names.text - used, "%s%.*s", used > 0 ? ", " : "",
                     name_length(layer_name(n->network, layer)), layer_name(n->network, layer));
    }
    if (names.text[0] == '\0') return refuse_all(n, precision);
    return qm_fail(n->diag, QM_BAD_INPUT, "--precision: no layer %s can be made %s; choose from %s", name, choice_name(precision),
                   names.text);
}

static enum qm_status ask_layer(const struct narrower *n, const char *name, int precision) {
    for (uint32_t i = 0; i < n->network->layer_count; i++) {
        const struct qm_layer *layer = &n->network->layers[i];
        if (!can_have(layer, precision) || !has_name(layer_name(n->network, layer), name)) continue;
        n->asked[i] = precision;
        return QM_OK;
    }
    return refuse_layer(n, name, precision);
}

/* "w4a8", "default=w4a8" or "LAYER=w4a8". */
static enum qm_status ask_item(const struct narrower *n, char *item, int *by_default) {
    char *equals = strrchr(item, '=');
    int precision;
    if (equals == NULL || strncmp(item, "default=", 8) == 0) return choice_named(equals == NULL ? item : equals + 1, by_default, n->diag);
    *equals = '\0';
    QM_TRY(choice_named(equals + 1, &precision, n->diag));
    return ask_layer(n, item, precision);
}

static enum qm_status ask_others(const struct narrower *n, int precision) {
    uint32_t able = 0;
    for (uint32_t i = 0; i < n->network->layer_count; i++) {
        if (!can_have(&n->network->layers[i], precision)) continue;
        if (n->asked[i] == UNASKED) n->asked[i] = precision;
        able++;
    }
    return able > 0 ? QM_OK : refuse_all(n, precision);
}

static enum qm_status ask(struct narrower *n, const char *text) {
    n->asked = QM_ARENA_NEW(n->arena, int, n->network->layer_count);
    for (uint32_t i = 0; i < n->network->layer_count; i++) n->asked[i] = UNASKED;
    if (text == NULL) return QM_OK;
    char *rest = qm_arena_strdup(n->arena, text), *item;
    int by_default = UNASKED;
    while ((item = strsep(&rest, ",")) != NULL) QM_TRY(ask_item(n, item, &by_default));
    return by_default == UNASKED ? QM_OK : ask_others(n, by_default);
}

/* ---- numbers ---- */

static struct qm_multiplier scaled(struct qm_multiplier scale, double factor) {
    return qm_multiplier_from_real(ldexp((double)scale.value, scale.shift - 31) * factor);
}

/* A number of a map in the units of the packed map. */
static int32_t packed_number(int32_t number, bool is_unsigned) {
    int32_t low = is_unsigned ? 0 : -8, nearest = (int32_t)lround((double)number / MAP_SCALE);
    return nearest < low ? low : nearest > low + 15 ? low + 15 : nearest;
}

static int32_t pad_number(const struct qm_layer *layer) {
    return layer->in_unsigned ? (uint8_t)layer->pad_value : layer->pad_value;
}

static int64_t sum_of(const int8_t *weights, uint32_t count, int32_t zero) {
    int64_t sum = 0;
    for (uint32_t k = 0; k < count; k++) sum += weights[k] - zero;
    return sum;
}

static int32_t largest_of(const int8_t *weights, uint32_t count, int32_t zero) {
    int32_t largest = 0;
    for (uint32_t k = 0; k < count; k++) largest = abs(weights[k] - zero) > largest ? abs(weights[k] - zero) : largest;
    return largest;
}

/* What a step of the narrow weights of a channel is worth: its largest weight / 7. */
static double weight_scale_of(const int8_t *weights, uint32_t count, int32_t zero) {
    int32_t largest = largest_of(weights, count, zero);
    return largest == 0 ? 1 : (double)largest / WEIGHT_MAX;
}

/* [channels][depth] */
static void write_narrow(const struct copy *copy, int8_t *to) {
    uint32_t count = copy->depth;
    for (size_t c = 0; c < copy->channels; c++) {
        const int8_t *from = copy->from + c * count;
        double scale = weight_scale_of(from, count, copy->zero);
        for (uint32_t k = 0; k < count; k++) to[c * count + k] = (int8_t)lround((from[k] - copy->zero) / scale);
    }
}

/* Rounds the weights of each channel to multiples of a scale, and takes activations as multiples of map_scale. Bias and multiplier follow,
 * so that the sum is the same number in other units. */
static void narrow_numbers(struct narrower *n, struct qm_layer *layer, int32_t map_scale) {
    uint32_t channels = n->network->values[layer->output].c, count = layer->kernel_h * layer->kernel_w * layer->in_channels;
    struct copy copy = {write_narrow, layer->weights, (uint64_t)channels * count, channels, .depth = count, .zero = layer->weight_zero};
    const int8_t *weights = copies_get(&n->copies, &copy);
    int32_t *bias = QM_ARENA_NEW(n->arena, int32_t, channels);
    struct qm_multiplier *scales = QM_ARENA_NEW(n->arena, struct qm_multiplier, channels);
    int32_t zero = pad_number(layer), new_zero = map_scale == 1 ? zero : packed_number(zero, layer->in_unsigned);
    for (uint32_t c = 0; c < channels; c++) {
        const int8_t *from = layer->weights + (size_t)c * count;
        double weight_scale = weight_scale_of(from, count, layer->weight_zero);
        double unfolded = (double)layer->bias[c] + (double)zero * (double)sum_of(from, count, layer->weight_zero);
        int64_t narrow_sum = sum_of(weights + (size_t)c * count, count, 0);
        bias[c] = (int32_t)(llround(unfolded / (weight_scale * map_scale)) - new_zero * narrow_sum);
        scales[c] = scaled(layer->scales[c], weight_scale * map_scale);
    }
    layer->weights = weights;
    layer->bias = bias;
    layer->scales = scales;
    layer->weight_bits = WEIGHT_BITS;
    layer->weight_zero = 0;
}

/* ---- packed maps ---- */

static struct qm_value *root_of(const struct qm_network *network, uint32_t value) {
    return &network->values[network->values[value].storage];
}

/* Whether a layer can write 4-bit elements: an addition knows no positions, a move only when it goes from element to element. */
static bool can_pack(const struct qm_network *network, const struct qm_layer *layer) {
    const struct qm_move *move = &layer->move;
    if (layer->table != NULL) return false; /* of bytes */
    if (layer->kind == QM_LAYER_ADD) return network->values[layer->output].c % 2 == 0;
    if (layer->kind == QM_LAYER_MOVE)
        return move->loop_count + move->place_count == 0 && move->in_first + move->out_first == 0 && !move->fill;
    return layer->kind == QM_LAYER_CONV || layer->kind == QM_LAYER_DEPTHWISE;
}

static bool is_end(const struct qm_network *network, uint32_t root) {
    for (uint32_t i = 0; i < network->input_count; i++)
        if (network->values[network->inputs[i]].storage == root) return true;
    for (uint32_t i = 0; i < network->output_count; i++)
        if (network->values[network->outputs[i]].storage == root) return true;
    return false;
}

/* Whether every layer that reads the map reads it packed. */
static bool all_read_packed(const struct narrower *n, uint32_t root) {
    for (uint32_t i = 0; i < n->old_count; i++)
        for (uint32_t j = 0; j < n->old[i].input_count; j++)
            if (n->network->values[n->old[i].inputs[j]].storage == root && n->asked[i] != QM_precision_W4A4) return false;
    return true;
}

/* The layers that write a map; NULL unless it is one that can pack. */
static struct qm_layer *writer_of(struct qm_layer *layers, uint32_t count, const struct qm_network *network, uint32_t root) {
    struct qm_layer *writer = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (network->values[layers[i].output].storage != root) continue;
        if (writer != NULL || !can_pack(network, &layers[i])) return NULL;
        writer = &layers[i];
    }
    return writer;
}

/* Views of a packed map are the same bytes only when no position ends within one. */
static bool views_can_pack(const struct qm_network *network, uint32_t root) {
    for (uint32_t i = 0; i < network->value_count; i++) {
        const struct qm_value *view = &network->values[i];
        if (view->storage == root && view->c != network->values[root].c && (view->c | network->values[root].c) % 2 != 0) return false;
    }
    return true;
}

/* Elements one behind the other, or position by position when those end within a byte. */
static struct qm_move packing_move(const struct qm_value *value) {
    uint32_t positions = value->h * value->w;
    if (value->c % 2 == 0 || positions == 1) return (struct qm_move){.contiguous_bytes = positions * value->c};
    struct qm_move move = {.loop_count = 1, .contiguous_bytes = value->c};
    move.loops[0] = (struct qm_move_loop){positions, value->c, qm_value_pixel_bytes(value), false};
    return move;
}

/* Makes the map that a layer writes a packed one. */
static void pack(struct qm_network *network, struct qm_layer *writer) {
    uint32_t root = network->values[writer->output].storage;
    for (uint32_t i = 0; i < network->value_count; i++)
        if (network->values[i].storage == root) network->values[i].bits = NARROW_MAP_BITS;
    if (writer->kind == QM_LAYER_MOVE) writer->move = packing_move(&network->values[root]);
}

/* Lets the writer give the map in the packed units. */
static void write_packed(const struct narrower *n, struct qm_layer *writer) {
    bool is_unsigned = n->network->values[writer->output].dtype == QM_U8;
    uint32_t channels = n->network->values[writer->output].c;
    if (writer->kind == QM_LAYER_ADD || writer->kind == QM_LAYER_MOVE) {
        writer->out_scale = scaled(writer->out_scale, 1.0 / MAP_SCALE);
    } else {
        struct qm_multiplier *scales = QM_ARENA_NEW(n->arena, struct qm_multiplier, channels);
        for (uint32_t c = 0; c < channels; c++) scales[c] = scaled(writer->scales[c], 1.0 / MAP_SCALE);
        writer->scales = scales;
    }
    writer->out_zero = packed_number(writer->out_zero, is_unsigned);
    writer->clamp_min = packed_number(writer->clamp_min, is_unsigned);
    writer->clamp_max = packed_number(writer->clamp_max, is_unsigned);
    pack(n->network, writer);
}

static uint32_t add_copy(const struct narrower *n, uint32_t value) {
    struct qm_value *copy = &n->network->values[n->network->value_count];
    char *name = QM_ARENA_NEW(n->arena, char, strlen(n->network->values[value].name) + sizeof "/int4");
    *copy = n->network->values[value];
    sprintf(name, "%s/%s", copy->name, copy->dtype == QM_U8 ? "uint4" : "int4");
    copy->name = name;
    copy->bits = NARROW_MAP_BITS;
    copy->storage = n->network->value_count;
    return n->network->value_count++;
}

/* A layer that makes the packed copy of a map for `reader`. */
static void add_move(const struct narrower *n, const struct qm_layer *reader, uint32_t copy) {
    struct qm_layer *move = &n->network->layers[n->network->layer_count++];
    int32_t zero = pad_number(reader);
    *move = (struct qm_layer){.kind = QM_LAYER_MOVE, .graph_op = reader->graph_op, .input_count = 1, .output = copy};
    move->inputs = qm_graph_operands(n->arena, 1);
    move->inputs[0] = reader->inputs[0];
    move->added = true;
    move->rounding = reader->rounding;
    move->in_unsigned = reader->in_unsigned;
    move->in_bias = -zero;
    move->out_scale = scaled(QM_MULTIPLIER_ONE, 1.0 / MAP_SCALE);
    move->out_zero = packed_number(zero, reader->in_unsigned);
    move->clamp_min = reader->in_unsigned ? 0 : -8;
    move->clamp_max = move->clamp_min + 15;
    move->move = packing_move(&n->network->values[copy]);
}

/* Gives a layer that was asked to be W4A4 its packed input. */
static void pack_input(const struct narrower *n, struct qm_layer *layer) {
    struct qm_network *network = n->network;
    uint32_t value = layer->inputs[0], root = network->values[value].storage;
    if (network->values[root].bits == NARROW_MAP_BITS) return;
    struct qm_layer *writer = writer_of(network->layers, network->layer_count, network, root);
    if (writer != NULL && !qm_bias_is_on_product(writer->rounding) && !is_end(network, root) && all_read_packed(n, root) &&
        views_can_pack(network, root)) {
        write_packed(n, writer);
        return;
    }
    if (n->packed_copy_of[value] == QM_NO_TENSOR) {
        n->packed_copy_of[value] = add_copy(n, value);
        add_move(n, layer, n->packed_copy_of[value]);
    }
    layer->inputs = qm_graph_operands(n->arena, 1);
    layer->inputs[0] = n->packed_copy_of[value];
}

/* ---- layers ---- */

/* The pad value of a packed map has the number in both halves. */
static void set_packed_pad(struct qm_layer *layer, int32_t number) {
    layer->pad_value = (int8_t)((number & 15) | (number & 15) << 4);
}

/* The numbers that a layer was asked to have; its input map follows. */
static void narrow_layer(struct narrower *n, struct qm_layer layer, int asked) {
    if (asked == QM_precision_W4A4) pack_input(n, &layer);
    if (asked == QM_precision_W4A8) narrow_numbers(n, &layer, 1);
    if (asked == QM_precision_W4A4) {
        narrow_numbers(n, &layer, MAP_SCALE);
        set_packed_pad(&layer, packed_number(pad_number(&layer), layer.in_unsigned));
    }
    if (asked == QM_precision_W8A8) layer.weight_bits = 8;
    n->network->layers[n->network->layer_count++] = layer;
}

static void narrow_layers(struct narrower *n) {
    struct qm_network *network = n->network;
    uint32_t count = network->value_count;
    n->old = network->layers;
    n->old_count = network->layer_count;
    network->layers = QM_ARENA_NEW(n->arena, struct qm_layer, 2 * (size_t)n->old_count + 1);
    network->layer_count = 0;
    struct qm_value *values = QM_ARENA_NEW(n->arena, struct qm_value, (size_t)count + n->old_count);
    memcpy(values, network->values, count * sizeof *values);
    network->values = values;
    n->packed_copy_of = QM_ARENA_NEW(n->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) n->packed_copy_of[i] = QM_NO_TENSOR;
    for (uint32_t i = 0; i < n->old_count; i++) narrow_layer(n, n->old[i], n->asked[i]);
}

/* ---- maps that have 4 bits by themselves ---- */

static bool reads(const struct qm_network *network, const struct qm_layer *layer, uint32_t root) {
    for (uint32_t i = 0; i < layer->input_count; i++)
        if (network->values[layer->inputs[i]].storage == root) return true;
    return false;
}

/* Whether every layer that reads the map is a convolution with narrow weights, and there is one. What fills up an odd number of channels
 * meets a zero weight, which 1-bit weights have not. */
static bool all_readers_narrow(const struct qm_network *network, uint32_t root) {
    uint32_t readers = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *layer = &network->layers[i];
        if (!reads(network, layer, root)) continue;
        if (layer->kind != QM_LAYER_CONV || layer->weight_bits == 8) return false;
        if (layer->weight_bits == 1 && layer->in_channels % 2 != 0) return false;
        readers++;
    }
    return readers > 0;
}

static void pack_map(struct qm_network *network, uint32_t root) {
    bool narrow = qm_graph_bits(&network->graph->tensors[network->values[root].graph_tensor]) <= NARROW_MAP_BITS;
    if (!narrow || network->values[root].bits == NARROW_MAP_BITS) return;
    struct qm_layer *writer = writer_of(network->layers, network->layer_count, network, root);
    if (writer == NULL) return;
    if (is_end(network, root) || !all_readers_narrow(network, root) || !views_can_pack(network, root)) return;
    pack(network, writer);
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (reads(network, &network->layers[i], root)) set_packed_pad(&network->layers[i], network->layers[i].pad_value);
}

/* By the bits of the weights and of an activation. */
static uint32_t precision_of(const struct qm_network *network, const struct qm_layer *layer) {
    static const uint32_t with_bytes[] = {[1] = QM_precision_W1A8, [2] = QM_precision_W2A8, [4] = QM_precision_W4A8};
    static const uint32_t with_nibbles[] = {[1] = QM_precision_W1A4, [2] = QM_precision_W2A4, [4] = QM_precision_W4A4};
    if (layer->kind != QM_LAYER_CONV || layer->weight_bits == 8) return QM_precision_W8A8;
    return root_of(network, layer->inputs[0])->bits == NARROW_MAP_BITS ? with_nibbles[layer->weight_bits] : with_bytes[layer->weight_bits];
}

enum qm_status qm_narrow(struct qm_network *network, const char *precision, struct qm_arena *arena, struct qm_diag *diag) {
    struct narrower n = {.network = network, .arena = arena, .diag = diag, .copies = {.index = {.arena = arena}}};
    QM_TRY(ask(&n, precision));
    narrow_layers(&n);
    for (uint32_t i = 0; i < network->value_count; i++)
        if (network->values[i].storage == i) pack_map(network, i);
    for (uint32_t i = 0; i < network->layer_count; i++) network->layers[i].precision = precision_of(network, &network->layers[i]);
    network->same_numbers = sharing_find(network, arena);
    return QM_OK;
}
