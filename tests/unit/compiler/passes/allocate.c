/* allocate.c - random schedules made by hand: after the pass no two buffers that live at the same time share a byte, and loads keep their
 * order. */
#include "compiler/passes/passes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/prng.h"

TestSuite(allocate);

enum { WORK = 60, SCRATCHPAD = 4096, PIECE_MAX = 500 };

struct life {
    uint32_t first, last;
};

/* Blocks that are loaded, by one LOAD or two, and summed with the block before. */
static void make_schedule(struct plan *plan, struct qm_prng *prng, uint32_t loads) {
    uint32_t previous = PLAN_NONE;
    for (uint32_t i = 0; i < WORK; i++) {
        uint32_t buffer = plan_add_buffer(plan, 1 + (uint32_t)(qm_prng_next(prng) % PIECE_MAX));
        struct qm_insn insn = {.opcode = QM_LOAD, .row_bytes = plan->buffers[buffer].bytes, .row_count = 1, .plane_count = 1};
        for (uint32_t j = 0; j < loads; j++) {
            insn.dram_addr = i * loads + j; /* a name */
            uint32_t load = plan_add_op(plan, 0, &insn);
            if (qm_prng_next(prng) % 4 != 0) plan->ops[load].after = 0;
            plan_use(plan, load, PLAN_WRITE, buffer);
        }
        uint32_t add = plan_add_op(plan, 0, &(struct qm_insn){.opcode = QM_ADD});
        plan_use(plan, add, PLAN_READ, buffer);
        if (previous != PLAN_NONE) plan_use(plan, add, PLAN_READ_MORE, previous);
        previous = buffer;
    }
}

/* The schedule in two stages, between which the host runs; or in one. */
static void make_stages(struct plan *plan, bool host_between) {
    uint32_t half = plan->op_count / 2;
    plan->stages = QM_ARENA_NEW(plan->arena, struct plan_stage, 3);
    plan->stages[0] = (struct plan_stage){.last_op = host_between ? half : plan->op_count};
    plan->stages[1] = (struct plan_stage){.on_host = true, .first_op = half, .last_op = half};
    plan->stages[2] = (struct plan_stage){.first_op = half, .last_op = plan->op_count};
    plan->stage_count = host_between ? 3 : 1;
}

/* First and last operation of a buffer in the final order. */
static struct life life_of(const struct plan *plan, uint32_t buffer) {
    struct life life = {PLAN_NONE, 0};
    for (uint32_t i = 0; i < plan->op_count; i++)
        for (uint32_t operand = 0; operand < PLAN_OPERANDS; operand++) {
            if (plan->ops[i].buffers[operand] != buffer) continue;
            if (life.first == PLAN_NONE) life.first = i;
            life.last = i;
        }
    return life;
}

static void check_no_overlap(const struct plan *plan) {
    for (uint32_t a = 0; a < plan->buffer_count; a++)
        for (uint32_t b = 0; b < a; b++) {
            const struct plan_buffer *x = &plan->buffers[a], *y = &plan->buffers[b];
            struct life u = life_of(plan, a), v = life_of(plan, b);
            bool together = u.first <= v.last && v.first <= u.last;
            bool apart = x->address + x->bytes <= y->address || y->address + y->bytes <= x->address;
            cr_assert(together == false || apart, "buffers %u and %u", a, b);
        }
}

static void run(uint64_t seed, struct plan *plan, bool host_between, uint32_t loads) {
    struct qm_prng prng;
    qm_prng_init(&prng, seed);
    make_schedule(plan, &prng, loads);
    make_stages(plan, host_between);
    cr_assert(eq(int, pass_allocate(plan), QM_OK));
}

Test(allocate, never_gives_two_living_buffers_the_same_byte) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.scratchpad_bytes = SCRATCHPAD;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct plan plan = {.machine = &machine, .arena = qm_arena_create()};
        run(seed, &plan, false, 1 + seed % 2);
        check_no_overlap(&plan);
        for (uint32_t i = 0; i < plan.buffer_count; i++) cr_assert(le(u32, plan.buffers[i].address + plan.buffers[i].bytes, SCRATCHPAD));
        plan_free(&plan);
    }
}

Test(allocate, moves_loads_ahead_in_their_order) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.scratchpad_bytes = SCRATCHPAD;
    struct plan plan = {.machine = &machine, .arena = qm_arena_create()};
    run(7, &plan, false, 1);
    uint32_t loads = 0, ahead = 0;
    for (uint32_t i = 0, sums = 0; i < plan.op_count; i++) {
        struct qm_insn insn;
        plan_get_insn(&plan.ops[i], &insn);
        if (insn.opcode != QM_LOAD)
            sums++;
        else
            cr_assert(eq(i64, insn.dram_addr, loads++));
        ahead += loads > sums + 1;
    }
    cr_assert(eq(u32, loads, WORK));
    cr_assert(gt(u32, ahead, WORK / 2));
    plan_free(&plan);
}

/* What the host reads has been stored by then, and no work of the stage before it is pushed out by a load of the one behind. */
Test(allocate, loads_stay_in_their_stage) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.scratchpad_bytes = SCRATCHPAD;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct plan plan = {.machine = &machine, .arena = qm_arena_create()};
        run(seed, &plan, true, 1);
        uint32_t first_stage = 0;
        for (uint32_t i = 0; i < plan.stages[0].last_op; i++) first_stage += plan_opcode(&plan.ops[i]) == QM_LOAD;
        cr_assert(eq(u32, first_stage, WORK / 2), "seed %u", (unsigned)seed);
        plan_free(&plan);
    }
}
