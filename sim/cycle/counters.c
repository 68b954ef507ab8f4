/* counters.c - the causes in the order of docs/machine.md: the first that holds wins. */
#include "sim/cycle/counters.h"

#include <string.h>

static enum qm_counter load_cause(const struct activity *activity) {
    if (activity->load_beat) return QM_C_load_beat;
    if (activity->load_busy) return QM_C_load_wait_memory;
    if (activity->starts[QM_UNIT_LOAD]) return QM_C_load_start;
    return activity->is_waiting[QM_UNIT_LOAD] ? QM_C_load_wait_token : QM_C_load_idle;
}

static enum qm_counter matmul_cause(const struct activity *activity) {
    if (activity->row) return QM_C_matmul_stream;
    if (activity->streamer_busy) return QM_C_matmul_wait_weights;
    if (activity->array_busy) return QM_C_matmul_drain;
    if (activity->starts[QM_UNIT_MATMUL]) return QM_C_matmul_start;
    return activity->is_waiting[QM_UNIT_MATMUL] ? QM_C_matmul_wait_token : QM_C_matmul_idle;
}

static enum qm_counter post_cause(const struct activity *activity) {
    switch (activity->post) {
    case POST_ROW: return QM_C_post_row;
    case POST_PARAM: return QM_C_post_param;
    case POST_DRAIN: return QM_C_post_drain;
    default: break;
    }
    if (activity->starts[QM_UNIT_POST]) return QM_C_post_start;
    return activity->is_waiting[QM_UNIT_POST] ? QM_C_post_wait_token : QM_C_post_idle;
}

static enum qm_counter store_cause(const struct activity *activity) {
    if (activity->store_beat) return QM_C_store_beat;
    if (activity->store_busy) return QM_C_store_wait_memory;
    if (activity->starts[QM_UNIT_STORE]) return QM_C_store_start;
    return activity->is_waiting[QM_UNIT_STORE] ? QM_C_store_wait_token : QM_C_store_idle;
}

static enum qm_counter machine_cause(const struct activity *activity) {
    enum qm_counter matmul = matmul_cause(activity);
    if (matmul == QM_C_matmul_stream) return QM_C_machine_compute;
    if (activity->post == POST_ROW || activity->post == POST_PARAM) return QM_C_machine_post;
    if (matmul == QM_C_matmul_wait_weights) return QM_C_machine_weights;
    if (matmul == QM_C_matmul_drain || activity->post == POST_DRAIN) return QM_C_machine_drain;
    bool memory = activity->load_beat || activity->load_busy || activity->store_beat || activity->store_busy;
    return memory ? QM_C_machine_memory : QM_C_machine_control;
}

void counters_add_cycles(struct qm_counters *counters, const struct activity *activity, uint64_t cycles) {
    counters->value[QM_C_cycles] += cycles;
    counters->value[load_cause(activity)] += cycles;
    counters->value[matmul_cause(activity)] += cycles;
    counters->value[post_cause(activity)] += cycles;
    counters->value[store_cause(activity)] += cycles;
    counters->value[machine_cause(activity)] += cycles;
}

void counters_check(const struct qm_counters *counters) {
    uint64_t sum = 0;
    for (int i = 0; i < QM_COUNTERS; i++) {
        const char *group = qm_counter_infos[i].group;
        if (group == NULL) continue;
        sum += counters->value[i];
        const char *following = i + 1 < QM_COUNTERS ? qm_counter_infos[i + 1].group : NULL;
        if (following != NULL && strcmp(following, group) == 0) continue;
        QM_CHECK(sum == counters->value[QM_C_cycles]);
        sum = 0;
    }
}
