/* engine.c - one visit: evaluate the wires, show them to who watches, find how long they repeat, and let core and memory pass so many
 * cycles. */
#include "sim/cycle/engine.h"

#include "sim/cycle/probe.h"

void engine_init(struct engine *engine, const struct qm_machine *machine, const struct qm_device_options *options,
                 struct qm_memory *memory) {
    *engine = (struct engine){.memory = memory, .is_stepping = options->step};
    core_init(&engine->core, machine, !options->no_values);
}

void engine_fini(struct engine *engine) {
    probe_destroy(engine->probe);
    core_fini(&engine->core);
}

void engine_begin(struct engine *engine) {
    engine->memory->ops->reset(engine->memory);
    if (engine->probe != NULL) probe_reset(engine->probe, &engine->core);
}

static void report(const struct engine *engine, const struct qm_event *event) {
    engine->observer(engine->observer_context, event);
}

static void report_units(const struct wires *wires, const struct engine *engine) {
    for (int i = 0; i < 2 * QM_UNITS; i++) {
        enum qm_unit unit = (enum qm_unit)(i % QM_UNITS);
        bool is_start = i < QM_UNITS;
        if (!(is_start ? wires->starts : wires->ends)[unit]) continue;
        const struct queue *queue = &engine->core.queues[unit];
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
    if (wires->memory.r_valid && engine->core.has_values) {
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
    if (wires->store_beat && engine->core.has_values) {
        struct qm_event event = {.cycle = wires->now, .kind = QM_EVENT_WRITE_BEAT, .address = wires->memory.w_address};
        event.strobe = wires->bus.w_strobe;
        event.data = wires->bus.w_data;
        report(engine, &event);
    }
    if (wires->memory.b_valid) report(engine, &(struct qm_event){.cycle = wires->now, .kind = QM_EVENT_RESPONSE});
}

static void report_events(const struct wires *wires, const struct engine *engine) {
    report_units(wires, engine);
    report_reads(wires, engine);
    report_writes(wires, engine);
}

/* For how many cycles the visit may go on: a watcher sees every frame, and every beat that has values. */
static uint64_t steady_cycles(const struct engine *engine, const struct wires *wires) {
    bool shows_beat = (wires->load_beat || wires->store_beat) && engine->observer != NULL && engine->core.has_values;
    if (engine->is_stepping || engine->probe != NULL || shows_beat) return 1;
    uint64_t cycles = wires_steady_cycles(wires, &engine->core);
    if (cycles == 1) return 1;
    uint64_t of_memory = engine->memory->ops->steady_cycles(engine->memory, &wires->bus);
    return of_memory < cycles ? of_memory : cycles;
}

uint64_t engine_advance(struct engine *engine, uint64_t limit) {
    struct qm_memory_out out;
    struct wires wires;
    engine->memory->ops->outputs(engine->memory, &out);
    wires_evaluate(&wires, &engine->core, &out);
    if (engine->probe != NULL) probe_write_frame(engine->probe, &wires, &engine->core);
    if (engine->observer != NULL) report_events(&wires, engine);
    uint64_t cycles = steady_cycles(engine, &wires);
    if (cycles > limit) cycles = limit;
    core_clock(&engine->core, &wires, cycles);
    engine->memory->ops->clock(engine->memory, &wires.bus, cycles);
    return cycles;
}
