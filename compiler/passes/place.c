/* place.c - which maps live in the scratchpad, and where.
 *
 * At first all do; what finds no room (residents.h) is spilled to the arena. Then layers are looked at: one that has too little left for
 * weights and rows spills its largest map. Blocks of a map in the arena are loaded and stored by the layers that touch it.
 */
#include "common/precision.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/residents.h"

enum {
    PITCH_MAX = 65535,
    LIVE_MAX = 256 /* maps in the scratchpad at once, each of which is looked at for every other: more are small, and wait in the arena */
};

/* ---- liveness ---- */

static void touch(struct plan_value *value, uint32_t layer) {
    if (!value->on_device) value->first_layer = layer;
    value->last_layer = layer;
    value->on_device = true;
}

static void see_layer(struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    struct plan_value *out = plan_storage(plan, l->output);
    bool on_host = l->kind == QM_LAYER_HOST;
    out->last_writer = layer;
    for (uint32_t i = 0; i < l->input_count; i++) {
        struct plan_value *in = plan_storage(plan, l->inputs[i]);
        bool from_arena = on_host || (qm_layer_is_product(l) && i == 1);
        if (from_arena)
            in->in_arena = true;
        else
            touch(in, layer);
    }
    if (on_host) out->from_outside = true;
    if (!on_host) touch(out, layer);
    bool kept = plan->options->keep_layers && !plan->network->values[l->output].between;
    if (on_host || kept) out->in_arena = true;
}

static bool may_stay(const struct qm_value *value, uint32_t scratchpad_bytes) {
    uint64_t row_bytes = (uint64_t)value->w * qm_value_pixel_bytes(value);
    return value->h * row_bytes <= scratchpad_bytes && (value->h == 1 || row_bytes <= PITCH_MAX);
}

static void see_values(struct plan *plan) {
    const struct qm_network *network = plan->network;
    for (uint32_t i = 0; i < network->input_count; i++) {
        struct plan_value *value = plan_storage(plan, network->inputs[i]);
        value->from_outside = value->in_arena = true;
    }
    for (uint32_t i = 0; i < network->value_count; i++)
        if (network->values[i].data != NULL) plan->values[i].from_outside = plan->values[i].in_arena = true;
    for (uint32_t i = 0; i < network->layer_count; i++) see_layer(plan, i);
    for (uint32_t i = 0; i < network->output_count; i++) plan_storage(plan, network->outputs[i])->in_arena = true;
    for (uint32_t i = 0; i < network->value_count; i++) {
        const struct qm_value *value = &network->values[i];
        plan->values[i].bytes = value->h * value->w * qm_value_pixel_bytes(value);
        plan->values[i].buffer = PLAN_NONE;
        plan->values[i].resident = value->storage == i && plan->values[i].on_device && may_stay(value, plan->machine->scratchpad_bytes);
    }
}

/* What begins to live beside LIVE_MAX others does not stay. */
static void limit_live(struct plan *plan) {
    const struct qm_network *network = plan->network;
    bool *is_live = QM_ARENA_NEW(plan->arena, bool, network->value_count);
    for (uint32_t layer = 0, live = 0; layer < network->layer_count; layer++) {
        const struct qm_layer *l = &network->layers[layer];
        for (uint32_t i = 0; i <= l->input_count; i++) {
            uint32_t value = network->values[i < l->input_count ? l->inputs[i] : l->output].storage;
            struct plan_value *map = &plan->values[value];
            if (!map->resident || map->first_layer != layer || is_live[value]) continue;
            is_live[value] = map->resident = live < LIVE_MAX;
            live += map->resident;
        }
        for (uint32_t i = 0; i <= l->input_count; i++) {
            uint32_t value = network->values[i < l->input_count ? l->inputs[i] : l->output].storage;
            if (!is_live[value] || plan->values[value].last_layer != layer) continue;
            is_live[value] = false;
            live--;
        }
    }
}

/* ---- enough room for every layer ---- */

/* The weights of a depthwise layer stay bytes: the array has no narrow form of it. */
static uint32_t weight_bits(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_CONV ? (uint32_t)qm_precision_sizes(layer->precision).weight_bits : 8;
}

/* Bytes with less of which a layer would be slow: its weights, or a quarter of the scratchpad, and some rows of its maps in the arena. */
static uint32_t wish(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *out = &plan->network->values[l->output];
    uint32_t most = plan->machine->scratchpad_bytes / 4;
    uint64_t total = 0;
    if (is_convolution(l)) {
        uint64_t in_channels = l->kind == QM_LAYER_CONV ? plan->network->values[l->inputs[0]].c : 1;
        uint64_t weights = (uint64_t)out->c * l->kernel_h * l->kernel_w * in_channels * weight_bits(l) / 8;
        total += weights + QM_PARAMETER_BYTES * (uint64_t)plan_ceil_div(out->c, plan->machine->cols) * plan->machine->cols;
        if (total > most) total = most;
    }
    for (uint32_t i = 0; i <= l->input_count; i++) {
        uint32_t value = i < l->input_count ? l->inputs[i] : l->output;
        const struct qm_value *map = &plan->network->values[value];
        uint64_t rows = i < l->input_count ? 2 * (uint64_t)(l->kernel_h + 1) : 4;
        if (!plan_storage(plan, value)->resident) total += plan_min((uint32_t)(rows * map->w * qm_value_pixel_bytes(map)), most);
    }
    return (uint32_t)total;
}

uint32_t place_measure(struct plan *plan, uint32_t layer) {
    struct plan_layer *measured = &plan->layers[layer];
    if (measured->hole_bytes == PLAN_NONE) measured->hole_bytes = residents_hole(plan->residents, layer);
    return measured->hole_bytes;
}

bool place_spill(struct plan *plan, uint32_t layer, uint32_t *first_changed) {
    struct plan_value *largest = residents_largest(plan->residents, layer);
    if (largest == NULL) return false;
    *first_changed = residents_spill(plan->residents, largest);
    return true;
}

enum qm_status pass_place(struct plan *plan) {
    uint32_t ignored;
    plan->values = QM_ARENA_NEW(plan->arena, struct plan_value, plan->network->value_count);
    plan->layers = QM_ARENA_NEW(plan->arena, struct plan_layer, plan->network->layer_count);
    see_values(plan);
    limit_live(plan);
    plan->residents = residents_create(plan);
    for (uint32_t i = 0; i < plan->network->layer_count; i++) plan->layers[i].hole_bytes = PLAN_NONE;
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        if (plan->network->layers[i].kind == QM_LAYER_HOST) continue;
        while (place_measure(plan, i) < wish(plan, i) && place_spill(plan, i, &ignored)) {
        }
        if (plan->moves_max != 0 && residents_moves(plan->residents) > plan->moves_max)
            return qm_fail(plan->diag, QM_BAD_INPUT, "%s: too many maps to place again", plan->network->graph->file);
    }
    for (uint32_t i = 0; i < plan->network->layer_count; i++) place_measure(plan, i);
    return QM_OK;
}

enum qm_status place_arena(struct plan *plan) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < plan->network->value_count; i++) {
        struct plan_value *value = &plan->values[i];
        if (plan->network->values[i].storage != i) continue;
        if (value->on_device && !value->resident) value->in_arena = true;
        if (!value->in_arena || plan->network->values[i].data != NULL) continue;
        value->arena_offset = (uint32_t)next;
        next += plan_arena_bytes(value);
        if (next > INT32_MAX)
            return qm_fail(plan->diag, QM_BAD_INPUT, "%s: the maps need more than 2 GiB of memory", plan->network->graph->file);
    }
    plan->image_offset = (uint32_t)next;
    for (uint32_t i = 0; i < plan->network->value_count; i++) {
        if (plan->network->values[i].data == NULL) continue;
        plan->values[i].arena_offset = plan->image_offset + plan->image_bytes;
        plan->image_bytes += (uint32_t)plan_arena_bytes(&plan->values[i]);
    }
    return QM_OK;
}
