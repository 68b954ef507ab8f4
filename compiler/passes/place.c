/* place.c - which maps live in the scratchpad, and where.
 *
 * At first all do. Maps are placed from the largest to the smallest, each at the lowest address that is free as long as it lives; what finds no
 * room moves to the arena. Then layers are looked at: one that has too little left for weights and rows moves its largest map out.
 * Blocks of a map in the arena are loaded and stored by the layers that touch it.
 */
#include <stdlib.h>

#include "common/precision.h"
#include "compiler/passes/passes.h"

enum { ARENA_ALIGNMENT = 64, PITCH_MAX = 65535 };

/* ---- lives ---- */

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
        if (on_host) in->in_arena = true;
        if (!on_host) touch(in, layer);
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

/* ---- addresses ---- */

static bool live_together(const struct plan_value *a, const struct plan_value *b) {
    return a->first_layer <= b->last_layer && b->first_layer <= a->last_layer;
}

/* The largest first; of equals the earliest. */
static int by_size(const void *a, const void *b) {
    const struct plan_value *const *left = a, *const *right = b;
    if ((*left)->bytes != (*right)->bytes) return (*left)->bytes > (*right)->bytes ? -1 : 1;
    return *left < *right ? -1 : 1;
}

/* Lowest address at which value overlaps none of the placed that live with it. */
static uint64_t lowest_address(const struct plan_value *value, struct plan_value **placed, uint32_t count) {
    uint64_t address = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < count; i++) {
            const struct plan_value *other = placed[i];
            bool apart = address + value->bytes <= other->address || (uint64_t)other->address + other->bytes <= address;
            if (apart || !other->resident || !live_together(value, other)) continue;
            address = (uint64_t)other->address + other->bytes;
            moved = true;
        }
    }
    return address;
}

static uint32_t sorted_residents(const struct plan *plan, struct plan_value **sorted) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->network->value_count; i++)
        if (plan->values[i].resident) sorted[count++] = &plan->values[i];
    qsort(sorted, count, sizeof *sorted, by_size);
    return count;
}

static void place_residents(struct plan *plan) {
    struct plan_value **sorted = QM_ARENA_NEW(plan->arena, struct plan_value *, plan->network->value_count);
    uint32_t count = sorted_residents(plan, sorted);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = lowest_address(sorted[i], sorted, i);
        sorted[i]->resident = address + sorted[i]->bytes <= plan->machine->scratchpad_bytes;
        sorted[i]->address = (uint32_t)address;
    }
}

/* The largest stretch of the scratchpad that no map uses during the layer: after each map, or at 0, up to the next. */
static uint32_t hole(const struct plan *plan, uint32_t layer) {
    uint32_t largest = 0, count = plan->network->value_count;
    for (uint32_t i = 0; i <= count; i++) {
        const struct plan_value *below = &plan->values[i];
        bool counts = i == count || (below->resident && below->first_layer <= layer && layer <= below->last_layer);
        if (!counts) continue;
        uint32_t begin = i == count ? 0 : below->address + below->bytes, end = plan->machine->scratchpad_bytes;
        for (uint32_t j = 0; j < count; j++) {
            const struct plan_value *other = &plan->values[j];
            if (!other->resident || layer < other->first_layer || other->last_layer < layer) continue;
            if (other->address + other->bytes > begin && other->address < end) end = plan_max(other->address, begin);
        }
        largest = plan_max(largest, end - begin);
    }
    return largest;
}

/* ---- enough room for every layer ---- */

/* A depthwise layer keeps bytes: the array has no narrow form of it. */
static uint32_t weight_bits(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_CONV ? (uint32_t)qm_precision_sizes(layer->precision).weight_bits : 8;
}

/* Bytes without which a layer would crawl: its weights, or a quarter of the scratchpad, and some rows of maps that are outside. */
static uint32_t wish(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *out = &plan->network->values[l->output];
    uint32_t most = plan->machine->scratchpad_bytes / 4;
    uint64_t total = 0;
    if (l->weights != NULL) {
        uint64_t in_channels = l->kind == QM_LAYER_CONV ? plan->network->values[l->inputs[0]].c : 1;
        uint64_t weights = (uint64_t)out->c * l->kernel_h * l->kernel_w * in_channels * weight_bits(l) / 8;
        total += weights + 9 * (uint64_t)plan_ceil_div(out->c, plan->machine->cols) * plan->machine->cols;
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

static void measure(struct plan *plan) {
    for (uint32_t i = 0; i < plan->network->layer_count; i++) plan->layers[i].hole_bytes = hole(plan, i);
}

bool place_move_out(struct plan *plan, uint32_t layer) {
    struct plan_value *largest = NULL;
    for (uint32_t i = 0; i < plan->network->value_count; i++) {
        struct plan_value *value = &plan->values[i];
        if (!value->resident || layer < value->first_layer || value->last_layer < layer) continue;
        if (largest == NULL || value->bytes > largest->bytes) largest = value;
    }
    if (largest == NULL) return false;
    largest->resident = false;
    place_residents(plan);
    measure(plan);
    return true;
}

enum qm_status pass_place(struct plan *plan) {
    see_values(plan);
    place_residents(plan);
    measure(plan);
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        if (plan->network->layers[i].kind == QM_LAYER_HOST) continue;
        while (plan->layers[i].hole_bytes < wish(plan, i) && place_move_out(plan, i)) {
        }
    }
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
        next += ((uint64_t)value->bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
        if (next > INT32_MAX)
            return qm_fail(plan->diag, QM_BAD_INPUT, "%s: the maps need more than 2 GiB of memory", plan->network->graph->file);
    }
    plan->image_offset = (uint32_t)next;
    for (uint32_t i = 0; i < plan->network->value_count; i++) {
        if (plan->network->values[i].data == NULL) continue;
        plan->values[i].arena_offset = plan->image_offset + plan->image_bytes;
        plan->image_bytes += (plan->values[i].bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    }
    return QM_OK;
}
