/* rtl_device.c - the Verilated RTL behind sim/device.h: it clocks the RTL, ticks the DRAM behind its AXI4 port, and reports what happened.
 *
 * A cycle: the pins that the RTL drives are registers and known before the edge, the DRAM's follow from its state; both are exchanged in
 * one tick. Time is counted and the DRAM is ticked in busy cycles only, so that the first busy cycle is cycle 0 for both. Registers are
 * accessed by AXI4-Lite transactions, which the RTL accepts at once. A machine that breaks the rules of AXI4 gets error answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "sim/device.h"
#include "sim/functional/commit.h"
#include "sim/memory/dram.h"
#include "sim/probe.h"
#include "sim/verilated/rtl.h"
#include "sim/verilated/rtl_library.h"

struct rtl_device {
    struct qm_device base;
    struct rtl_library library;
    struct qm_machine machine;
    struct qm_memory *dram;
    struct rtl_model *model;
    struct rtl_in in;
    struct rtl_out pins[2];   /* of this cycle and of the one before, by turns */
    struct qm_frames *frames; /* NULL: nobody looks */
    unsigned now;             /* index of this cycle's pins */
    uint64_t cycle;           /* of the run */
    uint32_t beats_left;      /* of the open write burst */
    bool has_broken_axi;      /* since the reset */
    qm_observer *observer;
    void *context;
    uint32_t starts[QM_UNITS], ends[QM_UNITS]; /* in this run */
};

static struct rtl_device *downcast(struct qm_device *device) {
    return (struct rtl_device *)device;
}

/* ---- events ---- */

static void report_units(struct rtl_device *device, enum qm_event_kind kind, unsigned mask, uint32_t *counts) {
    for (unsigned unit = 0; mask >> unit != 0; unit++) {
        if ((mask >> unit & 1) == 0) continue;
        struct qm_event event = {.cycle = device->cycle, .kind = kind, .unit = (enum qm_unit)unit, .index = counts[unit]++};
        device->observer(device->context, &event);
    }
}

static void report(struct rtl_device *device, struct qm_event event) {
    event.cycle = device->cycle;
    device->observer(device->context, &event);
}

/* What moved in the cycle that just ended: pins are those of that cycle, mask of starts and ends come from after the edge. */
static void report_cycle(struct rtl_device *device, const struct rtl_out *pins, const struct qm_memory_out *memory) {
    const struct rtl_out *after = &device->pins[device->now];
    report_units(device, QM_EVENT_START, after->trace_start, device->starts);
    report_units(device, QM_EVENT_END, after->trace_end, device->ends);
    if (pins->ar_valid && memory->ar_ready)
        report(device,
               (struct qm_event){.kind = QM_EVENT_READ_BURST, .index = pins->ar_id, .address = pins->ar_address, .size = pins->ar_beats});
    if (memory->r_valid)
        report(device,
               (struct qm_event){.kind = QM_EVENT_READ_BEAT, .index = memory->r_id, .address = memory->r_address, .data = memory->r_data});
    if (pins->aw_valid && memory->aw_ready)
        report(device, (struct qm_event){.kind = QM_EVENT_WRITE_BURST, .address = pins->aw_address, .size = pins->aw_beats});
    if (pins->w_valid && memory->w_ready)
        report(device, (struct qm_event){
                           .kind = QM_EVENT_WRITE_BEAT, .address = memory->w_address, .strobe = pins->w_strobe, .data = pins->w_data});
    if (memory->b_valid) report(device, (struct qm_event){.kind = QM_EVENT_RESPONSE});
}

static void write_frame(struct rtl_device *device) {
    struct qm_frames *frames = device->frames;
    struct qm_frame *frame = qm_frames_at(frames, frames->count);
    frame->cycle = device->cycle;
    device->library.probe(device->model, frame->values, frame->bytes, frames->layout.size, frames->layout.offset);
    qm_frames_push(frames);
}

/* ---- time ---- */

/* INCR bursts of whole beats, WLAST with the last beat and no other, everything that is offered taken; nothing in idle cycles. */
static bool obeys_axi(const struct rtl_device *device, const struct rtl_out *pins) {
    uint32_t beat_bytes = device->machine.axi_bytes;
    bool reads = 1u << pins->ar_size == beat_bytes && pins->ar_burst == 1 && pins->r_ready;
    bool writes = 1u << pins->aw_size == beat_bytes && pins->aw_burst == 1 && pins->aw_id == 0 && pins->b_ready;
    return reads && writes && (!pins->w_valid || pins->w_last == (device->beats_left == 1));
}

static void watch_axi(struct rtl_device *device, const struct rtl_out *pins, const struct qm_memory_out *memory) {
    if (!obeys_axi(device, pins)) device->has_broken_axi = true;
    if (pins->aw_valid && memory->aw_ready) device->beats_left = pins->aw_beats;
    if (pins->w_valid && memory->w_ready) device->beats_left--;
    device->in.r_error |= device->has_broken_axi;
    device->in.b_error |= device->has_broken_axi;
}

static void drive_memory_pins(struct rtl_in *in, const struct qm_memory_out *memory) {
    in->ar_ready = memory->ar_ready;
    in->r_valid = memory->r_valid;
    in->r_id = memory->r_id;
    in->r_last = memory->r_last;
    in->r_error = memory->r_error;
    in->r_data = memory->r_data;
    in->aw_ready = memory->aw_ready;
    in->w_ready = memory->w_ready;
    in->b_valid = memory->b_valid;
    in->b_error = memory->b_error;
}

static void clock_memory(struct rtl_device *device, const struct rtl_out *pins) {
    const struct qm_memory_in in = {
        .ar_valid = pins->ar_valid,
        .ar_id = pins->ar_id,
        .ar_beats = pins->ar_beats,
        .ar_address = pins->ar_address,
        .aw_valid = pins->aw_valid,
        .aw_beats = pins->aw_beats,
        .aw_address = pins->aw_address,
        .w_valid = pins->w_valid,
        .w_strobe = pins->w_strobe,
        .w_data = pins->w_data,
    };
    device->dram->ops->clock(device->dram, &in, 1);
}

static void clock_rtl(struct rtl_device *device) {
    device->now ^= 1;
    device->library.tick(device->model, &device->in, &device->pins[device->now]);
}

static void tick_busy(struct rtl_device *device) {
    const struct rtl_out *pins = &device->pins[device->now];
    struct qm_memory_out memory;
    device->dram->ops->outputs(device->dram, &memory);
    drive_memory_pins(&device->in, &memory);
    watch_axi(device, pins, &memory);
    clock_rtl(device);
    if (device->frames != NULL) write_frame(device);
    if (device->observer != NULL) report_cycle(device, pins, &memory);
    clock_memory(device, pins);
    device->cycle++;
}

static void tick_idle(struct rtl_device *device) {
    const struct rtl_out *pins = &device->pins[device->now];
    if (pins->ar_valid || pins->aw_valid || pins->w_valid) device->has_broken_axi = true;
    drive_memory_pins(&device->in, &(struct qm_memory_out){0});
    clock_rtl(device);
    if (!device->pins[device->now].busy) return;
    device->dram->ops->reset(device->dram);
    device->cycle = 0;
    device->beats_left = 0;
    memset(device->starts, 0, sizeof device->starts);
    memset(device->ends, 0, sizeof device->ends);
}

static bool is_busy(const struct rtl_device *device) {
    return device->pins[device->now].busy;
}

static void tick(struct rtl_device *device) {
    if (is_busy(device))
        tick_busy(device);
    else
        tick_idle(device);
}

/* ---- the device ---- */

static void destroy(struct qm_device *base) {
    struct rtl_device *device = downcast(base);
    device->library.destroy(device->model);
    rtl_library_close(&device->library);
    qm_dram_destroy(device->dram);
    free(device);
}

static void write_memory(struct qm_device *base, uint64_t address, const void *data, size_t size) {
    memcpy(qm_dram_at(downcast(base)->dram, address, size), data, size);
}

static void read_memory(struct qm_device *base, uint64_t address, void *data, size_t size) {
    memcpy(data, qm_dram_at(downcast(base)->dram, address, size), size);
}

static void write_csr(struct qm_device *base, uint32_t offset, uint32_t value) {
    struct rtl_device *device = downcast(base);
    device->in.csr_write = 1;
    device->in.csr_address = (uint16_t)offset;
    device->in.csr_data = value;
    tick(device);
    device->in.csr_write = 0;
    QM_CHECK(device->pins[device->now].csr_written);
}

static uint32_t read_csr(struct qm_device *base, uint32_t offset) {
    struct rtl_device *device = downcast(base);
    device->in.csr_read = 1;
    device->in.csr_address = (uint16_t)offset;
    tick(device);
    device->in.csr_read = 0;
    QM_CHECK(device->pins[device->now].csr_read_valid);
    return device->pins[device->now].csr_read_data;
}

static bool wait(struct qm_device *base, uint64_t limit_cycles) {
    struct rtl_device *device = downcast(base);
    for (; is_busy(device) && limit_cycles > 0; limit_cycles--) tick_busy(device);
    return !is_busy(device);
}

static void reset(struct qm_device *base) {
    struct rtl_device *device = downcast(base);
    device->library.reset(device->model);
    device->dram->ops->reset(device->dram);
    device->has_broken_axi = false;
    device->pins[device->now] = (struct rtl_out){0};
}

static void observe(struct qm_device *base, qm_observer *observer, void *context) {
    struct rtl_device *device = downcast(base);
    device->observer = observer;
    device->context = context;
}

/* The lanes of the RTL's memory have accumulator_bits and lie side by side in a row. */
struct lane {
    uint8_t *byte;
    unsigned shift;
};

static struct lane lane_of(const struct rtl_device *device, size_t index) {
    uint8_t *row =
        device->library.accumulator(device->model) + index / device->machine.cols * device->library.accumulator_row_bytes(device->model);
    size_t bit = index % device->machine.cols * device->machine.accumulator_bits;
    return (struct lane){row + bit / 8, (unsigned)(bit % 8)};
}

static void probe(struct qm_device *base, struct qm_frames *frames) {
    downcast(base)->frames = frames;
}

static size_t accumulator_words(const struct rtl_device *device) {
    return (size_t)device->machine.accumulator_rows * device->machine.cols;
}

static int32_t read_lane(const struct rtl_device *device, size_t index) {
    struct lane lane = lane_of(device, index);
    uint64_t bits = 0;
    for (unsigned i = 0; 8 * i < lane.shift + device->machine.accumulator_bits; i++) bits |= (uint64_t)lane.byte[i] << (8 * i);
    return commit_wrap((int64_t)(bits >> lane.shift), &device->machine);
}

static void write_lane(struct rtl_device *device, size_t index, int32_t sum) {
    struct lane lane = lane_of(device, index);
    uint64_t mask = (((uint64_t)1 << device->machine.accumulator_bits) - 1) << lane.shift,
             bits = ((uint64_t)(int64_t)sum << lane.shift) & mask;
    for (unsigned i = 0; mask >> (8 * i) != 0; i++) lane.byte[i] = (uint8_t)((lane.byte[i] & ~(mask >> (8 * i))) | bits >> (8 * i));
}

static void read_internal(struct qm_device *base, uint8_t *scratchpad, int32_t *accumulator) {
    struct rtl_device *device = downcast(base);
    if (scratchpad != NULL) memcpy(scratchpad, device->library.scratchpad(device->model), device->machine.scratchpad_bytes);
    for (size_t i = 0; accumulator != NULL && i < accumulator_words(device); i++) accumulator[i] = read_lane(device, i);
}

static void write_internal(struct qm_device *base, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct rtl_device *device = downcast(base);
    if (scratchpad != NULL) memcpy(device->library.scratchpad(device->model), scratchpad, device->machine.scratchpad_bytes);
    for (size_t i = 0; accumulator != NULL && i < accumulator_words(device); i++) write_lane(device, i, accumulator[i]);
}

/* Verilog that ends the simulation leaves nothing to compare, and its functions cannot hand a status back. */
static void ended(const char *what) {
    char line[1200];
    snprintf(line, sizeof line, "%s: the Verilog ended the simulation: nothing can be said of it", what);
    qm_end_process(QM_BAD_INPUT, line);
}

/* What the Verilog prints is nobody's result: it goes to stderr, line by line, and is shown as text. */
static void said(const char *text) {
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        char *line = strndup(text, size);
        if (line == NULL) qm_out_of_memory();
        fputs("Verilog: ", stderr);
        qm_text_print(line, stderr);
        fputc('\n', stderr);
        free(line);
        text += size + (text[size] == '\n');
    }
}

static const struct rtl_host host = {.no_memory = qm_out_of_memory, .ended = ended, .said = said};

static enum qm_status create(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                             struct qm_diag *diag) {
    QM_TRY(qm_machine_check(machine, diag));
    struct rtl_library library;
    struct qm_rtl rtl;
    const char *file = options->rtl_library;
    if (file == NULL) {
        struct qm_rtl_options build = {.probed = options->probed};
        QM_TRY(qm_rtl_build(machine, &build, &rtl, diag));
        file = rtl.library;
    }
    QM_TRY(rtl_library_open(file, options->probed, &library, diag));
    struct rtl_device *made = qm_alloc_zeroed(1, sizeof *made);
    made->base.ops = &qm_device_rtl;
    made->library = library;
    made->machine = *machine;
    made->dram = qm_dram_create(machine, options);
    made->model = library.create(&host);
    *device = &made->base;
    return QM_OK;
}

const struct qm_device_ops qm_device_rtl = {
    .name = "rtl",
    .has = QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS,
    .create = create,
    .destroy = destroy,
    .write_memory = write_memory,
    .read_memory = read_memory,
    .write_csr = write_csr,
    .read_csr = read_csr,
    .wait = wait,
    .reset = reset,
    .observe = observe,
    .probe = probe,
    .read_internal = read_internal,
    .write_internal = write_internal,
};
