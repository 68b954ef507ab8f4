/* wires.c - settles the wires block by block in the order of their dependence: memory, issues, ends, starts, decode, the end of the run. */
#include "sim/cycle/wires.h"

static void see_error(struct wires *wires, enum qm_error error) {
    if (error == QM_ERROR_NONE) return;
    if (wires->error == QM_ERROR_NONE || error < wires->error) wires->error = error;
}

static void settle_reads(struct wires *wires, struct engine *engine) {
    const struct qm_memory_out *memory = &wires->memory;
    bool is_fetching = wires->error == QM_ERROR_NONE;
    if (is_fetching) wires->fetch = fetch_request(&engine->fetch, &engine->csr);
    if (!wires->fetch.valid) wires->load = load_request(&engine->load);
    const struct read_request *request = wires->fetch.valid ? &wires->fetch : &wires->load;
    wires->bus.ar_valid = request->valid;
    wires->bus.ar_id = wires->fetch.valid ? FETCH_READ_ID : LOAD_READ_ID;
    wires->bus.ar_beats = request->beats;
    wires->bus.ar_address = csr_memory_base(&engine->csr) + request->offset;
    wires->fetch_accepted = wires->fetch.valid && memory->ar_ready;
    wires->load_accepted = wires->load.valid && memory->ar_ready;
    wires->fetch_beat = memory->r_valid && memory->r_id == FETCH_READ_ID;
    wires->load_beat = memory->r_valid && memory->r_id == LOAD_READ_ID;
    bool is_last = wires->fetch_beat ? fetch_is_burst_end(&engine->fetch, &engine->csr) : load_is_burst_end(&engine->load);
    if (memory->r_valid && (memory->r_error || memory->r_last != is_last)) see_error(wires, QM_ERROR_BUS);
}

static void settle_writes(struct wires *wires, struct engine *engine) {
    const struct qm_memory_out *memory = &wires->memory;
    wires->store = store_request(&engine->store);
    wires->bus.aw_valid = wires->store.address_valid;
    wires->bus.aw_beats = wires->store.beats;
    wires->bus.aw_address = csr_memory_base(&engine->csr) + wires->store.offset;
    wires->bus.w_valid = wires->store.beat_valid;
    bool has_values = !engine->options.no_values;
    if (has_values) wires->bus.w_data = engine->beats;
    wires->address_accepted = wires->store.address_valid && memory->aw_ready;
    wires->store_beat = wires->store.beat_valid && memory->w_ready;
    if (wires->store_beat && has_values) wires->bus.w_strobe = store_read(&engine->store, engine->values.scratchpad, 1, engine->beats);
    if (memory->b_valid && memory->b_error) see_error(wires, QM_ERROR_BUS);
}

static void settle_ends(struct wires *wires, const struct engine *engine) {
    wires->ends[QM_UNIT_LOAD] = wires->load_beat && load_is_last_beat(&engine->load);
    wires->ends[QM_UNIT_MATMUL] = wires->now == mac_array_next_end(&engine->array);
    wires->ends[QM_UNIT_POST] = post_ends(&engine->post, wires->now);
    wires->ends[QM_UNIT_STORE] = wires->memory.b_valid && store_is_last_response(&engine->store);
}

static bool starts(const struct engine *engine, enum qm_unit unit, bool front_is_busy) {
    const struct queue *queue = &engine->queues[unit];
    if (front_is_busy || engine->csr.error_cause != QM_ERROR_NONE || !queue_is_waiting(queue)) return false;
    return token_is_ready(&engine->token, unit, queue_insn(queue, queue->started)->wait);
}

/* The back takes an instruction started in this cycle or before. */
static bool takes(const struct wires *wires, const struct engine *engine, enum qm_unit unit, bool back_is_free) {
    const struct queue *queue = &engine->queues[unit];
    return back_is_free && (wires->starts[unit] || queue->started != queue->taken);
}

static void settle_starts(struct wires *wires, const struct engine *engine) {
    wires->starts[QM_UNIT_LOAD] = starts(engine, QM_UNIT_LOAD, engine->load.front_busy);
    wires->starts[QM_UNIT_MATMUL] = starts(engine, QM_UNIT_MATMUL, engine->matmul.front_busy);
    wires->starts[QM_UNIT_POST] = starts(engine, QM_UNIT_POST, engine->post.is_busy);
    wires->starts[QM_UNIT_STORE] = starts(engine, QM_UNIT_STORE, engine->store.is_busy);
    wires->load_takes = takes(wires, engine, QM_UNIT_LOAD, !engine->load.back_busy || wires->ends[QM_UNIT_LOAD]);
    wires->matmul_takes = takes(wires, engine, QM_UNIT_MATMUL, !engine->matmul.back_busy || wires->matmul.row_is_last);
}

static void settle_decode(struct wires *wires, struct engine *engine) {
    struct decode *decode = &engine->decode;
    if (!fetch_has_head(&engine->fetch) || engine->csr.error_cause != QM_ERROR_NONE) return;
    if (!decode->is_checked) {
        decode->error = decode_check(decode, fetch_head(&engine->fetch), engine->csr.memory_size);
        decode->is_checked = true;
    }
    see_error(wires, decode->error);
    wires->decodes = decode->error == QM_ERROR_NONE && !queue_is_full(&engine->queues[qm_opcode_unit(decode->insn.opcode)]);
}

static bool is_idle(const struct wires *wires) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (wires->starts[unit]) return false;
    return !wires->fetch.valid && !wires->decodes;
}

static bool is_complete(const struct engine *engine) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (!queue_is_empty(&engine->queues[unit])) return false;
    return engine->fetch.popped == engine->csr.program_count;
}

static void settle_end(struct wires *wires, const struct engine *engine) {
    wires->is_quiet = !fetch_is_outstanding(&engine->fetch);
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (queue_is_working(&engine->queues[unit])) wires->is_quiet = false;
    if (!wires->is_quiet) return;
    if (engine->csr.error_cause != QM_ERROR_NONE)
        wires->run_ends = true;
    else if (is_complete(engine))
        wires->run_ends = wires->error == QM_ERROR_NONE;
    else if (is_idle(wires))
        see_error(wires, QM_ERROR_DEADLOCK);
}

void wires_settle(struct wires *wires, struct engine *engine) {
    *wires = (struct wires){.now = engine->counters.value[QM_C_cycles]};
    if (wires->now == 0) see_error(wires, csr_check_program(&engine->csr));
    engine->dram->ops->outputs(engine->dram, &wires->memory);
    settle_reads(wires, engine);
    settle_writes(wires, engine);
    wires->matmul = matmul_issue(&engine->matmul);
    wires->post = post_activity(&engine->post);
    settle_ends(wires, engine);
    settle_starts(wires, engine);
    settle_decode(wires, engine);
    settle_end(wires, engine);
}

static void report(const struct engine *engine, const struct qm_event *event) {
    engine->observer(engine->observer_context, event);
}

static void report_units(const struct wires *wires, const struct engine *engine) {
    for (int i = 0; i < 2 * QM_UNITS; i++) {
        enum qm_unit unit = (enum qm_unit)(i % QM_UNITS);
        bool is_start = i < QM_UNITS;
        if (!(is_start ? wires->starts : wires->ends)[unit]) continue;
        const struct queue *queue = &engine->queues[unit];
        struct qm_event event = {.cycle = wires->now, .kind = is_start ? QM_EVENT_START : QM_EVENT_END, .unit = unit};
        event.index = (uint32_t)(is_start ? queue->started : queue->ended);
        report(engine, &event);
    }
}

static void report_reads(const struct wires *wires, const struct engine *engine) {
    if (wires->fetch_accepted || wires->load_accepted) {
        struct qm_event event = {.cycle = wires->now, .kind = QM_EVENT_READ_BURST, .index = wires->bus.ar_id};
        event.address = wires->bus.ar_address;
        event.size = wires->bus.ar_beats;
        report(engine, &event);
    }
    if (wires->memory.r_valid && !engine->options.no_values) {
        struct qm_event event = {.cycle = wires->now, .kind = QM_EVENT_READ_BEAT, .index = wires->memory.r_id};
        event.address = wires->memory.r_address;
        event.data = wires->memory.r_data;
        report(engine, &event);
    }
}

static void report_writes(const struct wires *wires, const struct engine *engine) {
    if (wires->address_accepted) {
        struct qm_event event = {.cycle = wires->now, .kind = QM_EVENT_WRITE_BURST, .address = wires->bus.aw_address};
        event.size = wires->bus.aw_beats;
        report(engine, &event);
    }
    if (wires->store_beat && !engine->options.no_values) {
        struct qm_event event = {.cycle = wires->now, .kind = QM_EVENT_WRITE_BEAT, .address = wires->memory.w_address};
        event.strobe = wires->bus.w_strobe;
        event.data = wires->bus.w_data;
        report(engine, &event);
    }
    if (wires->memory.b_valid) report(engine, &(struct qm_event){.cycle = wires->now, .kind = QM_EVENT_RESPONSE});
}

void wires_report(const struct wires *wires, const struct engine *engine) {
    report_units(wires, engine);
    report_reads(wires, engine);
    report_writes(wires, engine);
}

static bool has_event(const struct wires *wires) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (wires->starts[unit] || wires->ends[unit]) return true;
    return wires->load_takes || wires->matmul_takes || wires->fetch_accepted || wires->load_accepted || wires->address_accepted ||
           wires->fetch_beat || wires->memory.b_valid || wires->decodes || wires->error != QM_ERROR_NONE || wires->is_quiet;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t wires_steady_cycles(const struct wires *wires, const struct engine *engine) {
    bool shows_beat = (wires->load_beat || wires->store_beat) && engine->observer != NULL && !engine->options.no_values;
    if (has_event(wires) || shows_beat) return 1;
    uint64_t cycles = engine->dram->ops->steady_cycles(engine->dram, &wires->bus);
    cycles = smaller(cycles, matmul_steady_cycles(&engine->matmul, &wires->matmul));
    cycles = smaller(cycles, post_steady_cycles(&engine->post, wires->now));
    uint64_t end = mac_array_next_end(&engine->array);
    return smaller(cycles, end - wires->now);
}
