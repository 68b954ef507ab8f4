/* functional.c - which classes of instruction field (verify/random_program.h) have started in which state of the machine: random programs
 * on the cycle model, and for each START the classes of its instruction are added to the coverage of the state that the other units make.
 *
 *   build/functional_coverage GOAL_PERCENT COUNT SEED MACHINE...
 * Exit status 1 when a state's classes are covered below the goal. A way of malforming a program is a class of every state.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "sim/device.h"
#include "verify/random_program.h"

enum { CYCLE_LIMIT = 2000000, STATES = 3, STALLS_EVERY = 2 };
static const char *const state_names[STATES] = {"nothing else at work", "one other unit at work", "two or three others at work"};

struct watcher {
    const struct qm_machine *machine;
    const struct qm_random_program *program;
    struct qm_coverage *states[STATES];
    uint32_t started[QM_UNITS], ended[QM_UNITS]; /* in this run */
    uint64_t starts;
};

static uint32_t others_at_work(const struct watcher *watcher, enum qm_unit unit) {
    uint32_t count = 0;
    for (uint32_t u = 0; u < QM_UNITS; u++) count += u != unit && watcher->started[u] > watcher->ended[u];
    return count;
}

static const struct qm_insn *find_insn(const struct qm_random_program *program, enum qm_unit unit, uint32_t index) {
    for (uint32_t i = 0; i < program->count; i++)
        if (qm_opcode_unit(program->insns[i].opcode) == unit && index-- == 0) return &program->insns[i];
    QM_CHECK(!"the instruction is in the program");
    return NULL;
}

static void watch(void *context, const struct qm_event *event) {
    struct watcher *watcher = context;
    if (event->kind == QM_EVENT_END) watcher->ended[event->unit]++;
    if (event->kind != QM_EVENT_START) return;
    struct qm_random_program one = {.count = 1};
    uint32_t others = others_at_work(watcher, event->unit);
    one.insns[0] = *find_insn(watcher->program, event->unit, event->index);
    qm_coverage_add(watcher->states[others < STATES ? others : STATES - 1], watcher->machine, &one);
    watcher->started[event->unit]++;
    watcher->starts++;
}

static void run(struct watcher *watcher, const struct qm_machine *machine, uint64_t seed) {
    struct qm_random_program program;
    struct qm_device_options options = {.seed = seed, .stalls = seed % STALLS_EVERY == 0 ? 0.2 : 0, .memory_bytes = QM_RANDOM_ARENA_BYTES};
    struct qm_device *device;
    struct qm_diag diag;
    qm_random_program_make(machine, seed, &program);
    QM_CHECK(qm_device_cycle.create(machine, &options, &device, &diag) == QM_OK);
    watcher->machine = machine;
    watcher->program = &program;
    memset(watcher->started, 0, sizeof watcher->started);
    memset(watcher->ended, 0, sizeof watcher->ended);
    device->ops->observe(device, watch, watcher);
    qm_random_program_start(&program, device);
    QM_CHECK(device->ops->wait(device, CYCLE_LIMIT));
    for (int state = 0; state < STATES; state++) qm_coverage_add_malformed(watcher->states[state], machine, &program);
    device->ops->destroy(device);
}

/* Whether the goal is reached. */
static bool report(const struct watcher *watcher, double goal) {
    bool reached = watcher->starts > 0;
    for (int state = 0; state < STATES; state++) {
        size_t covered, all;
        char missing[512];
        qm_coverage_count(watcher->states[state], &covered, &all, missing, sizeof missing);
        double percent = 100.0 * (double)covered / (double)all;
        printf("  %-28s %5zu of %5zu classes  %6.2f %%%s%s\n", state_names[state], covered, all, percent,
               missing[0] != '\0' ? "  missing: " : "", missing);
        reached = reached && percent >= goal;
    }
    return reached;
}

int main(int argc, char **argv) {
    struct watcher watcher = {0};
    QM_CHECK(argc > 4);
    double goal = strtod(argv[1], NULL);
    uint64_t count = strtoull(argv[2], NULL, 10), first = strtoull(argv[3], NULL, 10);
    for (int state = 0; state < STATES; state++) watcher.states[state] = qm_coverage_create();
    for (int m = 4; m < argc; m++) {
        struct qm_machine machine;
        struct qm_diag diag;
        if (qm_machine_load(argv[m], &machine, &diag) != QM_OK) {
            fprintf(stderr, "functional_coverage: %s\n", diag.text);
            return 2;
        }
        for (uint64_t i = 0; i < count; i++) run(&watcher, &machine, first + i);
    }
    printf("  %" PRIu64 " instructions started, goal %g %% in each state\n", watcher.starts, goal);
    bool reached = report(&watcher, goal);
    for (int state = 0; state < STATES; state++) qm_coverage_destroy(watcher.states[state]);
    return !reached;
}
