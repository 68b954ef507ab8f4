/* probe.c - fills frames from the wires, the registers and what is worked out here.
 *
 * Rows in the array are kept in a ring by the cycle of their issue. A post instruction's outputs are computed when it starts, beside the
 * scratchpad, with the last item that writes each byte: what a later item overwrites is not known.
 */
#include "sim/cycle/probe.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/precision.h"
#include "sim/functional/commit.h"
#include "sim/functional/fast/matmul_steps.h"
#include "sim/functional/fast/window.h"

enum { ADDRESS_MASK = 0xffffff, KNOWN = 0xff };

/* A weight row or row that was issued in the cycle before. */
struct fed {
    bool valid, buffer;
    uint8_t row, sampled; /* of a weight row; of a row of a chain */
    uint32_t index;       /* of its instruction */
    const struct qm_insn *insn;
};

/* A row between its issue and its commit. */
struct in_flight {
    bool valid, adds, corrects;
    uint64_t issue; /* cycle */
    uint16_t addr;
    uint32_t n;
    int32_t correction;
    int32_t *sums; /* [cols] */
};

/* What the lines of spec/probes.def call b. */
struct boundary {
    uint32_t load_addr, weight_addr, window_addr, overflows;
    uint64_t load_mask;
    struct fed fed_weight, fed_row;
    struct in_flight announced, committed;
    struct qm_post_item item, output;
    uint64_t output_index;
};

struct probe {
    struct qm_frames *frames;
    const struct qm_machine *machine;
    struct boundary boundary;
    uint8_t row_bytes[MATMUL_BYTES_MAX];       /* of fed_row, as the array gets them */
    uint8_t weight_bytes[2 * MATMUL_COLS_MAX]; /* of fed_weight, 16 bits a column */
    uint8_t row_sampled;                       /* the rows of the array that take samples with it */
    bool reads_sums;                           /* the cycle before read the accumulator */
    uint16_t read_row;
    struct in_flight *rows; /* [row_mask + 1] by cycle of issue */
    uint64_t row_mask;
    int32_t *accumulator; /* with the commits of instructions that have not ended */
    uint8_t *outputs;     /* [scratchpad_bytes] of the post instruction */
    uint8_t *saved;       /* [scratchpad_bytes] */
    uint32_t *writer;     /* [scratchpad_bytes] the last item that writes the byte */
    struct matmul_step step;
};

static const struct qm_insn no_insn;

struct probe *probe_create(const struct core *core, struct qm_frames *frames) {
    struct probe *probe = qm_alloc_zeroed(1, sizeof *probe);
    uint64_t capacity = 1;
    const struct qm_machine *machine = &core->machine;
    while (capacity < machine->rows + machine->cols + 2) capacity *= 2;
    probe->frames = frames;
    probe->machine = machine;
    probe->row_mask = capacity - 1;
    probe->rows = qm_alloc_zeroed(capacity, sizeof *probe->rows);
    probe->accumulator = qm_alloc_zeroed((size_t)machine->accumulator_rows * machine->cols, sizeof *probe->accumulator);
    probe->outputs = qm_alloc_zeroed(machine->scratchpad_bytes, 2);
    probe->writer = qm_alloc_zeroed(machine->scratchpad_bytes, sizeof *probe->writer);
    int32_t *sums = qm_alloc_zeroed(capacity * machine->cols, sizeof *sums);
    probe->saved = probe->outputs + machine->scratchpad_bytes;
    for (uint64_t i = 0; i < capacity; i++) probe->rows[i].sums = sums + i * machine->cols;
    probe_reset(probe, core);
    return probe;
}

void probe_destroy(struct probe *probe) {
    if (probe == NULL) return;
    free(probe->rows[0].sums);
    free(probe->rows);
    free(probe->accumulator);
    free(probe->outputs);
    free(probe->writer);
    free(probe);
}

void probe_reset(struct probe *probe, const struct core *core) {
    size_t words = (size_t)probe->machine->accumulator_rows * probe->machine->cols;
    probe->boundary = (struct boundary){.fed_weight.insn = &no_insn, .fed_row.insn = &no_insn};
    probe->reads_sums = false;
    for (uint64_t i = 0; i <= probe->row_mask; i++) probe->rows[i].valid = false;
    memcpy(probe->accumulator, core->values.accumulator, words * sizeof *probe->accumulator);
}

/* ---- load ---- */

static void evaluate_load(struct boundary *b, const struct wires *w, const struct core *core) {
    if (!w->load_beat) return;
    struct transfer_span span = transfer_span(&core->load.back, 1);
    b->load_addr = (uint32_t)(span.spad - span.skip) & ADDRESS_MASK;
    b->load_mask = (UINT64_MAX >> (BEAT_BYTES_MAX - span.length)) << span.skip;
}

/* ---- matmul and array ---- */

/* A depthwise row as the array gets it: padding for every tap, and which taps see their column's sample instead. */
static void feed_chain(struct probe *probe, const struct qm_insn *insn, int64_t ox) {
    memset(probe->row_bytes, 0, 2 * (size_t)probe->machine->rows);
    for (int64_t row = 0; row < insn->run_bytes; row++) {
        int64_t sample = ox * insn->sample_step + insn->run_bytes - 1 - row - insn->skip_left;
        probe->row_bytes[2 * row] = (uint8_t)insn->pad_value;
        if (sample >= 0 && sample < qm_samples_of_row(insn)) probe->row_sampled |= (uint8_t)(1u << row);
    }
}

/* The bytes of a dense row as the array gets them: 16 bits for each of its rows. */
static void feed_row(struct probe *probe, const struct qm_matmul_step *step, struct run run, int64_t first, const uint8_t *scratchpad) {
    uint8_t bytes[MATMUL_BYTES_MAX];
    bool is_narrow = step->insn->precision != QM_precision_W8A8;
    window_read(step->insn, scratchpad, run, first, step->k, bytes);
    memset(probe->row_bytes, 0, 2 * (size_t)probe->machine->rows);
    for (uint32_t i = 0; i < step->k; i++) probe->row_bytes[is_narrow ? i : 2 * i] = bytes[i];
}

static void enter_step(struct probe *probe, const struct qm_matmul_step *step, int64_t first, const struct core *core) {
    struct matmul_step *entered = &probe->step;
    entered->tile = step->tile;
    entered->n = step->n;
    entered->ky = step->ky;
    entered->kx = step->kx;
    entered->first = first;
    entered->bytes = step->k;
    matmul_step_begin(step->insn, &core->values, entered);
}

static bool makes_output(const struct matmul *matmul) {
    const struct qm_matmul_stream *stream = &matmul->back.stream;
    return qm_stream_outputs(stream, matmul->back_row + 1) > qm_stream_outputs(stream, matmul->back_row);
}

static void issue_row(struct probe *probe, const struct wires *w, const struct core *core) {
    const struct qm_matmul_step *step = &core->matmul.back;
    const struct qm_insn *insn = step->insn;
    int64_t at = (int64_t)core->matmul.back_row, m = (int64_t)qm_stream_outputs(&step->stream, core->matmul.back_row);
    int64_t row_length = (int64_t)step->stream.row_length, tile_width = qm_machine_tile(probe->machine, insn->depthwise != 0);
    int64_t first = insn->depthwise != 0 ? step->tile * tile_width : step->piece;
    struct run run = window_run(insn, at / row_length, at % row_length, step->ky, step->kx);
    struct in_flight *row = &probe->rows[w->now & probe->row_mask];
    if (at == 0) enter_step(probe, step, first, core);
    probe->boundary.window_addr = (uint32_t)(insn->in_addr + run.y * insn->in_pitch + run.x + first) & ADDRESS_MASK;
    if (!makes_output(&core->matmul)) return;
    probe->row_sampled = 0;
    if (insn->depthwise != 0)
        feed_chain(probe, insn, m % insn->out_w);
    else
        feed_row(probe, step, run, first, core->values.scratchpad);
    memset(row->sums, 0, probe->machine->cols * sizeof *row->sums);
    row->correction = matmul_step_row(insn, &core->values, &probe->step, m, row->sums);
    row->valid = true;
    row->issue = w->now;
    row->n = step->n;
    row->corrects = insn->weight_zero != 0;
    row->adds = step->adds;
    row->addr = (uint16_t)(insn->acc_addr + step->tile * insn->out_h * insn->out_w + m);
}

/* The row of the array that a weight row is for: the first tap of a chain stands at its end. */
static uint64_t array_row(const struct matmul *matmul) {
    return matmul->front.insn->depthwise != 0 ? matmul->front.weight_rows - 1 - matmul->front_row : matmul->front_row;
}

/* A weight of that many bits as a cell gets it: a byte, or a signed nibble. */
static unsigned cell_weight(unsigned stored, int64_t bits) {
    switch (bits) {
    case 1: return stored != 0 ? 0xf : 1;
    case 2: return stored | (stored & 2 ? 0xc : 0);
    default: return stored;
    }
}

/* The weights of a weight row at that place as the array gets them: 16 bits for each of its columns, 0 in those without a channel. */
static void feed_weights(struct probe *probe, const struct qm_matmul_step *step, const uint8_t *row) {
    struct qm_precision sizes = qm_precision_of(step->insn);
    int64_t in_cell = sizes.bytes * sizes.activations, bits = sizes.weight_bits, cell_bits = bits == 8 ? 8 : 4;
    memset(probe->weight_bytes, 0, 2 * (size_t)probe->machine->cols);
    for (int64_t i = 0; i < step->n * in_cell; i++) {
        unsigned stored = (unsigned)row[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
        int64_t at = i % in_cell * cell_bits;
        probe->weight_bytes[2 * (i / in_cell) + at / 8] |= (uint8_t)(cell_weight(stored, bits) << at % 8);
    }
}

/* What enters the array in the next cycle. */
static void feed_array(struct probe *probe, const struct wires *w, const struct core *core) {
    struct boundary *b = &probe->boundary;
    const struct queue *queue = &core->queues[QM_UNIT_MATMUL];
    b->fed_weight.valid = w->matmul.weight_row;
    b->fed_row.valid = w->matmul.row && makes_output(&core->matmul);
    if (w->starts[QM_UNIT_MATMUL]) b->weight_addr = (uint32_t)queue_insn(queue, queue->started)->weight_addr;
    if (w->matmul.weight_row) {
        feed_weights(probe, &core->matmul.front, core->values.scratchpad + b->weight_addr);
        b->weight_addr = (b->weight_addr + core->matmul.front.weight_row_bytes) & ADDRESS_MASK;
        b->fed_weight.buffer = core->matmul.front_buffer;
        b->fed_weight.row = (uint8_t)array_row(&core->matmul);
        b->fed_weight.insn = core->matmul.front.insn;
        b->fed_weight.index = (uint32_t)queue->started - 1;
    }
    if (w->matmul.row) {
        b->fed_row.buffer = core->matmul.back_buffer;
        b->fed_row.sampled = probe->row_sampled;
        b->fed_row.insn = core->matmul.back.insn;
        b->fed_row.index = (uint32_t)queue->taken - 1;
    }
}

static struct in_flight row_of(const struct probe *probe, uint64_t now, uint64_t age) {
    const struct in_flight *row = &probe->rows[(now - age) & probe->row_mask];
    bool is_there = row->valid && row->issue + age == now;
    return is_there ? *row : (struct in_flight){.sums = row->sums};
}

static void commit_row(struct probe *probe, const struct in_flight *row) {
    int32_t *held = probe->accumulator + (size_t)row->addr * probe->machine->cols;
    uint64_t overflows = 0;
    for (uint32_t c = 0; c < probe->machine->cols; c++) {
        int64_t step = (int64_t)row->sums[c] - (c < row->n ? row->correction : 0);
        held[c] = commit_sum((row->adds ? (int64_t)held[c] : 0) + step, probe->machine, &overflows);
    }
    probe->boundary.overflows = (uint32_t)overflows;
}

static void evaluate_array(struct probe *probe, const struct wires *w) {
    uint64_t delay = probe->machine->rows + probe->machine->cols;
    probe->boundary.announced = row_of(probe, w->now, delay - 1);
    probe->boundary.committed = row_of(probe, w->now, delay);
    if (probe->boundary.committed.valid) commit_row(probe, &probe->boundary.committed);
}

/* ---- post ---- */

static struct qm_post_item item_of(const struct probe *probe, const struct qm_insn *insn, uint64_t index) {
    return qm_opcode_info(insn->opcode)->post->item(insn, probe->machine, (int64_t)index);
}

static void compute_outputs(struct probe *probe, const struct qm_insn *insn, struct core *core) {
    uint64_t items = qm_opcode_info(insn->opcode)->post->item_count(insn, probe->machine);
    uint32_t size = probe->machine->scratchpad_bytes, first = size, end = 0;
    for (uint64_t i = 0; i < items; i++) {
        struct qm_post_item item = item_of(probe, insn, i);
        if (!item.writes || item.out_bytes == 0) continue;
        if (item.out_addr < first) first = item.out_addr;
        if (item.out_addr + item.out_bytes > end) end = item.out_addr + item.out_bytes;
        for (uint32_t byte = 0; byte < item.out_bytes; byte++) probe->writer[item.out_addr + byte] = (uint32_t)i;
    }
    QM_CHECK(first < end && end <= size);
    uint8_t *written = core->values.scratchpad + first;
    memcpy(probe->saved, written, end - first);
    core_compute_values(core, insn);
    memcpy(probe->outputs + first, written, end - first);
    memcpy(written, probe->saved, end - first);
}

static void evaluate_post(struct probe *probe, const struct wires *w, const struct core *core) {
    struct boundary *b = &probe->boundary;
    const struct post *post = &core->post;
    b->item = b->output = (struct qm_post_item){0};
    if (!post->is_busy) return;
    if (post->issued < post->items) b->item = item_of(probe, post->insn, post->issued);
    uint64_t first_output = post->end_cycle - post->items + 1; /* cycle in which item 0 would be written */
    if (w->now < first_output) return;
    b->output_index = w->now - first_output;
    b->output = item_of(probe, post->insn, b->output_index);
}

/* ---- the frame ---- */

static unsigned queue_bits(const struct core *core, bool (*is)(const struct queue *)) {
    unsigned bits = 0;
    for (unsigned unit = 0; unit < QM_UNITS; unit++) bits |= (unsigned)is(&core->queues[unit]) << unit;
    return bits;
}

static unsigned token_bits(const struct core *core) {
    unsigned bits = 0;
    for (unsigned unit = 0; unit < QM_UNITS; unit++) {
        const struct queue *queue = &core->queues[unit];
        if (!queue_is_waiting(queue)) continue;
        bits |= (unsigned)token_is_ready(&core->token, (enum qm_unit)unit, queue_insn(queue, queue->started)->wait) << unit;
    }
    return bits;
}

static unsigned decode_error(const struct core *core) {
    return fetch_has_head(&core->fetch) && core->csr.error_cause == QM_ERROR_NONE ? core->decode.error : QM_ERROR_NONE;
}

static unsigned push_bits(const struct wires *w, const struct core *core) {
    return w->decodes ? 1u << qm_opcode_unit(core->decode.insn.opcode) : 0;
}

static void fill_values(struct qm_frame *frame, const struct wires *w, const struct core *core, const struct boundary *b) {
#define QM_PROBE(unit, name, width, insn, gate, verilog, c) frame->values[QM_P_##unit##_##name] = (uint32_t)(c);
#include "spec/probes.def"
#undef QM_PROBE
}

static void fill_insns(struct qm_frame *frame, const struct core *core, const struct boundary *b) {
    const struct queue *load = &core->queues[QM_UNIT_LOAD], *matmul = &core->queues[QM_UNIT_MATMUL];
    const struct queue *post = &core->queues[QM_UNIT_POST], *store = &core->queues[QM_UNIT_STORE];
    const uint64_t insns[QM_PROBE_INSNS] = {
        [QM_INSN_DECODE] = core->fetch.popped,     [QM_INSN_LOAD_START] = load->started,
        [QM_INSN_LOAD_FRONT] = load->started - 1,  [QM_INSN_LOAD_BACK] = load->ended,
        [QM_INSN_MATMUL_START] = matmul->started,  [QM_INSN_MATMUL_FRONT] = matmul->started - 1,
        [QM_INSN_MATMUL_BACK] = matmul->taken - 1, [QM_INSN_FED_WEIGHT] = b->fed_weight.index,
        [QM_INSN_FED_ROW] = b->fed_row.index,      [QM_INSN_MATMUL_OLDEST] = matmul->ended,
        [QM_INSN_POST_START] = post->started,      [QM_INSN_POST] = post->ended,
        [QM_INSN_STORE_START] = store->started,    [QM_INSN_STORE] = store->ended,
    };
    for (int i = 0; i < QM_PROBE_INSNS; i++) frame->insns[i] = (uint32_t)insns[i];
}

/* A data signal whose every byte is known, or none. */
static void put(const struct probe *probe, struct qm_frame *frame, enum qm_probe_data which, bool is_known, const void *data) {
    uint32_t size = probe->frames->layout.size[which];
    frame->known[which] = is_known ? QM_KNOWN_ALL : QM_KNOWN_NOTHING;
    if (is_known) memcpy(qm_frame_data(probe->frames, frame, which), data, size);
}

/* A data signal of which the bytes of the mask are known. */
static void put_masked(const struct probe *probe, struct qm_frame *frame, enum qm_probe_data which, uint64_t mask, const uint8_t *data) {
    uint8_t *known = qm_frame_mask(probe->frames, frame, which), *out = qm_frame_data(probe->frames, frame, which);
    frame->known[which] = mask != 0 ? QM_KNOWN_MASKED : QM_KNOWN_NOTHING;
    if (mask == 0) return;
    for (uint32_t i = 0; i < probe->frames->layout.size[which]; i++) {
        known[i] = (mask >> i & 1) != 0 ? KNOWN : 0;
        if (known[i] != 0) out[i] = data[i];
    }
}

static void put_output(const struct probe *probe, struct qm_frame *frame) {
    const struct boundary *b = &probe->boundary;
    uint8_t *known = qm_frame_mask(probe->frames, frame, QM_D_post_data), *out = qm_frame_data(probe->frames, frame, QM_D_post_data);
    frame->known[QM_D_post_data] = b->output.out_bytes != 0 ? QM_KNOWN_MASKED : QM_KNOWN_NOTHING;
    if (b->output.out_bytes == 0) return;
    memset(known, 0, probe->machine->cols);
    for (uint32_t i = 0; i < b->output.out_bytes; i++) {
        known[i] = probe->writer[b->output.out_addr + i] == b->output_index ? KNOWN : 0;
        out[i] = probe->outputs[b->output.out_addr + i];
    }
}

static void fill_data(const struct probe *probe, struct qm_frame *frame, const struct wires *w, const struct core *core) {
    const struct boundary *b = &probe->boundary;
    const int32_t *sums = core->values.accumulator + (size_t)probe->read_row * probe->machine->cols;
    put(probe, frame, QM_D_load_mask, w->load_beat, &b->load_mask);
    put_masked(probe, frame, QM_D_load_data, w->load_beat ? b->load_mask : 0, w->memory.r_data);
    put(probe, frame, QM_D_matmul_weight_data, b->fed_weight.valid, probe->weight_bytes);
    put(probe, frame, QM_D_matmul_row_data, b->fed_row.valid, probe->row_bytes);
    put(probe, frame, QM_D_row_sum_correction, b->committed.corrects, &b->committed.correction);
    put(probe, frame, QM_D_mac_array_sums, b->committed.valid, b->committed.sums);
    put(probe, frame, QM_D_accumulator_read_data, probe->reads_sums, sums);
    put_output(probe, frame);
    put(probe, frame, QM_D_store_strobe, w->store_beat, &w->bus.w_strobe);
    put_masked(probe, frame, QM_D_store_data, w->store_beat ? w->bus.w_strobe : 0, core->beats);
}

/* Registers of the probe move. A new row may take the place in the ring of the one that is committed now. */
static void clock_probe(struct probe *probe, const struct wires *w, struct core *core) {
    if (w->starts[QM_UNIT_POST]) {
        const struct queue *queue = &core->queues[QM_UNIT_POST];
        const struct qm_insn *insn = queue_insn(queue, queue->started);
        compute_outputs(probe, insn, core);
    }
    feed_array(probe, w, core);
    probe->reads_sums = probe->boundary.item.reads_sums;
    probe->read_row = (uint16_t)probe->boundary.item.acc_addr;
}

void probe_write_frame(struct probe *probe, const struct wires *wires, struct core *core) {
    struct qm_frame *frame = qm_frames_at(probe->frames, probe->frames->count);
    struct boundary *b = &probe->boundary;
    evaluate_load(b, wires, core);
    evaluate_array(probe, wires);
    evaluate_post(probe, wires, core);
    frame->cycle = wires->now;
    fill_data(probe, frame, wires, core);
    if (wires->matmul.row) issue_row(probe, wires, core);
    fill_values(frame, wires, core, b);
    fill_insns(frame, core, b);
    clock_probe(probe, wires, core);
    qm_frames_push(probe->frames);
}
