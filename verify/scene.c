/* scene.c - a unit works through its instructions in order, so a count of starts and ends says which ones are at work. */
#include "verify/scene.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"
#include "verify/found.h"
#include "verify/waves.h"

static void print_insn(const struct scene_program *run, uint32_t index, const char *who) {
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

/* Instructions of the unit number `from` to `to` - 1, in its own order. */
static void print_unit(const struct scene_program *run, enum qm_unit unit, uint32_t from, uint32_t to) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t opcode = run->words[i][0] & 0xff;
        if (qm_opcode_name(opcode) == NULL || qm_opcode_unit(opcode) != unit) continue;
        if (seen >= from && seen < to) print_insn(run, i, qm_unit_name(unit));
        seen++;
    }
}

struct scene_program scene_of_program(const struct qm_program *program, const struct qm_lockstep_scene *scene) {
    struct scene_program run = {.program = program};
    uint32_t device_stages = 0, nth = 0;
    for (uint32_t i = 0; i < program->stage_count; i++) device_stages += !program->stages[i].on_host;
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host || nth++ != scene->run % device_stages) continue;
        run.words = (const uint32_t(*)[QM_INSN_WORDS])program->insns + stage->first_insn;
        run.layers = program->insn_layer + stage->first_insn;
        run.count = stage->insn_count;
    }
    return run;
}

/* The instruction that the signal belonged to: the unit's insn-th, or the program's. */
static void print_culprit(const struct scene_program *run, const struct qm_lockstep_place *place) {
    if (!place->has_insn) return;
    printf("the instruction:\n");
    if (place->insn_unit >= 0)
        print_unit(run, (enum qm_unit)place->insn_unit, place->insn, place->insn + 1);
    else if (place->insn < run->count)
        print_insn(run, place->insn, "decode");
}

static void print_scene(const struct qm_lockstep_scene *scene, const struct scene_program *run) {
    if (scene->place.is_known) {
        const struct qm_lockstep_place *place = &scene->place;
        printf("first difference: cycle %" PRIu64 ", unit %s, signal %s: %s\n", place->cycle, place->unit, place->signal, place->what);
        print_culprit(run, place);
    }
    printf("the last events that were equal:\n");
    for (uint32_t i = 0; i < scene->event_count; i++) printf("  %s\n", scene->events[i]);
    printf("at work, or next:\n");
    for (int unit = 0; unit < QM_UNITS; unit++) {
        bool working = scene->started[unit] > scene->ended[unit];
        print_unit(run, (enum qm_unit)unit, scene->ended[unit], working ? scene->started[unit] : scene->ended[unit] + 1);
    }
}

void scene_report(const struct qm_device *pair, const struct scene_program *run, const char *waves_dir) {
    struct qm_lockstep_scene scene = qm_lockstep_scene(pair);
    struct qm_diag problem;
    if (qm_lockstep_frames(pair, false) == NULL) return;
    print_scene(&scene, run);
    if (waves_write(pair, waves_dir, &problem) != QM_OK) found_tell_late("the waveforms are missing", &problem);
}
