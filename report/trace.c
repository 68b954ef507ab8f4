/* trace.c - the run as a trace of Chrome's format, which Perfetto opens: a lane for the stages, one for each unit, and counters of the
 * layers.
 *
 * A microsecond of the trace is a cycle, so that all times are whole and exact. Instructions of a unit may overlap, the next one starts
 * while the last rows of the one before drain; slices of a lane must not: what overlaps stands in another lane of its unit.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "common/memory.h"
#include "report/figures.h"
#include "report/json_tree.h"
#include "report/report.h"

struct lanes {
    uint64_t *until; /* [count] the first cycle in which the lane is free */
    uint32_t count, room;
};

struct trace {
    FILE *out;
    struct qm_arena *arena;
    const struct qm_report *report;
    struct lanes lanes[QM_UNITS];
    uint64_t before;     /* cycles of the stages before */
    uint32_t next_layer; /* whose counters have not been written */
};

/* A text as JSON has it, with quotes. */
static const char *quoted(const char *text, struct qm_arena *arena) {
    char *shown = qm_text_shown(text);
    cJSON *item = cJSON_CreateString(shown);
    char *json = item != NULL ? cJSON_PrintUnformatted(item) : NULL;
    QM_CHECK(json != NULL);
    const char *kept = qm_arena_strdup(arena, json);
    cJSON_free(json);
    cJSON_Delete(item);
    free(shown);
    return kept;
}

/* Lane 0 has the stages. */
static uint32_t lane_number(enum qm_unit unit, uint32_t index) {
    return 1 + (uint32_t)unit + QM_UNITS * index;
}

static void name_lane(const struct trace *trace, uint32_t lane, const char *name) {
    fprintf(trace->out, ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", lane, name);
}

/* The first lane of the unit that is free from a cycle on. */
static uint32_t take_lane(struct trace *trace, enum qm_unit unit, uint64_t from, uint64_t to) {
    struct lanes *lanes = &trace->lanes[unit];
    uint32_t index = 0;
    while (index < lanes->count && lanes->until[index] > from) index++;
    if (index == lanes->count) {
        lanes->until = qm_arena_grow(trace->arena, lanes->until, sizeof *lanes->until, lanes->count, &lanes->room);
        lanes->count++;
        name_lane(trace, lane_number(unit, index), qm_unit_name(unit));
    }
    lanes->until[index] = to;
    return lane_number(unit, index);
}

static void add_counter(const struct trace *trace, uint64_t cycle, const char *name, double number) {
    fprintf(trace->out, ",\n{\"ph\":\"C\",\"pid\":1,\"ts\":%" PRIu64 ",\"name\":\"%s\",\"args\":{\"value\":%.6g}}", cycle, name, number);
}

/* Utilization and traffic of a layer, from its first instruction that computes on. */
static void add_counters(struct trace *trace, uint32_t layer, uint64_t cycle) {
    const struct qm_report_part *part = &trace->report->layers[layer];
    double cycles = qm_figure_number(part, QM_FIGURE_cycles);
    add_counter(trace, cycle, "utilization of the layer, %", 100 * qm_figure_number(part, QM_FIGURE_utilization));
    add_counter(trace, cycle, "DRAM bytes a cycle of the layer", cycles > 0 ? qm_figure_number(part, QM_FIGURE_dram_bytes) / cycles : 0);
    trace->next_layer = layer + 1;
}

static void add_insn(struct trace *trace, const char *const *names, uint32_t insn) {
    const struct qm_report_source *source = &trace->report->source;
    const struct qm_insn_time *time = &source->run->times[insn];
    uint64_t from = trace->before + time->start, to = trace->before + time->end + 1;
    int64_t opcode = qm_words_opcode(source->program->insns[insn]);
    enum qm_unit unit = qm_opcode_unit(opcode);
    uint32_t layer = source->program->insn_layer[insn], lane = take_lane(trace, unit, from, to);
    fprintf(trace->out,
            ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%" PRIu64 ",\"dur\":%" PRIu64
            ",\"cat\":\"%s\",\"name\":%s,\"args\":{\"opcode\":\"%s\",\"instruction\":%u,\"layer\":%u}}",
            lane, from, to - from, qm_unit_name(unit), names[layer], qm_opcode_name(opcode), insn, layer);
    if ((unit == QM_UNIT_MATMUL || unit == QM_UNIT_POST) && layer >= trace->next_layer) add_counters(trace, layer, from);
}

static void add_stage(struct trace *trace, const char *const *names, uint32_t index) {
    const struct qm_program_stage *stage = &trace->report->source.program->stages[index];
    uint64_t cycles = trace->report->source.run->counters[index].value[QM_C_cycles];
    if (stage->on_host) return;
    fprintf(trace->out,
            ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":0,\"ts\":%" PRIu64 ",\"dur\":%" PRIu64
            ",\"cat\":\"stage\",\"name\":\"step %u\",\"args\":{}}",
            trace->before, cycles, index);
    for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) add_insn(trace, names, i);
    trace->before += cycles;
}

char *qm_report_trace(const struct qm_report *report, struct qm_arena *arena) {
    const struct qm_program *program = report->source.program;
    const char **names = QM_ARENA_NEW(arena, const char *, program->layer_count);
    struct trace trace = {.arena = arena, .report = report};
    char *text;
    size_t size;
    trace.out = qm_text_stream_open(&text, &size);
    for (uint32_t i = 0; i < program->layer_count; i++) names[i] = quoted(program->layers[i].name, arena);
    fprintf(
        trace.out,
        "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"model\":%s,\"machine\":%s,\"time\":\"a microsecond is a cycle\"},\"traceEvents\":[\n"
        "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"qmac: a microsecond is a cycle\"}}",
        quoted(program->model, arena), quoted(report->source.machine->name, arena));
    name_lane(&trace, 0, "step");
    for (uint32_t i = 0; i < program->stage_count && report->source.run->timed; i++) add_stage(&trace, names, i);
    fputs("]}\n", trace.out);
    return qm_arena_close_text(arena, trace.out, &text);
}
