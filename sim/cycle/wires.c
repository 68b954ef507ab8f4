/* wires.c - evaluates the wires block by block in the order of their dependence: bus, issues, ends, starts, decode, the end of the run. */
#include "sim/cycle/wires.h"

static void see_error(struct wires *wires, enum qm_error error) {
    if (error == QM_ERROR_NONE) return;
    if (wires->error == QM_ERROR_NONE || error < wires->error) wires->error = error;
}

static void evaluate_reads(struct wires *wires, struct core *core) {
    const struct qm_memory_out *memory = &wires->memory;
    bool is_fetching = wires->error == QM_ERROR_NONE;
    if (is_fetching) wires->fetch = fetch_request(&core->fetch, &core->csr);
    if (!wires->fetch.valid) wires->load = load_request(&core->load);
    const struct read_request *request = wires->fetch.valid ? &wires->fetch : &wires->load;
    wires->bus.ar_valid = request->valid;
    wires->bus.ar_id = wires->fetch.valid ? FETCH_READ_ID : LOAD_READ_ID;
    wires->bus.ar_beats = request->beats;
    wires->bus.ar_address = csr_memory_base(&core->csr) + request->offset;
    wires->fetch_accepted = wires->fetch.valid && memory->ar_ready;
    wires->load_accepted = wires->load.valid && memory->ar_ready;
    wires->fetch_beat = memory->r_valid && memory->r_id == FETCH_READ_ID;
    wires->load_beat = memory->r_valid && memory->r_id == LOAD_READ_ID;
    bool is_last = wires->fetch_beat ? fetch_is_burst_end(&core->fetch, &core->csr) : load_is_burst_end(&core->load);
    if (memory->r_valid && (memory->r_error || memory->r_last != is_last)) see_error(wires, QM_ERROR_BUS);
}

static void evaluate_writes(struct wires *wires, struct core *core) {
    const struct qm_memory_out *memory = &wires->memory;
    wires->store = store_request(&core->store);
    wires->bus.aw_valid = wires->store.address_valid;
    wires->bus.aw_beats = wires->store.beats;
    wires->bus.aw_address = csr_memory_base(&core->csr) + wires->store.offset;
    wires->bus.w_valid = wires->store.beat_valid;
    if (core->has_values) wires->bus.w_data = core->beats;
    wires->address_accepted = wires->store.address_valid && memory->aw_ready;
    wires->store_beat = wires->store.beat_valid && memory->w_ready;
    if (wires->store_beat && core->has_values) wires->bus.w_strobe = store_read(&core->store, core->values.scratchpad, 1, core->beats);
    if (memory->b_valid && memory->b_error) see_error(wires, QM_ERROR_BUS);
}

static void evaluate_ends(struct wires *wires, const struct core *core) {
    wires->ends[QM_UNIT_LOAD] = wires->load_beat && load_is_last_beat(&core->load);
    wires->ends[QM_UNIT_MATMUL] = wires->now == mac_array_next_end(&core->array);
    wires->ends[QM_UNIT_POST] = post_ends(&core->post, wires->now);
    wires->ends[QM_UNIT_STORE] = wires->memory.b_valid && store_is_last_response(&core->store);
}

static bool starts(const struct core *core, enum qm_unit unit, bool front_is_busy) {
    const struct queue *queue = &core->queues[unit];
    if (front_is_busy || core->csr.error_cause != QM_ERROR_NONE || !queue_is_waiting(queue)) return false;
    return token_is_ready(&core->token, unit, queue_insn(queue, queue->started)->wait);
}

/* The back takes an instruction started in this cycle or before. */
static bool takes(const struct wires *wires, const struct core *core, enum qm_unit unit, bool back_is_free) {
    const struct queue *queue = &core->queues[unit];
    return back_is_free && (wires->starts[unit] || queue->started != queue->taken);
}

static void evaluate_starts(struct wires *wires, const struct core *core) {
    wires->starts[QM_UNIT_LOAD] = starts(core, QM_UNIT_LOAD, core->load.front_busy);
    wires->starts[QM_UNIT_MATMUL] = starts(core, QM_UNIT_MATMUL, core->matmul.front_busy);
    wires->starts[QM_UNIT_POST] = starts(core, QM_UNIT_POST, core->post.is_busy);
    wires->starts[QM_UNIT_STORE] = starts(core, QM_UNIT_STORE, core->store.is_busy);
    wires->load_takes = takes(wires, core, QM_UNIT_LOAD, !core->load.back_busy || wires->ends[QM_UNIT_LOAD]);
    wires->matmul_takes = takes(wires, core, QM_UNIT_MATMUL, !core->matmul.back_busy || wires->matmul.row_is_last);
}

static void evaluate_decode(struct wires *wires, struct core *core) {
    struct decode *decode = &core->decode;
    if (!fetch_has_head(&core->fetch) || core->csr.error_cause != QM_ERROR_NONE) return;
    if (!decode->is_checked) {
        decode->error = decode_check(decode, fetch_head(&core->fetch), core->csr.memory_size);
        decode->is_checked = true;
    }
    see_error(wires, decode->error);
    wires->decodes = decode->error == QM_ERROR_NONE && !queue_is_full(&core->queues[qm_opcode_unit(decode->insn.opcode)]);
}

static bool is_idle(const struct wires *wires) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (wires->starts[unit]) return false;
    return !wires->fetch.valid && !wires->decodes;
}

static bool is_complete(const struct core *core) {
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (!queue_is_empty(&core->queues[unit])) return false;
    return core->fetch.popped == core->csr.program_count;
}

static void evaluate_end(struct wires *wires, const struct core *core) {
    wires->is_quiet = !fetch_is_outstanding(&core->fetch);
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (queue_is_working(&core->queues[unit])) wires->is_quiet = false;
    if (!wires->is_quiet) return;
    if (core->csr.error_cause != QM_ERROR_NONE)
        wires->run_ends = true;
    else if (is_complete(core))
        wires->run_ends = wires->error == QM_ERROR_NONE;
    else if (is_idle(wires))
        see_error(wires, QM_ERROR_DEADLOCK);
}

void wires_evaluate(struct wires *wires, struct core *core, const struct qm_memory_out *memory) {
    *wires = (struct wires){.now = core->counters.value[QM_C_cycles], .memory = *memory};
    if (wires->now == 0) see_error(wires, csr_check_program(&core->csr));
    evaluate_reads(wires, core);
    evaluate_writes(wires, core);
    wires->matmul = matmul_issue(&core->matmul);
    wires->post = post_activity(&core->post);
    evaluate_ends(wires, core);
    evaluate_starts(wires, core);
    evaluate_decode(wires, core);
    evaluate_end(wires, core);
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

uint64_t wires_steady_cycles(const struct wires *wires, const struct core *core) {
    if (has_event(wires)) return 1;
    uint64_t cycles = mac_array_next_end(&core->array) - wires->now;
    cycles = smaller(cycles, matmul_steady_cycles(&core->matmul, &wires->matmul));
    return smaller(cycles, post_steady_cycles(&core->post, wires->now));
}
