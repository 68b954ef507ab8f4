/* core.c - the registers: how START and reset clear them, and how each block's move at the edge. */
#include "sim/cycle/core.h"

#include "sim/cycle/counters.h"
#include "sim/cycle/wires.h"
#include "sim/functional/fast/fast.h"

static void clear(struct core *core) {
    fetch_reset(&core->fetch);
    core->decode.is_checked = false;
    token_reset(&core->token);
    for (int unit = 0; unit < QM_UNITS; unit++) queue_reset(&core->queues[unit]);
    load_reset(&core->load);
    matmul_reset(&core->matmul);
    mac_array_reset(&core->array);
    post_reset(&core->post);
    store_reset(&core->store);
    core->counters = (struct qm_counters){0};
    core->values.acc_overflows = 0;
}

void core_init(struct core *core, const struct qm_machine *machine, bool has_values) {
    *core = (struct core){.machine = *machine, .has_values = has_values, .csr.fingerprint = qm_machine_fingerprint(machine)};
    core->fetch.beat_bytes = core->load.beat_bytes = core->store.beat_bytes = machine->axi_bytes;
    decode_init(&core->decode, &core->machine);
    for (int unit = 0; unit < QM_UNITS; unit++)
        queue_init(&core->queues[unit], machine->queue_depth, unit == QM_UNIT_MATMUL ? machine->rows + machine->cols + 2 : 2);
    core->matmul.machine = core->post.machine = &core->machine;
    mac_array_init(&core->array, machine);
    qm_functional_init(&core->values, &core->machine);
    clear(core);
}

void core_fini(struct core *core) {
    for (int unit = 0; unit < QM_UNITS; unit++) queue_fini(&core->queues[unit]);
    mac_array_fini(&core->array);
    qm_functional_fini(&core->values);
}

void core_reset(struct core *core) {
    core->csr = (struct csr){.fingerprint = core->csr.fingerprint};
    clear(core);
}

bool core_write_csr(struct core *core, uint32_t offset, uint32_t value) {
    bool starts = csr_write(&core->csr, offset, value);
    if (starts) clear(core);
    return starts;
}

uint32_t core_read_csr(const struct core *core, uint32_t offset) {
    return csr_read(&core->csr, &core->counters, offset);
}

void core_compute_values(struct core *core, const struct qm_insn *insn) {
    fast_compute(insn, &core->values);
    core->counters.value[QM_C_acc_overflows] = core->values.acc_overflows;
}

static void clock_bus(const struct wires *wires, struct core *core, uint64_t cycles) {
    uint64_t *value = core->counters.value;
    if (wires->load_beat) {
        if (core->has_values) load_write(&core->load, wires->memory.r_data, cycles, core->values.scratchpad);
        value[QM_C_load_writes] += load_clock_beats(&core->load, cycles);
    }
    if (wires->store_beat) {
        if (core->has_values && cycles > 1) store_read(&core->store, core->values.scratchpad, cycles, core->beats);
        value[QM_C_store_reads] += store_clock_beats(&core->store, cycles);
    }
    if (wires->fetch_beat) fetch_clock_beat(&core->fetch, wires->memory.r_data);
    if (wires->fetch_accepted) fetch_clock_request(&core->fetch, &wires->fetch);
    if (wires->load_accepted) load_clock_request(&core->load);
    if (wires->address_accepted) store_clock_address(&core->store);
    if (wires->memory.b_valid) store_clock_response(&core->store);
}

static void clock_compute(const struct wires *wires, struct core *core, uint64_t cycles) {
    if (wires->matmul.weight_row) matmul_clock_weights(&core->matmul, cycles);
    if (wires->matmul.row) matmul_clock_rows(&core->matmul, cycles, &core->array, wires->now);
    mac_array_clock(&core->array, wires->now, cycles, &core->counters);
    if (wires->post != POST_FREE) post_clock(&core->post, wires->now, cycles, &core->counters);
}

static void clock_start(struct core *core, enum qm_unit unit, const struct qm_insn *insn, uint64_t now) {
    struct queue *queue = &core->queues[unit];
    queue->started++;
    switch (unit) {
    case QM_UNIT_LOAD: load_clock_start(&core->load, insn); return;
    case QM_UNIT_MATMUL: matmul_clock_start(&core->matmul, insn); return;
    case QM_UNIT_POST: post_clock_start(&core->post, insn, now); break;
    default: store_clock_start(&core->store, insn); break;
    }
    queue->taken++;
}

static void clock_takes(const struct wires *wires, struct core *core) {
    struct queue *load = &core->queues[QM_UNIT_LOAD], *matmul = &core->queues[QM_UNIT_MATMUL];
    if (wires->load_takes) load_clock_take(&core->load, queue_insn(load, load->taken++));
    if (wires->matmul_takes) matmul_clock_take(&core->matmul, queue_insn(matmul, matmul->taken++));
}

/* Whether a unit's values are computed when an instruction ends; the others move their bytes beat by beat. */
static const bool computes[QM_UNITS] = {[QM_UNIT_MATMUL] = true, [QM_UNIT_POST] = true};

/* Ends, starts and their tokens. */
static void clock_units(const struct wires *wires, struct core *core) {
    int64_t wait[QM_UNITS] = {0}, signal[QM_UNITS] = {0};
    bool has_tokens = false;
    for (enum qm_unit unit = 0; unit < QM_UNITS; unit++) {
        struct queue *queue = &core->queues[unit];
        if (wires->ends[unit]) {
            const struct qm_insn *insn = queue_insn(queue, queue->ended++);
            if (core->has_values && computes[unit]) core_compute_values(core, insn);
            signal[unit] = insn->signal;
        }
        if (wires->starts[unit]) {
            const struct qm_insn *insn = queue_insn(queue, queue->started);
            clock_start(core, unit, insn, wires->now);
            wait[unit] = insn->wait;
        }
        has_tokens = has_tokens || (wait[unit] | signal[unit]) != 0;
    }
    clock_takes(wires, core);
    if (has_tokens) token_clock(&core->token, wait, signal);
}

static void clock_decode(struct core *core) {
    struct decode *decode = &core->decode;
    queue_push(&core->queues[qm_opcode_unit(decode->insn.opcode)], &decode->insn);
    decode->is_checked = false;
    core->fetch.popped++;
}

void core_clock(struct core *core, const struct wires *wires, uint64_t cycles) {
    uint64_t accepted = core->counters.value[QM_C_instructions];
    counters_clock(wires, core, cycles);
    clock_bus(wires, core, cycles);
    clock_compute(wires, core, cycles);
    clock_units(wires, core);
    if (wires->decodes) clock_decode(core);
    csr_clock(&core->csr, wires->error, accepted, wires->run_ends);
    if (wires->run_ends) counters_check(&core->counters);
}
