/* schedule.c - the operations of all layers in program order, each load right before its first use.
 *
 * The order is such that running one instruction after the other is right; tokens make sure that running them at the same time is, too.
 */
#include "compiler/passes/passes.h"

static void open_stage(struct plan *plan, bool on_host, uint32_t layer) {
    plan->stages[plan->stage_count++] = (struct plan_stage){.on_host = on_host, .layer = layer, .first_op = plan->op_count};
}

static void close_stage(struct plan *plan) {
    plan->stages[plan->stage_count - 1].last_op = plan->op_count;
}

void schedule_layer(struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    if (is_convolution(l)) schedule_convolution(plan, layer);
    if (is_pool(l)) schedule_pool(plan, layer);
    if (l->kind == QM_LAYER_ADD) schedule_add(plan, layer);
    if (l->kind == QM_LAYER_MOVE) schedule_move(plan, layer);
    schedule_store_map(plan, layer, plan_storage(plan, l->output));
}

static void schedule_device_layer(struct plan *plan, uint32_t layer) {
    if (plan->stage_count == 0 || plan->stages[plan->stage_count - 1].on_host) open_stage(plan, false, layer);
    schedule_layer(plan, layer);
    close_stage(plan);
}

/* The host reads and writes the arena between two runs of the device. */
static void schedule_host_layer(struct plan *plan, uint32_t layer) {
    open_stage(plan, true, layer);
    close_stage(plan);
}

void schedule_hold(struct plan *plan, struct plan_value *value) {
    value->buffer = plan_add_buffer(plan, value->bytes);
    plan->buffers[value->buffer].address = value->address;
    plan->buffers[value->buffer].placed = true;
    plan->buffers[value->buffer].first_op = PLAN_NONE;
}

enum qm_status pass_schedule(struct plan *plan) {
    plan->stages = QM_ARENA_NEW(plan->arena, struct plan_stage, plan->network->layer_count);
    for (uint32_t i = 0; i < plan->network->value_count; i++)
        if (plan->values[i].resident) schedule_hold(plan, &plan->values[i]);
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        plan->layers[i].first_op = plan->op_count;
        if (plan->network->layers[i].kind == QM_LAYER_HOST)
            schedule_host_layer(plan, i);
        else
            schedule_device_layer(plan, i);
        plan->layers[i].last_op = plan->op_count;
    }
    return QM_OK;
}
