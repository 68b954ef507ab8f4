/* counters.c - the causes in the order of docs/machine.md: the first that holds wins. */
#include "sim/cycle/counters.h"

#include <string.h>

#include "common/precision.h"
#include "sim/cycle/wires.h"

static enum qm_counter load_cause(const struct wires *wires, const struct core *core) {
    if (wires->load_beat) return QM_C_load_beat;
    if (core->load.back_busy) return QM_C_load_wait_memory;
    if (wires->starts[QM_UNIT_LOAD]) return QM_C_load_start;
    return queue_is_waiting(&core->queues[QM_UNIT_LOAD]) ? QM_C_load_wait_token : QM_C_load_idle;
}

static enum qm_counter matmul_cause(const struct wires *wires, const struct core *core) {
    if (wires->matmul.row) return QM_C_matmul_stream;
    if (core->matmul.back_busy) return QM_C_matmul_wait_weights;
    if (!mac_array_is_empty(&core->array)) return QM_C_matmul_drain;
    if (wires->starts[QM_UNIT_MATMUL]) return QM_C_matmul_start;
    return queue_is_waiting(&core->queues[QM_UNIT_MATMUL]) ? QM_C_matmul_wait_token : QM_C_matmul_idle;
}

static enum qm_counter post_cause(const struct wires *wires, const struct core *core) {
    switch (wires->post) {
    case POST_ROW: return QM_C_post_row;
    case POST_PARAM: return QM_C_post_param;
    case POST_DRAIN: return QM_C_post_drain;
    default: break;
    }
    if (wires->starts[QM_UNIT_POST]) return QM_C_post_start;
    return queue_is_waiting(&core->queues[QM_UNIT_POST]) ? QM_C_post_wait_token : QM_C_post_idle;
}

static enum qm_counter store_cause(const struct wires *wires, const struct core *core) {
    if (wires->store_beat) return QM_C_store_beat;
    if (core->store.is_busy) return QM_C_store_wait_memory;
    if (wires->starts[QM_UNIT_STORE]) return QM_C_store_start;
    return queue_is_waiting(&core->queues[QM_UNIT_STORE]) ? QM_C_store_wait_token : QM_C_store_idle;
}

static enum qm_counter machine_cause(const struct wires *wires, const struct core *core) {
    enum qm_counter matmul = matmul_cause(wires, core);
    if (matmul == QM_C_matmul_stream) return QM_C_machine_compute;
    if (wires->post == POST_ROW || wires->post == POST_PARAM) return QM_C_machine_post;
    if (matmul == QM_C_matmul_wait_weights) return QM_C_machine_weights;
    if (matmul == QM_C_matmul_drain || wires->post == POST_DRAIN) return QM_C_machine_drain;
    bool memory = wires->load_beat || core->load.back_busy || wires->store_beat || core->store.is_busy;
    return memory ? QM_C_machine_memory : QM_C_machine_control;
}

static void count_causes(const struct wires *wires, struct core *core, uint64_t cycles) {
    uint64_t *value = core->counters.value;
    value[QM_C_cycles] += cycles;
    value[load_cause(wires, core)] += cycles;
    value[matmul_cause(wires, core)] += cycles;
    value[post_cause(wires, core)] += cycles;
    value[store_cause(wires, core)] += cycles;
    value[machine_cause(wires, core)] += cycles;
}

static void count_matmul(const struct wires *wires, struct core *core, uint64_t cycles) {
    uint64_t *value = core->counters.value;
    const struct qm_matmul_step *front = &core->matmul.front, *back = &core->matmul.back;
    if (wires->matmul.weight_row) {
        value[QM_C_weight_writes] += cycles * front->n * (uint64_t)qm_activations_per_byte(front->insn);
        value[QM_C_weight_reads] += cycles * front->weight_row_bytes;
    }
    if (wires->matmul.row) {
        uint64_t before = core->matmul.back_row, after = before + cycles;
        const struct qm_matmul_stream *stream = &back->stream;
        value[qm_products_counter(back->insn)] += (qm_stream_outputs(stream, after) - qm_stream_outputs(stream, before)) * back->products;
        value[QM_C_stream_reads] += (qm_stream_reads(stream, after) - qm_stream_reads(stream, before)) * back->k;
        if (back->insn->weight_zero != 0) value[QM_C_row_sum_ops] += cycles * back->k * (uint64_t)qm_activations_per_byte(back->insn);
    }
}

void counters_clock(const struct wires *wires, struct core *core, uint64_t cycles) {
    uint64_t *value = core->counters.value;
    count_causes(wires, core, cycles);
    count_matmul(wires, core, cycles);
    if (wires->decodes) value[QM_C_instructions]++;
    if (wires->fetch_beat) value[QM_C_dram_fetch_beats] += cycles;
    if (wires->load_beat) value[QM_C_dram_read_beats] += cycles;
    if (wires->store_beat) value[QM_C_dram_write_beats] += cycles;
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
