/* lockstep.c - the pair runs a slice of cycles at a time: first the model, whose events and frames are recorded, then the RTL, whose events
 * and frames are compared as they come. So what is recorded is never more than a slice, and a difference is found in the cycle in which it
 * happens. After a difference both run on for one slice, uncompared, so that the frames show what followed.
 */
#include "sim/lockstep/lockstep.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/counters.h"
#include "common/csr.h"

/* START and END of four units, a burst and a beat each way, a response. */
enum { SLICE_CYCLES = 64, FRAMES = 4 * SLICE_CYCLES, EVENTS_PER_CYCLE = 13, MAX_BEAT_BYTES = 64, COMPARE_BYTES = 1 << 16 };

struct span {
    uint32_t from, size;
};

struct record {
    struct qm_event event;
    uint8_t data[MAX_BEAT_BYTES];
};

struct lockstep {
    struct qm_device device;
    struct qm_machine machine;
    struct qm_device *model, *rtl;
    struct qm_frames model_frames, rtl_frames; /* of this run */
    bool is_probed;
    bool is_running;                /* from START until wait has seen the end */
    struct qm_lockstep_place place; /* of the difference */
    uint64_t memory_bytes, memory_base;
    struct record *records; /* [SLICE_CYCLES * EVENTS_PER_CYCLE] of the model in this slice */
    size_t record_count;
    size_t matched;
    struct qm_lockstep_stats stats;
    uint64_t starts; /* of the device */
    uint32_t started[QM_UNITS], ended[QM_UNITS];
    struct qm_event last[QM_SURROUNDINGS_EVENTS]; /* ring of the events that were equal */
    uint64_t last_count;
    qm_observer *observer; /* sees the model's events */
    void *observer_context;
    char difference[512];
};

static struct lockstep *self_of(struct qm_device *device) {
    return (struct lockstep *)device;
}

__attribute__((format(printf, 2, 3))) static void differ(struct lockstep *self, const char *format, ...) {
    if (self->difference[0] != '\0') return;
    va_list args;
    va_start(args, format);
    vsnprintf(self->difference, sizeof self->difference, format, args);
    va_end(args);
}

static void describe(const struct qm_event *event, char *text, size_t size) {
    static const char *const kinds[] = {"start", "end", "read burst", "read beat", "write burst", "write beat", "write response"};
    const char *kind = kinds[event->kind];
    switch (event->kind) {
    case QM_EVENT_START:
    case QM_EVENT_END:
        snprintf(text, size, "cycle %" PRIu64 ": %s of %s instruction %" PRIu32, event->cycle, kind, qm_unit_name(event->unit),
                 event->index);
        return;
    case QM_EVENT_RESPONSE: snprintf(text, size, "cycle %" PRIu64 ": %s", event->cycle, kind); return;
    default:
        snprintf(text, size, "cycle %" PRIu64 ": %s at 0x%" PRIx64 " (size %" PRIu64 ", id %" PRIu32 ", strobe 0x%" PRIx64 ")",
                 event->cycle, kind, event->address, event->size, event->index, event->strobe);
    }
}

static void record_event(void *context, const struct qm_event *event) {
    struct lockstep *self = context;
    QM_CHECK(self->record_count < (size_t)SLICE_CYCLES * EVENTS_PER_CYCLE);
    struct record *record = &self->records[self->record_count++];
    record->event = *event;
    record->event.data = NULL;
    if (event->data != NULL) memcpy(record->data, event->data, self->machine.axi_bytes);
    if (self->observer != NULL) self->observer(self->observer_context, event);
}

/* Compares the bytes of a beat: all of a read, those with a strobe of a write. */
static bool same_data(const struct lockstep *self, const struct record *want, const struct qm_event *got) {
    if (got->kind != QM_EVENT_READ_BEAT && got->kind != QM_EVENT_WRITE_BEAT) return true;
    for (uint32_t i = 0; i < self->machine.axi_bytes; i++) {
        bool counts = got->kind == QM_EVENT_READ_BEAT || (got->strobe >> i & 1) != 0;
        if (counts && want->data[i] != got->data[i]) return false;
    }
    return true;
}

static bool same_event(const struct qm_event *a, const struct qm_event *b) {
    return a->cycle == b->cycle && a->kind == b->kind && a->unit == b->unit && a->index == b->index && a->address == b->address &&
           a->size == b->size && a->strobe == b->strobe;
}

static void remember(struct lockstep *self, const struct qm_event *event) {
    if (event->kind == QM_EVENT_START) self->started[event->unit]++;
    if (event->kind == QM_EVENT_END) self->ended[event->unit]++;
    self->last[self->last_count++ % QM_SURROUNDINGS_EVENTS] = *event;
    self->stats.events++;
}

static void compare_event(void *context, const struct qm_event *event) {
    struct lockstep *self = context;
    if (self->difference[0] != '\0') return;
    char got[160], want[160];
    if (self->matched == self->record_count) {
        describe(event, got, sizeof got);
        differ(self, "the RTL has an event that the model has not by the end of the window: %s", got);
        return;
    }
    const struct record *record = &self->records[self->matched++];
    if (same_event(&record->event, event) && same_data(self, record, event)) {
        remember(self, event);
        return;
    }
    describe(event, got, sizeof got);
    describe(&record->event, want, sizeof want);
    if (!same_event(&record->event, event))
        differ(self, "model: %s; RTL: %s", want, got);
    else
        differ(self, "%s: data differ", got);
}

static void differ_at(struct lockstep *self, const struct qm_probe_info *info, const struct qm_frame *model, const char *what) {
    if (self->difference[0] != '\0') return;
    self->place = (struct qm_lockstep_place){.is_known = true, .cycle = model->cycle, .unit = info->unit, .signal = info->name};
    self->place.insn_unit = qm_probe_insn_unit(info->insn);
    self->place.has_insn = info->insn != QM_INSN_NONE;
    self->place.insn = model->insns[info->insn];
    snprintf(self->place.what, sizeof self->place.what, "%s", what);
    differ(self, "cycle %" PRIu64 ": %s.%s %s", model->cycle, info->unit, info->name, what);
}

static inline bool is_open(const struct qm_frame *model, int gate) {
    return gate < 0 || model->values[gate] != 0;
}

/* All values of a frame whose gates are open, without a branch: this runs in every cycle. */
static bool values_differ(const struct qm_frame *model, const struct qm_frame *rtl) {
    uint32_t wrong = 0;
#define QM_PROBE(unit, name, width, insn, gate, verilog, c)                                                                                \
    wrong |= (model->values[QM_P_##unit##_##name] ^ rtl->values[QM_P_##unit##_##name]) & -(uint32_t)is_open(model, QM_P_##gate);
#include "spec/probes.def"
#undef QM_PROBE
    return wrong != 0;
}

static void compare_values(struct lockstep *self, const struct qm_frame *model, const struct qm_frame *rtl) {
    char what[96];
    for (int i = 0; i < QM_PROBES && self->difference[0] == '\0'; i++) {
        const struct qm_probe_info *info = &qm_probe_infos[i];
        uint32_t want = model->values[i], got = rtl->values[i];
        if (want == got || !is_open(model, info->gate)) continue;
        snprintf(what, sizeof what, "model 0x%" PRIx32 ", RTL 0x%" PRIx32, want, got);
        differ_at(self, info, model, what);
    }
}

/* Whether known bytes of the span differ. */
static bool bytes_differ(const struct qm_frames *frames, struct qm_frame *model, struct qm_frame *rtl, enum qm_probe_data which,
                         struct span span) {
    const uint8_t *want = qm_frame_data(frames, model, which) + span.from, *got = qm_frame_data(frames, rtl, which) + span.from;
    const uint8_t *mask = qm_frame_mask(frames, model, which) + span.from;
    if (model->known[which] == QM_KNOWN_NOTHING) return false;
    if (model->known[which] == QM_KNOWN_ALL) return memcmp(want, got, span.size) != 0;
    uint8_t wrong = 0;
    for (uint32_t i = 0; i < span.size; i++) wrong |= (uint8_t)((want[i] ^ got[i]) & mask[i]);
    return wrong != 0;
}

/* An element of a data signal: sums and corrections are signed words, all others bytes. */
static int64_t element_at(const uint8_t *data, unsigned width) {
    int32_t word;
    if (width == 8) return *data;
    memcpy(&word, data, sizeof word);
    return word;
}

static void compare_data(struct lockstep *self, struct qm_frame *model, struct qm_frame *rtl, enum qm_probe_data which) {
    const struct qm_probe_info *info = &qm_probe_data_infos[which];
    const struct qm_frames *frames = &self->model_frames;
    const uint8_t *want = qm_frame_data(frames, model, which), *got = qm_frame_data(frames, rtl, which);
    uint32_t at = 0, bytes = info->width / 8;
    char what[96];
    while (!bytes_differ(frames, model, rtl, which, (struct span){at, bytes})) at += bytes;
    snprintf(what, sizeof what, "[%" PRIu32 "] model %" PRId64 ", RTL %" PRId64, at / bytes, element_at(want + at, info->width),
             element_at(got + at, info->width));
    differ_at(self, info, model, what);
}

static void compare_frame(void *context, uint64_t index) {
    struct lockstep *self = context;
    if (self->difference[0] != '\0' || index >= self->model_frames.count) return;
    struct qm_frame *model = qm_frames_at(&self->model_frames, index), *rtl = qm_frames_at(&self->rtl_frames, index);
    if (values_differ(model, rtl)) compare_values(self, model, rtl);
    for (int i = 0; i < QM_PROBE_DATAS && self->difference[0] == '\0'; i++) {
        enum qm_probe_data which = (enum qm_probe_data)i;
        if (bytes_differ(&self->model_frames, model, rtl, which, (struct span){0, self->model_frames.layout.size[i]}))
            compare_data(self, model, rtl, which);
    }
}

static void probe_both(struct lockstep *self) {
    QM_CHECK(self->model->ops->probe != NULL && self->rtl->ops->probe != NULL);
    qm_frames_init(&self->model_frames, &self->machine, FRAMES);
    qm_frames_init(&self->rtl_frames, &self->machine, FRAMES);
    self->rtl_frames.written = compare_frame;
    self->rtl_frames.context = self;
    self->model->ops->probe(self->model, &self->model_frames);
    self->rtl->ops->probe(self->rtl, &self->rtl_frames);
}

static void finish_slice(struct lockstep *self, bool model_done, bool rtl_done) {
    char want[160];
    if (self->matched < self->record_count) {
        describe(&self->records[self->matched].event, want, sizeof want);
        differ(self, "the model has an event that the RTL has not by the end of the window: %s", want);
    }
    if (model_done != rtl_done) differ(self, "the %s is done and the other is not", model_done ? "model" : "RTL");
}

static void compare_registers(struct lockstep *self) {
    for (size_t i = 0; i < qm_csr_count; i++) {
        uint32_t offset = qm_csrs[i].offset;
        uint32_t want = self->model->ops->read_csr(self->model, offset), got = self->rtl->ops->read_csr(self->rtl, offset);
        if (offset != QM_CSR_COUNTERS && want != got) differ(self, "register %s: model 0x%x, RTL 0x%x", qm_csrs[i].name, want, got);
    }
    for (int i = 0; i < QM_COUNTERS; i++) {
        uint64_t want = qm_device_counter(self->model, (enum qm_counter)i), got = qm_device_counter(self->rtl, (enum qm_counter)i);
        self->stats.counters.value[i] = want;
        if (want != got) differ(self, "counter %s: model %" PRIu64 ", RTL %" PRIu64, qm_counter_infos[i].name, want, got);
    }
}

static bool run_slice(struct lockstep *self, uint64_t cycles) {
    self->record_count = self->matched = 0;
    bool done = self->model->ops->wait(self->model, cycles);
    finish_slice(self, done, self->rtl->ops->wait(self->rtl, cycles));
    return done;
}

static bool lockstep_wait(struct qm_device *device, uint64_t limit_cycles) {
    struct lockstep *self = self_of(device);
    bool done = false;
    if (self->difference[0] != '\0') return false;
    while (!done && limit_cycles > 0 && self->difference[0] == '\0') {
        uint64_t slice = limit_cycles < SLICE_CYCLES ? limit_cycles : SLICE_CYCLES;
        done = run_slice(self, slice);
        limit_cycles -= slice;
    }
    if (self->difference[0] != '\0') {
        if (self->is_probed) run_slice(self, SLICE_CYCLES);
        return false;
    }
    if (done) {
        self->is_running = false;
        compare_registers(self);
        self->stats.runs++;
        self->stats.cycles += qm_device_counter(self->model, QM_C_cycles);
    }
    return done && self->difference[0] == '\0';
}

static void lockstep_destroy(struct qm_device *device) {
    struct lockstep *self = self_of(device);
    if (self->model != NULL) self->model->ops->destroy(self->model);
    if (self->rtl != NULL) self->rtl->ops->destroy(self->rtl);
    free(self->records);
    qm_frames_fini(&self->model_frames);
    qm_frames_fini(&self->rtl_frames);
    free(self);
}

static void lockstep_write_memory(struct qm_device *device, uint64_t address, const void *data, size_t size) {
    struct lockstep *self = self_of(device);
    self->model->ops->write_memory(self->model, address, data, size);
    self->rtl->ops->write_memory(self->rtl, address, data, size);
}

static void lockstep_read_memory(struct qm_device *device, uint64_t address, void *data, size_t size) {
    struct lockstep *self = self_of(device);
    self->model->ops->read_memory(self->model, address, data, size);
}

static void lockstep_write_csr(struct qm_device *device, uint32_t offset, uint32_t value) {
    struct lockstep *self = self_of(device);
    if (self->difference[0] != '\0') return;
    if (offset == QM_CSR_CONTROL && (value & QM_CONTROL_START) != 0) {
        self->starts++;
        self->is_running = true;
        self->last_count = 0;
        self->model_frames.count = self->rtl_frames.count = 0;
        memset(self->started, 0, sizeof self->started);
        memset(self->ended, 0, sizeof self->ended);
    }
    self->model->ops->write_csr(self->model, offset, value);
    self->rtl->ops->write_csr(self->rtl, offset, value);
}

static uint32_t lockstep_read_csr(struct qm_device *device, uint32_t offset) {
    struct lockstep *self = self_of(device);
    uint32_t want = self->model->ops->read_csr(self->model, offset);
    if (self->is_running) return want;
    uint32_t got = self->rtl->ops->read_csr(self->rtl, offset);
    if (want != got) differ(self, "register 0x%x: model 0x%x, RTL 0x%x", offset, want, got);
    return want;
}

static void lockstep_reset(struct qm_device *device) {
    struct lockstep *self = self_of(device);
    if (self->difference[0] != '\0') return;
    self->is_running = false;
    self->model->ops->reset(self->model);
    self->rtl->ops->reset(self->rtl);
}

static void lockstep_observe(struct qm_device *device, qm_observer *observer, void *context) {
    struct lockstep *self = self_of(device);
    self->observer = observer;
    self->observer_context = context;
}

static void lockstep_read_internal(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
    struct lockstep *self = self_of(device);
    self->model->ops->read_internal(self->model, scratchpad, accumulator);
}

static void lockstep_write_internal(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct lockstep *self = self_of(device);
    self->model->ops->write_internal(self->model, scratchpad, accumulator);
    self->rtl->ops->write_internal(self->rtl, scratchpad, accumulator);
}

static const struct qm_device_ops lockstep_ops = {
    .name = "lockstep",
    .has = QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS,
    .destroy = lockstep_destroy,
    .write_memory = lockstep_write_memory,
    .read_memory = lockstep_read_memory,
    .write_csr = lockstep_write_csr,
    .read_csr = lockstep_read_csr,
    .wait = lockstep_wait,
    .reset = lockstep_reset,
    .observe = lockstep_observe,
    .read_internal = lockstep_read_internal,
    .write_internal = lockstep_write_internal,
};

enum qm_status qm_lockstep_create(const struct qm_device_ops *model, const struct qm_device_ops *rtl, const struct qm_machine *machine,
                                  const struct qm_device_options *options, struct qm_device **device, struct qm_diag *diag) {
    struct lockstep *self = qm_alloc_zeroed(1, sizeof *self);
    self->device.ops = &lockstep_ops;
    self->machine = *machine;
    self->memory_bytes = options->memory_bytes;
    self->memory_base = options->memory_base;
    self->records = qm_alloc_zeroed((size_t)SLICE_CYCLES * EVENTS_PER_CYCLE, sizeof *self->records);
    enum qm_status status = model->create(machine, options, &self->model, diag);
    if (status == QM_OK) status = rtl->create(machine, options, &self->rtl, diag);
    if (status != QM_OK) {
        lockstep_destroy(&self->device);
        return status;
    }
    self->model->ops->observe(self->model, record_event, self);
    self->rtl->ops->observe(self->rtl, compare_event, self);
    self->is_probed = options->probed;
    if (self->is_probed) probe_both(self);
    *device = &self->device;
    return QM_OK;
}

static void compare_bytes(struct lockstep *self, const char *what, uint64_t base, const uint8_t *want, const uint8_t *got, size_t size) {
    if (memcmp(want, got, size) == 0) return;
    size_t at = 0;
    while (want[at] == got[at]) at++;
    differ(self, "%s byte 0x%" PRIx64 ": model 0x%02x, RTL 0x%02x", what, base + at, want[at], got[at]);
}

static void compare_internal(struct lockstep *self) {
    size_t pad = self->machine.scratchpad_bytes, sums = (size_t)self->machine.accumulator_rows * self->machine.cols;
    uint8_t *spads = qm_alloc(2 * pad);
    int32_t *accs = qm_alloc(2 * sums * sizeof *accs);
    self->model->ops->read_internal(self->model, spads, accs);
    self->rtl->ops->read_internal(self->rtl, spads + pad, accs + sums);
    compare_bytes(self, "scratchpad", 0, spads, spads + pad, pad);
    compare_bytes(self, "accumulator", 0, (uint8_t *)accs, (uint8_t *)(accs + sums), sums * sizeof *accs);
    free(spads);
    free(accs);
}

void qm_lockstep_compare_memories(struct qm_device *device) {
    struct lockstep *self = self_of(device);
    compare_internal(self);
    uint8_t want[COMPARE_BYTES], got[COMPARE_BYTES];
    for (uint64_t at = 0; at < self->memory_bytes; at += COMPARE_BYTES) {
        size_t size = self->memory_bytes - at < COMPARE_BYTES ? (size_t)(self->memory_bytes - at) : COMPARE_BYTES;
        self->model->ops->read_memory(self->model, self->memory_base + at, want, size);
        self->rtl->ops->read_memory(self->rtl, self->memory_base + at, got, size);
        compare_bytes(self, "DRAM", self->memory_base + at, want, got, size);
    }
}

const char *qm_lockstep_difference(const struct qm_device *device) {
    const struct lockstep *self = (const struct lockstep *)device;
    return self->difference[0] == '\0' ? NULL : self->difference;
}

struct qm_lockstep_stats qm_lockstep_stats(const struct qm_device *device) {
    return ((const struct lockstep *)device)->stats;
}

struct qm_lockstep_surroundings qm_lockstep_surroundings(const struct qm_device *device) {
    const struct lockstep *self = (const struct lockstep *)device;
    struct qm_lockstep_surroundings around = {.run = self->starts - (self->starts > 0), .place = self->place};
    memcpy(around.started, self->started, sizeof around.started);
    memcpy(around.ended, self->ended, sizeof around.ended);
    uint64_t first = self->last_count < QM_SURROUNDINGS_EVENTS ? 0 : self->last_count - QM_SURROUNDINGS_EVENTS;
    for (uint64_t i = first; i < self->last_count; i++)
        describe(&self->last[i % QM_SURROUNDINGS_EVENTS], around.events[around.event_count++], QM_SURROUNDINGS_TEXT);
    return around;
}

const struct qm_frames *qm_lockstep_frames(const struct qm_device *device, bool of_rtl) {
    const struct lockstep *self = (const struct lockstep *)device;
    if (!self->is_probed) return NULL;
    return of_rtl ? &self->rtl_frames : &self->model_frames;
}
