/* shrink.c - greedy reduction: a step is kept when the engines still differ, and steps are tried until none is kept.
 *
 * A trial is always a program whose result is defined: tokens are set anew from the hazards, tile counts follow the channels, and no
 * instruction writes what it reads. What a malformed program has wrong in its words is set apart as bits to set and to clear, and stays.
 */
#include "verify/shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/opcode/opcode.h"
#include "common/text.h"
#include "compiler/compiler.h"

enum { ROUNDS_MAX = 8 };

struct candidate {
    struct qm_program_text text;
    uint32_t set[QM_TEXT_MAX_INSNS][QM_INSN_WORDS], cleared[QM_TEXT_MAX_INSNS][QM_INSN_WORDS];
};

struct shrinker {
    struct qm_verify_random verify;
    struct candidate *best, *trial;
    uint64_t trials;
    struct qm_diag diag;
};

static bool is_defined(const struct qm_insn *insn, const struct qm_machine *machine) {
    return !qm_writes_arena_below(insn, machine, QM_TEXT_CODE_BYTES) && !qm_writes_what_it_reads(insn, machine);
}

static void count_tiles(struct qm_insn *insn, const struct qm_machine *machine) {
    int64_t width = qm_machine_tile(machine, insn->depthwise != 0);
    if (qm_field_applies(&qm_fields[QM_FIELD_tiles], insn->opcode)) insn->tiles = (insn->channels + width - 1) / width;
}

/* Tokens and words of the trial; false when it is not a program to compare. */
static bool complete(struct shrinker *self) {
    struct candidate *trial = self->trial;
    struct qm_program_text *text = &trial->text;
    for (uint32_t i = 0; i < text->insn_count; i++) {
        count_tiles(&text->insns[i], &text->machine);
        if (!is_defined(&text->insns[i], &text->machine)) return false;
    }
    qm_synchronize(text->insns, text->insn_count, &text->machine);
    for (uint32_t i = 0; i < text->insn_count; i++) {
        if (qm_insn_pack(&text->insns[i], text->words[i], &self->diag) != QM_OK) return false;
        for (int w = 0; w < QM_INSN_WORDS; w++) text->words[i][w] = (text->words[i][w] & ~trial->cleared[i][w]) | trial->set[i][w];
    }
    return true;
}

/* Runs the trial; when the engines still differ it is the best so far. The next trial begins with the best. */
static bool keep(struct shrinker *self) {
    struct qm_lockstep_stats stats = {0};
    self->trials++;
    bool fails = complete(self) && qm_verify_text(&self->verify, &self->trial->text, &stats, &self->diag) == QM_MISMATCH;
    if (fails)
        *self->best = *self->trial;
    else
        *self->trial = *self->best;
    return fails;
}

static void remove_rows(uint32_t (*rows)[QM_INSN_WORDS], uint32_t at, uint32_t count, uint32_t all) {
    memmove(rows + at, rows + at + count, (all - at - count) * sizeof *rows);
}

static bool drop(struct shrinker *self, uint32_t at, uint32_t count) {
    struct candidate *trial = self->trial;
    struct qm_program_text *text = &trial->text;
    uint32_t all = text->insn_count;
    memmove(text->insns + at, text->insns + at + count, (all - at - count) * sizeof *text->insns);
    remove_rows(trial->set, at, count, all);
    remove_rows(trial->cleared, at, count, all);
    text->insn_count -= count;
    if (text->program_count == all) text->program_count -= count;
    return keep(self);
}

/* Halves, quarters ... single instructions, from the end: what comes last depends on what comes before. */
static bool drop_insns(struct shrinker *self) {
    bool better = false;
    for (uint32_t size = (self->best->text.insn_count + 1) / 2; size > 0; size /= 2)
        for (uint32_t end = self->best->text.insn_count; end >= size; end--)
            if (self->best->text.insn_count > size && end <= self->best->text.insn_count && drop(self, end - size, size)) better = true;
    return better;
}

static bool try_value(struct shrinker *self, uint32_t insn, const struct qm_field *field, int64_t value) {
    int64_t *place = qm_field_member(field, &self->trial->text.insns[insn]);
    if (*place == value) return false;
    *place = value;
    return keep(self);
}

/* 0, else 1, else half as often as it goes. */
static bool shrink_field(struct shrinker *self, uint32_t insn, const struct qm_field *field) {
    const int64_t *value = qm_field_member(field, &self->best->text.insns[insn]);
    if (*value == 0 || try_value(self, insn, field, 0)) return *value != 0;
    if (*value == 1 || try_value(self, insn, field, 1)) return *value != 1;
    bool better = false;
    while ((*value > 2 || *value < -1) && try_value(self, insn, field, *value / 2)) better = true;
    return better;
}

static bool is_derived(enum qm_field_id field) {
    return field == QM_FIELD_opcode || field == QM_FIELD_wait || field == QM_FIELD_signal || field == QM_FIELD_tiles;
}

static bool shrink_fields(struct shrinker *self) {
    bool better = false;
    for (uint32_t i = 0; i < self->best->text.insn_count; i++)
        for (size_t f = 0; f < qm_field_count; f++) {
            bool has = qm_field_applies(&qm_fields[f], self->best->text.insns[i].opcode);
            if (has && !is_derived((enum qm_field_id)f) && shrink_field(self, i, &qm_fields[f])) better = true;
        }
    return better;
}

static bool shrink_surroundings(struct shrinker *self) {
    bool better = false;
    self->trial->text.stalls = 0;
    if (self->best->text.stalls > 0 && keep(self)) better = true;
    self->trial->text.first_cycles = 0;
    if (self->best->text.first_cycles > 0 && keep(self)) better = true;
    self->trial->text.is_filled = false;
    if (self->best->text.is_filled && keep(self)) better = true;
    return better;
}

/* The smallest machine on which it still fails; each must be built once. */
static bool shrink_machine(struct shrinker *self) {
    static const char *const names[] = {"one", "tiny"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct qm_machine machine, *now = &self->trial->text.machine;
        if (qm_machine_load(names[i], &machine, &self->diag) != QM_OK || machine.rows * machine.cols >= now->rows * now->cols) continue;
        *now = machine;
        if (keep(self)) return true;
    }
    return false;
}

static void reduce(struct shrinker *self) {
    bool better = true;
    for (int round = 0; better && round < ROUNDS_MAX; round++) {
        better = drop_insns(self);
        if (shrink_surroundings(self)) better = true;
        if (shrink_fields(self)) better = true;
        if (round == 0 && shrink_machine(self)) better = true;
    }
}

/* What the words have that the instructions do not say. */
static bool split(struct candidate *candidate, struct qm_diag *diag) {
    struct qm_program_text *text = &candidate->text;
    for (uint32_t i = 0; i < text->insn_count; i++) {
        uint32_t packed[QM_INSN_WORDS];
        if (qm_opcode_name(text->insns[i].opcode) == NULL || qm_insn_pack(&text->insns[i], packed, diag) != QM_OK) return false;
        for (int w = 0; w < QM_INSN_WORDS; w++) {
            candidate->set[i][w] = text->words[i][w] & ~packed[w];
            candidate->cleared[i][w] = packed[w] & ~text->words[i][w];
        }
    }
    return text->before == NULL;
}

enum qm_status qm_shrink(const struct qm_verify_random *verify, const struct qm_program_text *program, const char *file,
                         struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    struct shrinker self = {.verify = *verify};
    self.best = QM_ARENA_NEW(arena, struct candidate, 1);
    self.trial = QM_ARENA_NEW(arena, struct candidate, 1);
    self.trial->text = *program;
    self.verify.waves_dir = NULL;
    self.verify.found = NULL;
    enum qm_status status = QM_OK;
    if (!split(self.trial, diag) || !keep(&self))
        status = qm_fail(diag, QM_BAD_INPUT, "%s: cannot be reduced: it states bytes of memory, or does not fail again", program->file);
    if (status == QM_OK) {
        reduce(&self);
        status = qm_program_text_write(&self.best->text, file, diag);
    }
    if (status == QM_OK)
        printf("reduced: %" PRIu32 " of %" PRIu32 " instructions on %s after %" PRIu64 " trials; saved as %s\n", self.best->text.insn_count,
               program->insn_count, qm_shown(self.best->text.machine.name).text, self.trials, qm_shown(file).text);
    qm_arena_destroy(arena);
    return status;
}
