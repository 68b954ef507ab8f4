/* choose.c - the plan of the fewest cycles among the machine's own and some that keep to smaller memories.
 *
 * A program that leaves a part of a memory alone takes as long on a machine that lacks this part. So plans for half the scratchpad, or half
 * the accumulator, are plans for this machine too, and sometimes better ones: a plan is made of choices each of which looks at a part of
 * the network. Below plans that are about as good as the best, still smaller memories are looked at, so that more memory seldom makes a
 * network slower: it may where a good plan hides behind a bad one. All are looked at with cuts by closed forms, and the best once more
 * with cuts by exact time.
 */
#include <string.h>

#include "compiler/passes/passes.h"

enum {
    HALVES_MAX = 32,
    LOOK_PARTS = 16, /* plans that are worse by a part of so many are looked below, */
    TRY_PARTS = 64,  /* and tried again */
    /* Of all plans that are looked at, so that a program of a million instructions is not planned dozens of times. */
    OPERATIONS_MAX = 1 << 19,
    /* Of one plan for a smaller memory: in a long network each map that finds no room may move all behind it. */
    MOVES_MAX = 1 << 17
};

/* Of the memories only so much: 1 / 2^n. */
struct halves {
    uint32_t scratchpad, accumulator;
};

/* A plan with cuts by closed forms. */
struct look {
    struct halves halves;
    uint64_t cycles, operations;
};

struct choice {
    const struct plan *begun;
    enum qm_status (*make)(struct plan *plan);
    struct plan *best;
    struct look looks[HALVES_MAX * HALVES_MAX]; /* [count] */
    uint32_t count;
    uint64_t operations;                  /* of all looks */
    uint64_t least_cycles;                /* of all looks */
    bool is_seen[HALVES_MAX][HALVES_MAX]; /* scratchpad, accumulator */
};

const char *qm_search_name(enum qm_search search) {
    static const char *const names[QM_SEARCHES] = {[QM_SEARCH_PLANS] = "plans", [QM_SEARCH_LAYERS] = "layers", [QM_SEARCH_NONE] = "none"};
    return names[search];
}

uint64_t choose_cycles(const struct plan *plan) {
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const struct plan_stage *stage = &plan->stages[i];
        if (stage->first_op == stage->last_op) continue;
        cycles += check_cycles(plan, stage->first_op, stage->last_op);
    }
    return cycles;
}

/* Makes a plan with an arena of its own that keeps to a part of the memories. */
static enum qm_status make_part(const struct choice *c, struct halves halves, struct qm_diag *diag, struct plan *plan) {
    bool tries_cuts = plan->tries_cuts;
    *plan = *c->begun;
    plan->diag = diag;
    plan->tries_cuts = tries_cuts;
    plan->moves_max = halves.scratchpad == 0 && halves.accumulator == 0 ? 0 : MOVES_MAX;
    plan->arena = qm_arena_create();
    struct qm_machine *part = QM_ARENA_NEW(plan->arena, struct qm_machine, 1);
    *part = *c->begun->machine;
    part->scratchpad_bytes >>= halves.scratchpad;
    part->accumulator_rows >>= halves.accumulator;
    plan->machine = part;
    QM_TRY(c->make(plan));
    return check_operations(plan);
}

/* Keeps the plan if it is better than all before, else frees it. */
static void keep_best(struct choice *c, struct plan *plan) {
    if (plan->cycles >= c->best->cycles) {
        plan_free(plan);
        return;
    }
    plan_free(c->best);
    *c->best = *plan;
}

/* Makes a plan with cuts by closed forms. */
static enum qm_status look_at(struct choice *c, struct halves halves, struct qm_diag *diag) {
    struct plan plan = {.tries_cuts = false};
    enum qm_status status = make_part(c, halves, diag, &plan);
    c->is_seen[halves.scratchpad][halves.accumulator] = true;
    if (status != QM_OK) {
        plan_free(&plan);
        return status;
    }
    c->operations += plan.op_count;
    plan.cycles = choose_cycles(&plan);
    c->looks[c->count++] = (struct look){halves, plan.cycles, plan.op_count};
    if (plan.cycles < c->least_cycles) c->least_cycles = plan.cycles;
    keep_best(c, &plan);
    return QM_OK;
}

/* As good as the best, for all that closed forms know: both plans may be wrong about every layer, or about one part in so many of all. */
static bool is_about_best(const struct choice *c, const struct look *look, uint64_t parts) {
    uint64_t doubt = 2 * c->begun->network->layer_count * cost_doubt(c->begun->machine), part = c->least_cycles / parts;
    return look->cycles <= c->least_cycles + (doubt > part ? doubt : part);
}

/* Only these are cut in several ways, and use the accumulator. */
static bool has_convolutions(const struct qm_network *network) {
    uint32_t i = 0;
    while (i < network->layer_count && !is_convolution(&network->layers[i])) i++;
    return i < network->layer_count;
}

static void look_below(struct choice *c);

/* Below a plan of so many operations. */
static void look_at_smaller(struct choice *c, struct halves halves, uint64_t operations) {
    const struct qm_machine *machine = c->begun->machine;
    struct qm_diag ignored;
    if (machine->scratchpad_bytes >> halves.scratchpad == 0 || machine->accumulator_rows >> halves.accumulator == 0) return;
    if (c->is_seen[halves.scratchpad][halves.accumulator] || c->operations + 2 * operations > OPERATIONS_MAX) return;
    if (look_at(c, halves, &ignored) == QM_OK) look_below(c);
}

/* Below the last look. */
static void look_below(struct choice *c) {
    const struct look look = c->looks[c->count - 1];
    if (!is_about_best(c, &look, LOOK_PARTS)) return;
    look_at_smaller(c, (struct halves){look.halves.scratchpad + 1, look.halves.accumulator}, look.operations);
    if (has_convolutions(c->begun->network))
        look_at_smaller(c, (struct halves){look.halves.scratchpad, look.halves.accumulator + 1}, look.operations);
}

/* The same once more with cuts by exact time. */
static void try_again(struct choice *c, struct halves halves) {
    struct plan plan = {.tries_cuts = true};
    struct qm_diag ignored;
    if (make_part(c, halves, &ignored, &plan) != QM_OK) {
        plan_free(&plan);
        return;
    }
    plan.cycles = choose_cycles(&plan);
    keep_best(c, &plan);
}

enum qm_status choose_plan(const struct plan *begun, enum qm_status (*make)(struct plan *plan), struct plan *best) {
    struct choice c = {.begun = begun, .make = make, .best = best, .least_cycles = UINT64_MAX};
    enum qm_search search = begun->options->search;
    *best = (struct plan){.cycles = UINT64_MAX};
    if (search == QM_SEARCH_NONE) return make_part(&c, (struct halves){0}, begun->diag, best);
    QM_TRY(look_at(&c, (struct halves){0}, begun->diag));
    if (search == QM_SEARCH_PLANS) look_below(&c);
    for (uint32_t i = 0; has_convolutions(begun->network) && i < c.count; i++)
        if (i == 0 || is_about_best(&c, &c.looks[i], TRY_PARTS)) try_again(&c, c.looks[i].halves);
    return QM_OK;
}
