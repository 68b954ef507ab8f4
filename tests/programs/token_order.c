/* token_order.c - no program that the compiler emits can deadlock, whatever the timing.
 *
 *   build/token_order PROGRAM...
 * Checked, for every stage and every ordered pair of units (u, v): the k-th instruction of v that waits for u comes behind the k-th
 * instruction of u that signals v, nothing waits for its own unit, and there are fewer signals than a counter holds, so that none is lost.
 *
 * Why that is enough. Units start and end their instructions in order, so the k-th wait takes the k-th token. Let i be the first
 * instruction in program order that never ends. All tokens that it waits for come from instructions before it, which end. It is the first
 * unfinished of its unit, so it is at the head of its queue as soon as it is fetched; and fetch, which is in order, gets that far, since it
 * can stop only in front of a full queue, that is, at an instruction before i whose queue never empties, and all before i end. So i starts,
 * and with a memory that answers what starts ends: a contradiction.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/isa.h"
#include "common/program.h"

enum { COUNTER_MAX = 65535 };

struct pair {
    uint64_t signals, waits;
};

struct check {
    struct pair pairs[QM_UNITS][QM_UNITS]; /* [from][to] */
    uint64_t tokens;
};

/* The instruction's waits, then its signals; false: a wait is not behind its signal, or a counter might be full. */
static bool take(struct check *check, const struct qm_insn *insn) {
    enum qm_unit own = qm_opcode_unit(insn->opcode);
    for (int unit = 0; unit < QM_UNITS; unit++) {
        struct pair *in = &check->pairs[unit][own], *out = &check->pairs[own][unit];
        bool waits = (insn->wait >> unit & 1) != 0, signals = (insn->signal >> unit & 1) != 0;
        if (unit == (int)own && (waits || signals)) return false;
        if (waits && ++in->waits > in->signals) return false;
        if (signals && ++out->signals >= COUNTER_MAX) return false;
        check->tokens += waits;
    }
    return true;
}

/* without: an instruction whose signals are left out, or UINT32_MAX. Returns the first bad instruction, or the end. */
static uint32_t check_stage(const struct qm_program *program, const struct qm_program_stage *stage, uint32_t without, struct check *check) {
    uint32_t end = stage->first_insn + stage->insn_count;
    *check = (struct check){.tokens = 0};
    for (uint32_t i = stage->first_insn; i < end; i++) {
        struct qm_insn insn;
        qm_insn_unpack(program->insns[i], &insn);
        if (i == without) insn.signal = 0;
        if (!take(check, &insn)) return i;
    }
    return end;
}

/* Every signal that somebody waits for is needed: the check must miss it when it is left out. */
static bool can_fail(const struct qm_program *program, const struct qm_program_stage *stage) {
    struct check check;
    uint32_t end = stage->first_insn + stage->insn_count;
    for (uint32_t i = stage->first_insn; i < end; i++) {
        struct qm_insn insn;
        qm_insn_unpack(program->insns[i], &insn);
        if (insn.signal != 0) return check_stage(program, stage, i, &check) < end;
    }
    return true;
}

static bool check_program(const char *file, uint64_t *tokens) {
    struct qm_program *program;
    struct qm_diag diag;
    if (qm_program_load(file, &program, &diag) != QM_OK) {
        fprintf(stderr, "token_order: %s\n", diag.text);
        return false;
    }
    bool fine = true;
    for (uint32_t s = 0; s < program->stage_count && fine; s++) {
        const struct qm_program_stage *stage = &program->stages[s];
        struct check check;
        if (stage->on_host) continue;
        uint32_t bad = check_stage(program, stage, UINT32_MAX, &check), end = stage->first_insn + stage->insn_count;
        if (bad < end) printf("%s: instruction %u waits for a token that no instruction before it gives\n", file, bad);
        bool blind = !can_fail(program, stage);
        if (blind) printf("%s: a signal left out of step %u was not missed\n", file, s);
        fine = bad == end && !blind;
        *tokens += check.tokens;
    }
    qm_program_destroy(program);
    return fine;
}

int main(int argc, char **argv) {
    uint64_t tokens = 0;
    for (int i = 1; i < argc; i++)
        if (!check_program(argv[i], &tokens)) return 1;
    printf("%d programs, %" PRIu64 " tokens, every one given before it is waited for\n", argc - 1, tokens);
    return argc > 1 && tokens > 0 ? 0 : 1;
}
