/* surroundings.c - finds the instructions at work: a unit takes its instructions in order, so the numbers of its starts and ends say which
 * they are. */
#include "verify/surroundings.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"
#include "verify/difference.h"
#include "verify/waves.h"

static void print_insn(const struct surroundings_program *run, uint32_t index, const char *who) {
    struct qm_insn insn;
    char text[1024];
    qm_insn_unpack(run->words[index], &insn);
    qm_insn_print(&insn, text, sizeof text);
    printf("  %-6s  instruction %u", who, index);
    if (run->program != NULL) {
        const struct qm_program_layer *layer = &run->program->layers[run->layers[index]];
        printf(" of layer %u (%s %s)", run->layers[index], qm_shown(layer->op).text, qm_shown(layer->name).text);
    }
    printf("\n          %s\n", text);
}

/* Prints the unit's instructions from..to-1, counted in the order in which the unit gets them. */
static void print_unit(const struct surroundings_program *run, enum qm_unit unit, uint32_t from, uint32_t to) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        int64_t opcode = qm_words_opcode(run->words[i]);
        if (qm_opcode_name(opcode) == NULL || qm_opcode_unit(opcode) != unit) continue;
        if (seen >= from && seen < to) print_insn(run, i, qm_unit_name(unit));
        seen++;
    }
}

struct surroundings_program surroundings_of_program(const struct qm_program *program, const struct qm_lockstep_surroundings *around) {
    struct surroundings_program run = {.program = program};
    uint32_t device_stages = 0, nth = 0;
    for (uint32_t i = 0; i < program->stage_count; i++) device_stages += !program->stages[i].on_host;
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host || nth++ != around->run % device_stages) continue;
        run.words = (const uint32_t(*)[QM_INSN_WORDS])program->insns + stage->first_insn;
        run.layers = program->insn_layer + stage->first_insn;
        run.count = stage->insn_count;
    }
    return run;
}

/* Prints the instruction that the signal belonged to. */
static void print_culprit(const struct surroundings_program *run, const struct qm_lockstep_place *place) {
    if (!place->has_insn) return;
    printf("the instruction:\n");
    if (place->insn_unit >= 0)
        print_unit(run, (enum qm_unit)place->insn_unit, place->insn, place->insn + 1);
    else if (place->insn < run->count)
        print_insn(run, place->insn, "decode");
}

static void print_surroundings(const struct qm_lockstep_surroundings *around, const struct surroundings_program *run) {
    if (around->place.is_known) {
        const struct qm_lockstep_place *place = &around->place;
        printf("first difference: cycle %" PRIu64 ", unit %s, signal %s: %s\n", place->cycle, place->unit, place->signal, place->what);
        print_culprit(run, place);
    }
    printf("the last events that were equal:\n");
    for (uint32_t i = 0; i < around->event_count; i++) printf("  %s\n", around->events[i]);
    printf("at work, or next:\n");
    for (int unit = 0; unit < QM_UNITS; unit++) {
        bool working = around->started[unit] > around->ended[unit];
        print_unit(run, (enum qm_unit)unit, around->ended[unit], working ? around->started[unit] : around->ended[unit] + 1);
    }
}

void surroundings_report(const struct qm_device *pair, const struct surroundings_program *run, const char *waves_dir) {
    struct qm_lockstep_surroundings around = qm_lockstep_surroundings(pair);
    struct qm_diag problem;
    if (qm_lockstep_frames(pair, false) == NULL) return;
    print_surroundings(&around, run);
    if (waves_write(pair, waves_dir, &problem) != QM_OK) difference_tell_late("the waveforms are missing", &problem);
}
