/* engine.c - one visit: settle the wires, report them, find how long they repeat, and move every register by that many cycles. */
#include "sim/cycle/engine.h"

#include <stdlib.h>

#include "common/memory.h"
#include "common/precision.h"
#include "sim/cycle/probe.h"
#include "sim/functional/fast/fast.h"

void engine_start(struct engine *engine) {
    fetch_reset(&engine->fetch);
    engine->decode.is_checked = false;
    token_reset(&engine->token);
    for (int unit = 0; unit < QM_UNITS; unit++) queue_reset(&engine->queues[unit]);
    load_reset(&engine->load);
    matmul_reset(&engine->matmul);
    mac_array_reset(&engine->array);
    post_reset(&engine->post);
    store_reset(&engine->store);
    qm_dram_reset(engine->dram);
    engine->counters = (struct qm_counters){0};
    engine->values.acc_overflows = 0;
    if (engine->probe != NULL) probe_reset(engine->probe, engine);
}

void engine_init(struct engine *engine, const struct qm_machine *machine, const struct qm_device_options *options) {
    engine->machine = *machine;
    engine->options = *options;
    engine->csr.fingerprint = qm_machine_fingerprint(machine);
    engine->fetch.beat_bytes = engine->load.beat_bytes = engine->store.beat_bytes = machine->axi_bytes;
    decode_init(&engine->decode, &engine->machine);
    for (int unit = 0; unit < QM_UNITS; unit++)
        queue_init(&engine->queues[unit], machine->queue_depth, unit == QM_UNIT_MATMUL ? machine->rows + machine->cols + 2 : 2);
    engine->matmul.machine = engine->post.machine = &engine->machine;
    mac_array_init(&engine->array, machine);
    engine->dram = qm_dram_create(machine, options);
    engine->values.machine = &engine->machine;
    engine->values.scratchpad = qm_alloc_zeroed(machine->scratchpad_bytes, 1);
    engine->values.accumulator = qm_alloc_zeroed((size_t)machine->accumulator_rows * machine->cols, sizeof *engine->values.accumulator);
    engine_start(engine);
}

void engine_fini(struct engine *engine) {
    probe_destroy(engine->probe);
    for (int unit = 0; unit < QM_UNITS; unit++) queue_fini(&engine->queues[unit]);
    mac_array_fini(&engine->array);
    qm_dram_destroy(engine->dram);
    free(engine->values.scratchpad);
    free(engine->values.accumulator);
}

static struct activity activity_of(const struct wires *wires, const struct engine *engine) {
    struct activity activity = {
        .load_beat = wires->load_beat,
        .load_busy = engine->load.back_busy,
        .row = wires->matmul.row,
        .streamer_busy = engine->matmul.back_busy,
        .array_busy = !mac_array_is_empty(&engine->array),
        .post = wires->post,
        .store_beat = wires->store_beat,
        .store_busy = engine->store.is_busy,
    };
    for (int unit = 0; unit < QM_UNITS; unit++) {
        activity.starts[unit] = wires->starts[unit];
        activity.is_waiting[unit] = queue_is_waiting(&engine->queues[unit]);
    }
    return activity;
}

static void count_matmul(const struct wires *wires, struct engine *engine, uint64_t cycles) {
    uint64_t *value = engine->counters.value;
    const struct qm_matmul_step *front = &engine->matmul.front, *back = &engine->matmul.back;
    if (wires->matmul.weight_row) {
        value[QM_C_weight_writes] += cycles * front->n * (uint64_t)qm_activations_per_byte(front->insn);
        value[QM_C_weight_reads] += cycles * front->weight_row_bytes;
    }
    if (wires->matmul.row) {
        uint64_t activations = back->k * (uint64_t)qm_activations_per_byte(back->insn);
        value[qm_products_counter(back->insn)] += cycles * (back->insn->depthwise != 0 ? back->n : activations * back->n);
        value[QM_C_stream_reads] += cycles * back->k;
        if (back->insn->weight_zero != 0) value[QM_C_row_sum_ops] += cycles * activations;
    }
}

/* Counts what is known from the wires; load, store, array and post count where they know more. */
static void count(const struct wires *wires, struct engine *engine, uint64_t cycles) {
    struct activity activity = activity_of(wires, engine);
    uint64_t *value = engine->counters.value;
    counters_add_cycles(&engine->counters, &activity, cycles);
    if (wires->decodes) value[QM_C_instructions]++;
    if (wires->fetch_beat) value[QM_C_dram_fetch_beats] += cycles;
    if (wires->load_beat) value[QM_C_dram_read_beats] += cycles;
    if (wires->store_beat) value[QM_C_dram_write_beats] += cycles;
    count_matmul(wires, engine, cycles);
}

void engine_compute_values(struct engine *engine, const struct qm_insn *insn) {
    switch (insn->opcode) {
    case QM_MATMUL:
        fast_matmul(insn, &engine->values);
        engine->counters.value[QM_C_acc_overflows] = engine->values.acc_overflows;
        break;
    case QM_REQUANTIZE: fast_requantize(insn, &engine->values); break;
    case QM_POOL: fast_pool(insn, &engine->values); break;
    case QM_ADD: fast_add(insn, &engine->values); break;
    case QM_COPY: qm_functional_copy(insn, &engine->values); break;
    default: break; /* LOAD and STORE have moved their bytes beat by beat */
    }
}

static void clock_memory(const struct wires *wires, struct engine *engine, uint64_t cycles) {
    uint64_t *value = engine->counters.value;
    bool has_values = !engine->options.no_values;
    if (wires->load_beat) {
        if (has_values) load_write(&engine->load, wires->memory.r_data, cycles, engine->values.scratchpad);
        value[QM_C_load_writes] += load_clock_beats(&engine->load, cycles);
    }
    if (wires->store_beat) {
        if (has_values && cycles > 1) store_read(&engine->store, engine->values.scratchpad, cycles, engine->beats);
        value[QM_C_store_reads] += store_clock_beats(&engine->store, cycles);
    }
    if (cycles == 1)
        qm_dram_clock(engine->dram, &wires->bus);
    else
        qm_dram_skip(engine->dram, &wires->bus, cycles);
    if (wires->fetch_beat) fetch_clock_beat(&engine->fetch, wires->memory.r_data);
    if (wires->fetch_accepted) fetch_clock_request(&engine->fetch, &wires->fetch);
    if (wires->load_accepted) load_clock_request(&engine->load);
    if (wires->address_accepted) store_clock_address(&engine->store);
    if (wires->memory.b_valid) store_clock_response(&engine->store);
}

static void clock_compute(const struct wires *wires, struct engine *engine, uint64_t cycles) {
    if (wires->matmul.weight_row) matmul_clock_weights(&engine->matmul, cycles);
    if (wires->matmul.row) matmul_clock_rows(&engine->matmul, cycles, &engine->array, wires->now);
    mac_array_clock(&engine->array, wires->now, cycles, &engine->counters);
    if (wires->post != POST_FREE) post_clock(&engine->post, wires->now, cycles, &engine->counters);
}

static void clock_start(struct engine *engine, enum qm_unit unit, const struct qm_insn *insn, uint64_t now) {
    struct queue *queue = &engine->queues[unit];
    queue->started++;
    switch (unit) {
    case QM_UNIT_LOAD: load_clock_start(&engine->load, insn); return;
    case QM_UNIT_MATMUL: matmul_clock_start(&engine->matmul, insn); return;
    case QM_UNIT_POST: post_clock_start(&engine->post, insn, now); break;
    default: store_clock_start(&engine->store, insn); break;
    }
    queue->taken++;
}

static void clock_takes(const struct wires *wires, struct engine *engine) {
    struct queue *load = &engine->queues[QM_UNIT_LOAD], *matmul = &engine->queues[QM_UNIT_MATMUL];
    if (wires->load_takes) load_clock_take(&engine->load, queue_insn(load, load->taken++));
    if (wires->matmul_takes) matmul_clock_take(&engine->matmul, queue_insn(matmul, matmul->taken++));
}

/* Ends, starts and their tokens. */
static void clock_units(const struct wires *wires, struct engine *engine) {
    int64_t wait[QM_UNITS] = {0}, signal[QM_UNITS] = {0};
    bool has_tokens = false;
    for (enum qm_unit unit = 0; unit < QM_UNITS; unit++) {
        struct queue *queue = &engine->queues[unit];
        if (wires->ends[unit]) {
            const struct qm_insn *insn = queue_insn(queue, queue->ended++);
            if (!engine->options.no_values) engine_compute_values(engine, insn);
            signal[unit] = insn->signal;
        }
        if (wires->starts[unit]) {
            const struct qm_insn *insn = queue_insn(queue, queue->started);
            clock_start(engine, unit, insn, wires->now);
            wait[unit] = insn->wait;
        }
        has_tokens = has_tokens || (wait[unit] | signal[unit]) != 0;
    }
    clock_takes(wires, engine);
    if (has_tokens) token_clock(&engine->token, wait, signal);
}

static void clock_decode(struct engine *engine) {
    struct decode *decode = &engine->decode;
    queue_push(&engine->queues[qm_opcode_unit(decode->insn.opcode)], &decode->insn);
    decode->is_checked = false;
    engine->fetch.popped++;
}

uint64_t engine_advance(struct engine *engine, uint64_t limit) {
    struct wires wires;
    wires_settle(&wires, engine);
    if (engine->probe != NULL) probe_settle(engine->probe, &wires, engine);
    if (engine->observer != NULL) wires_report(&wires, engine);
    uint64_t cycles = engine->options.step || engine->probe != NULL ? 1 : wires_steady_cycles(&wires, engine);
    if (cycles > limit) cycles = limit;
    uint64_t accepted = engine->counters.value[QM_C_instructions];
    count(&wires, engine, cycles);
    clock_memory(&wires, engine, cycles);
    clock_compute(&wires, engine, cycles);
    clock_units(&wires, engine);
    if (wires.decodes) clock_decode(engine);
    csr_clock(&engine->csr, wires.error, accepted, wires.run_ends);
    if (wires.run_ends) counters_check(&engine->counters);
    return cycles;
}
