/* causes.c - what the cycles of a run went to (docs/machine.md, Causes): of a unit from its own instructions, of the machine from how the
 * stretches of the units cover one another. */
#include "sim/timing/state.h"

static void count_unit(struct qm_counters *counters, const struct unit *unit, enum qm_counter start, enum qm_counter wait_token,
                       enum qm_counter idle, uint64_t busy) {
    counters->value[start] = unit->start_cycles;
    counters->value[wait_token] = unit->wait_token_cycles;
    counters->value[idle] = counters->value[QM_C_cycles] - busy - unit->start_cycles - unit->wait_token_cycles;
}

static uint64_t cover(const struct spans *spans) {
    return spans_cover(&spans, 1);
}

static void count_units(struct timing *t, struct qm_counters *counters) {
    uint64_t *value = counters->value;
    const struct unit *matmul = &t->units[QM_UNIT_MATMUL];
    uint64_t load = cover(&t->load_busy), store = cover(&t->store_busy), streaming = cover(&t->matmul_busy);
    if (matmul->count > 0) t->drain_cycles += matmul->members[matmul->count - 1].end - (t->streamed - 1);
    value[QM_C_load_beat] = t->load_beats;
    value[QM_C_load_wait_memory] = load - t->load_beats;
    count_unit(counters, &t->units[QM_UNIT_LOAD], QM_C_load_start, QM_C_load_wait_token, QM_C_load_idle, load);
    value[QM_C_matmul_stream] = t->rows;
    value[QM_C_matmul_wait_weights] = streaming - t->rows;
    value[QM_C_matmul_drain] = t->drain_cycles;
    count_unit(counters, matmul, QM_C_matmul_start, QM_C_matmul_wait_token, QM_C_matmul_idle, streaming + t->drain_cycles);
    value[QM_C_post_param] = t->parameter_items;
    value[QM_C_post_row] = t->items - t->parameter_items;
    value[QM_C_post_drain] = t->latency_cycles;
    count_unit(counters, &t->units[QM_UNIT_POST], QM_C_post_start, QM_C_post_wait_token, QM_C_post_idle, t->items + t->latency_cycles);
    value[QM_C_store_beat] = t->store_beats;
    value[QM_C_store_wait_memory] = store - t->store_beats;
    count_unit(counters, &t->units[QM_UNIT_STORE], QM_C_store_start, QM_C_store_wait_token, QM_C_store_idle, store);
}

/* Each cause of the machine covers what those before it have left. */
static void count_machine(const struct timing *t, struct qm_counters *counters) {
    const struct spans *busy[] = {&t->matmul_busy, &t->post_issue};
    const struct spans *all[] = {&t->matmul_all, &t->post_all, &t->load_busy, &t->store_busy};
    uint64_t compute = t->rows, issue = compute + t->items - stream_common(&t->stream, &t->post_issue), weights = spans_cover(busy, 2);
    uint64_t drain = spans_cover(all, 2), memory = spans_cover(all, 4);
    uint64_t *value = counters->value;
    value[QM_C_machine_compute] = compute;
    value[QM_C_machine_post] = issue - compute;
    value[QM_C_machine_weights] = weights - issue;
    value[QM_C_machine_drain] = drain - weights;
    value[QM_C_machine_memory] = memory - drain;
    value[QM_C_machine_control] = value[QM_C_cycles] - memory;
}

void count_causes(struct timing *t, struct qm_counters *counters) {
    count_units(t, counters);
    count_machine(t, counters);
}
