/* html.c - the report as a page: the JSON of the report, and when each instruction ran. */
#include <inttypes.h>

#include "common/memory.h"
#include "report/page.h"
#include "report/report.h"

/* Opcode, layer, START and END of each instruction of a unit, one list of numbers in program order; cycles go on from stage to stage. */
static void add_unit(cJSON *units, const struct qm_report_source *source, enum qm_unit unit, struct qm_arena *arena) {
    const struct qm_program *program = source->program;
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    uint64_t before = 0;
    const char *comma = "[";
    for (uint32_t stage = 0; stage < program->stage_count; stage++) {
        const struct qm_program_stage *part = &program->stages[stage];
        for (uint32_t i = part->first_insn; i < part->first_insn + part->insn_count; i++) {
            int64_t opcode = qm_words_opcode(program->insns[i]);
            if (part->on_host || qm_opcode_unit(opcode) != unit) continue;
            fprintf(out, "%s%" PRId64 ",%u,%" PRIu64 ",%" PRIu64, comma, opcode, program->insn_layer[i],
                    before + source->run->times[i].start, before + source->run->times[i].end);
            comma = ",";
        }
        before += source->run->counters[stage].value[QM_C_cycles];
    }
    fputs(comma[0] == '[' ? "[]" : "]", out);
    QM_CHECK(cJSON_AddRawToObject(units, qm_unit_name(unit), qm_arena_close_text(arena, out, &text)) != NULL);
}

/* Their names, by number. */
static void add_opcodes(cJSON *facts) {
    cJSON *opcodes = qm_json_object(facts, "opcodes");
    for (int64_t i = 0; i < 1 << qm_fields[QM_FIELD_opcode].width; i++) {
        char number[24];
        snprintf(number, sizeof number, "%" PRId64, i);
        if (qm_opcode_name(i) != NULL) qm_json_text(opcodes, number, qm_opcode_name(i));
    }
}

char *qm_report_html(const struct qm_report *report, struct qm_arena *arena) {
    const struct qm_report_source *source = &report->source;
    cJSON *facts = qm_page_facts("run", source->command);
    qm_page_add_prices(facts, source->energy);
    if (source->run->timed) {
        cJSON *units = qm_json_object(facts, "units");
        for (enum qm_unit unit = 0; unit < QM_UNITS; unit++) add_unit(units, source, unit, arena);
        add_opcodes(facts);
    }
    QM_CHECK(cJSON_AddRawToObject(facts, "report", qm_report_json(report, arena)) != NULL);
    return qm_page_finish(facts, arena);
}
