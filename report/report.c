/* report.c - splits the cycles and the events of a run by layer. */
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"
#include "common/precision.h"
#include "common/program_work.h"

static const char *const cause_names[QM_LAYER_CAUSES] = {"compute", "weights", "post", "drain", "memory", "control"};
/* What is the cause of a cycle in which nothing streams, a unit is busy and none before it. */
static const struct {
    enum qm_unit unit;
    enum qm_layer_cause cause;
} unit_causes[QM_UNITS] = {
    {QM_UNIT_POST, QM_LAYER_POST}, {QM_UNIT_MATMUL, QM_LAYER_DRAIN}, {QM_UNIT_LOAD, QM_LAYER_MEMORY}, {QM_UNIT_STORE, QM_LAYER_MEMORY}};

const char *qm_layer_cause_name(unsigned cause) {
    return cause_names[cause];
}

/* ---- cycles ---- */

/* The busy times of one unit in a stage, walked forward in time. */
struct activity {
    const struct qm_insn_time **times; /* [count] in the unit's order, so that starts and ends both rise */
    uint32_t count, next;              /* next: first that has not started at the current time */
    uint64_t until;                    /* busy before this cycle */
};

/* Moves to cycle t; returns whether the unit is busy there and sets *change to the next cycle in which that may differ. */
static bool busy_at(struct activity *activity, uint64_t t, uint64_t *change) {
    for (; activity->next < activity->count && activity->times[activity->next]->start <= t; activity->next++)
        if (activity->times[activity->next]->end + 1 > activity->until) activity->until = activity->times[activity->next]->end + 1;
    *change = UINT64_MAX;
    if (activity->next < activity->count) *change = activity->times[activity->next]->start;
    if (activity->until <= t) return false;
    if (activity->until < *change) *change = activity->until;
    return true;
}

/* The cause of cycle t; moves *next back to the next cycle in which it may be another. */
static enum qm_layer_cause cause_at(struct activity *activities, uint64_t t, uint64_t *next) {
    for (int i = 0; i < QM_UNITS; i++) {
        uint64_t change;
        bool is_busy = busy_at(&activities[unit_causes[i].unit], t, &change);
        if (change < *next) *next = change;
        if (is_busy) return unit_causes[i].cause;
    }
    return QM_LAYER_CONTROL;
}

/* Adds the causes of cycles [from, to), in which nothing streams, to part. */
static void add_causes(struct activity *activities, uint64_t from, uint64_t to, struct qm_report_part *part) {
    while (from < to) {
        uint64_t next = to;
        enum qm_layer_cause cause = cause_at(activities, from, &next);
        part->causes[cause] += next - from;
        from = next;
    }
}

/* ---- who pays ---- */

/* When each MATMUL of a stage streams rows or waits for weights: it ends R + C cycles before its last sum is committed,
 * and begins when the one before ends or it starts. */
struct streams {
    struct stream {
        uint64_t from, to; /* [from, to) */
        uint32_t insn;
    } * list;
    uint32_t count, next;
};

static void add_stream(struct streams *streams, const struct qm_report_source *source, uint32_t insn) {
    const struct qm_insn_time *time = &source->run->times[insn];
    uint64_t before = streams->count > 0 ? streams->list[streams->count - 1].to : 0, drain = source->machine->rows + source->machine->cols;
    uint64_t from = time->start + 1 > before ? time->start + 1 : before, to = from;
    if (time->end + 1 > from + drain) to = time->end + 1 - drain;
    streams->list[streams->count++] = (struct stream){from, to, insn};
}

/* What streams in cycle t; NULL: nothing does. *change: the next cycle in which that may differ. */
static const struct stream *stream_at(struct streams *streams, uint64_t t, uint64_t *change) {
    while (streams->next < streams->count && streams->list[streams->next].to <= t) streams->next++;
    *change = UINT64_MAX;
    if (streams->next == streams->count) return NULL;
    const struct stream *stream = &streams->list[streams->next];
    bool streaming = stream->from <= t;
    *change = streaming ? stream->to : stream->from;
    return streaming ? stream : NULL;
}

/* Splits the cycles [from, to), in which `oldest` is the oldest unfinished instruction. */
static void split_stretch(const struct qm_report_source *source, struct streams *streams, struct activity *activities, uint32_t oldest,
                          uint64_t from, uint64_t to, struct qm_report *report) {
    while (from < to) {
        uint64_t change;
        const struct stream *stream = stream_at(streams, from, &change);
        uint64_t next = change < to ? change : to;
        struct qm_report_part *part = &report->layers[source->program->insn_layer[stream != NULL ? stream->insn : oldest]];
        part->counters.value[QM_C_cycles] += next - from;
        if (stream != NULL)
            part->causes[QM_LAYER_WEIGHTS] += next - from;
        else
            add_causes(activities, from, next, part);
        from = next;
    }
}

/* In as many of the cycles in which a MATMUL streams as it has rows, one enters; in the others it waits for weights. */
static void split_rows(const struct qm_record *record, struct qm_report_part *layer) {
    const struct qm_matmul_run *run = &record->matmul.run;
    uint64_t runs = record->matmul.runs, rows = runs * run->steps * run->rows;
    layer->causes[QM_LAYER_COMPUTE] += rows;
    layer->counters.value[QM_C_matmul_stream] += rows;
    layer->causes[QM_LAYER_WEIGHTS] -= rows;
    layer->weight_rows += runs * ((uint64_t)(run->steps - 1) * run->weight_rows + run->last_weight_rows);
}

static void add_issued(const struct qm_report_source *source, const struct qm_record *records, const struct qm_program_stage *stage,
                       struct qm_report *report) {
    for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) {
        struct qm_report_part *layer = &report->layers[source->program->insn_layer[i]];
        if (records[i].unit == QM_UNIT_MATMUL) split_rows(&records[i], layer);
        if (records[i].unit == QM_UNIT_POST) layer->post_items += records[i].post.items;
    }
}

static void split_cycles(const struct qm_report_source *source, const struct qm_record *records, uint32_t stage_index,
                         struct qm_report *report) {
    const struct qm_program *program = source->program;
    const struct qm_program_stage *stage = &program->stages[stage_index];
    uint64_t retired = 0, cycles = source->run->counters[stage_index].value[QM_C_cycles];
    struct activity activities[QM_UNITS] = {0};
    const struct qm_insn_time **slots = qm_alloc_zeroed((size_t)QM_UNITS * stage->insn_count + 1, sizeof *slots);
    struct streams streams = {.list = qm_alloc_zeroed(stage->insn_count + 1, sizeof *streams.list)};
    for (int unit = 0; unit < QM_UNITS; unit++) activities[unit].times = slots + (size_t)unit * stage->insn_count;
    for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) {
        struct activity *activity = &activities[records[i].unit];
        activity->times[activity->count++] = &source->run->times[i];
        if (records[i].unit == QM_UNIT_MATMUL) add_stream(&streams, source, i);
    }
    for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) {
        bool is_last = i + 1 == stage->first_insn + stage->insn_count;
        uint64_t end = is_last ? cycles : source->run->times[i].end + 1; /* the last layer pays for the way out */
        if (end <= retired) continue;
        split_stretch(source, &streams, activities, i, retired, end, report);
        retired = end;
    }
    add_issued(source, records, stage, report);
    free(slots);
    free(streams.list);
}

/* ---- events ---- */

static void add_counters(struct qm_counters *sum, const struct qm_counters *part) {
    for (int i = 0; i < QM_COUNTERS; i++) sum->value[i] += part->value[i];
}

/* Checks that the cycles of a cause, as times and rows give them, add up to those that the machine counted. */
static enum qm_status check_cause(const struct qm_report *report, enum qm_layer_cause cause, enum qm_counter counter,
                                  struct qm_diag *diag) {
    uint64_t counted = report->total.counters.value[counter];
    if (!report->source.run->timed || report->total.causes[cause] == counted) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s:counter %s: the machine counted %" PRIu64 ", the layers add up to %" PRIu64,
                   report->source.program->model, qm_counter_infos[counter].name, counted, report->total.causes[cause]);
}

/* Checks that the layers' events and cycles add up to the machine's. */
static enum qm_status check_sums(const struct qm_report *report, struct qm_diag *diag) {
    for (int i = 0; i < QM_COUNTERS; i++) {
        uint64_t sum = 0, counted = report->total.counters.value[i];
        if (qm_counter_infos[i].group != NULL || qm_counter_infos[i].depends_on_values) continue;
        for (uint32_t layer = 0; layer < report->source.program->layer_count; layer++) sum += report->layers[layer].counters.value[i];
        if (sum != counted)
            return qm_fail(diag, QM_INTERNAL,
                           "%s:counter %s: the machine counted %" PRIu64 ", the program's instructions add up to %" PRIu64,
                           report->source.program->model, qm_counter_infos[i].name, counted, sum);
    }
    QM_TRY(check_cause(report, QM_LAYER_COMPUTE, QM_C_matmul_stream, diag));
    return check_cause(report, QM_LAYER_WEIGHTS, QM_C_matmul_wait_weights, diag);
}

/* For an engine that does not count: takes the program's own events, besides what depends on values. */
static void sum_total(const struct qm_report_source *source, struct qm_report *report) {
    const struct qm_program *program = source->program;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        report->total.macs += report->layers[i].macs;
        if (!program->layers[i].on_host) report->total.cell_cycles += report->layers[i].cell_cycles;
        report->total.weight_rows += report->layers[i].weight_rows;
        report->total.post_items += report->layers[i].post_items;
        for (int cause = 0; cause < QM_LAYER_CAUSES; cause++) report->total.causes[cause] += report->layers[i].causes[cause];
        if (!source->run->timed) add_counters(&report->total.counters, &report->layers[i].counters);
    }
    for (uint32_t i = 0; i < program->stage_count; i++) add_counters(&report->total.counters, &source->run->counters[i]);
}

/* Bytes that the host reads for a stage of its own. */
static uint64_t host_input_bytes(const struct qm_program *program, const struct qm_program_stage *stage) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < stage->input_count; i++) bytes += program->tensors[stage->inputs[i]].size_bytes;
    return bytes;
}

/* Bytes that it reads and writes. */
static uint64_t host_bytes(const struct qm_program *program, const struct qm_program_stage *stage) {
    return host_input_bytes(program, stage) + program->tensors[stage->output].size_bytes;
}

static void sum_host(struct qm_report *report) {
    const struct qm_program *program = report->source.program;
    for (uint32_t i = 0; i < program->layer_count; i++)
        if (program->layers[i].on_host) report->host_macs += program->layers[i].macs;
    for (uint32_t i = 0; i < program->stage_count; i++)
        if (program->stages[i].on_host) report->host_bytes += host_bytes(program, &program->stages[i]);
}

static uint64_t divided_up(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

/* Adds what the host's operators cost at least: reading and writing their maps at the DRAM's rate and price, and their products, one a
 * cycle, at the price of the array's. */
static void price_host(struct qm_report *report) {
    const struct qm_machine *machine = report->source.machine;
    const struct qm_program *program = report->source.program;
    struct qm_counters beats = {0};
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (!stage->on_host) continue;
        beats.value[QM_C_dram_read_beats] += divided_up(host_input_bytes(program, stage), machine->axi_bytes);
        beats.value[QM_C_dram_write_beats] += divided_up(program->tensors[stage->output].size_bytes, machine->axi_bytes);
        beats.value[QM_C_macs] += program->layers[stage->layer].macs;
        report->host_cycles += divided_up(host_bytes(program, stage), machine->dram_bytes_per_cycle) + program->layers[stage->layer].macs;
    }
    qm_energy_of(report->source.energy, machine, &beats, &report->host_energy);
}

static void price(struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    if (!source->run->timed) return;
    qm_energy_of(source->energy, source->machine, &report->total.counters, &report->total.energy);
    for (uint32_t i = 0; i < source->program->layer_count; i++)
        qm_energy_of(source->energy, source->machine, &report->layers[i].counters, &report->layers[i].energy);
    price_host(report);
}

/* Products of a cell in a cycle at a precision, which programs name in small letters. */
static int64_t products_per_cell(const char *precision) {
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        const struct qm_enum_value *value = &qm_enum_values[i];
        if (strcmp(value->field, "precision") != 0 || strcasecmp(value->name, precision) != 0) continue;
        struct qm_precision sizes = qm_precision_sizes(value->value);
        return sizes.bytes * 8 / sizes.activation_bits;
    }
    return 1;
}

enum qm_status qm_report_make(const struct qm_report_source *source, struct qm_arena *arena, struct qm_report **report,
                              struct qm_diag *diag) {
    const struct qm_program *program = source->program;
    struct qm_report *made = QM_ARENA_NEW(arena, struct qm_report, 1);
    made->source = *source;
    made->total.report = made;
    made->total.products_per_cell = 1;
    made->layers = QM_ARENA_NEW(arena, struct qm_report_part, program->layer_count);
    const struct qm_program_work *work = qm_program_work(program, source->machine, arena);
    for (uint32_t i = 0; i < program->layer_count; i++) {
        const struct qm_program_layer *layer = &program->layers[i];
        double products = (double)products_per_cell(layer->precision);
        made->layers[i] = (struct qm_report_part){.report = made,
                                                  .layer = layer,
                                                  .counters = work->events[i],
                                                  .macs = layer->macs,
                                                  .products_per_cell = products,
                                                  .cell_cycles = (double)layer->macs / products};
    }
    for (uint32_t i = 0; i < program->stage_count; i++)
        if (source->run->timed && !program->stages[i].on_host) split_cycles(source, work->records, i, made);
    sum_total(source, made);
    QM_TRY(check_sums(made, diag));
    sum_host(made);
    price(made);
    *report = made;
    return QM_OK;
}
