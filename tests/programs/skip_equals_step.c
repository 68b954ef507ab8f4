/* skip_equals_step.c - the skipping engine against the stepping one: every counter, register and byte, on random programs; and the engine
 * without values against both: every counter and register.
 *
 *   build/skip_equals_step COUNT SEED MACHINE...
 * Nobody observes the devices here, so that the skipping engine skips all it can (an observer makes it visit every beat).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "sim/device.h"
#include "verify/random_program.h"

enum { CYCLE_LIMIT = 2000000 };

struct state {
    uint32_t csr[64];
    struct qm_counters counters;
    uint8_t *bytes; /* scratchpad, accumulator, arena */
    size_t size;
    bool no_values; /* of the run: its bytes and what counts values say nothing */
};

static struct qm_device *create(const struct qm_machine *machine, struct qm_device_options options) {
    options.memory_bytes = QM_RANDOM_ARENA_BYTES;
    struct qm_device *device;
    struct qm_diag diag;
    if (qm_device_cycle.create(machine, &options, &device, &diag) != QM_OK) {
        fprintf(stderr, "skip_equals_step: %s\n", diag.text);
        exit(3);
    }
    return device;
}

static void read_state(struct qm_device *device, const struct qm_machine *machine, struct state *state) {
    for (size_t i = 0; i < qm_csr_count; i++) state->csr[i] = device->ops->read_csr(device, qm_csrs[i].offset);
    for (int i = 0; i < QM_COUNTERS; i++) state->counters.value[i] = qm_device_counter(device, (enum qm_counter)i);
    size_t sums = (size_t)machine->accumulator_rows * machine->cols * sizeof(int32_t);
    state->size = machine->scratchpad_bytes + sums + QM_RANDOM_ARENA_BYTES;
    state->bytes = malloc(state->size);
    QM_CHECK(state->bytes != NULL);
    device->ops->read_internal(device, state->bytes + sums, (int32_t *)state->bytes);
    device->ops->read_memory(device, 0, state->bytes + sums + machine->scratchpad_bytes, QM_RANDOM_ARENA_BYTES);
}

static void run(const struct qm_machine *machine, struct qm_device_options options, struct state *state) {
    struct qm_random_program program;
    static uint8_t arena[QM_RANDOM_ARENA_BYTES];
    struct qm_prng prng;
    qm_random_program_make(machine, options.seed, &program);
    qm_prng_init(&prng, options.seed);
    qm_prng_fill(&prng, arena, sizeof arena);
    struct qm_device *device = create(machine, options);
    if (!options.no_values) device->ops->write_memory(device, 0, arena, sizeof arena);
    qm_random_program_start(&program, device);
    QM_CHECK(device->ops->wait(device, CYCLE_LIMIT));
    read_state(device, machine, state);
    state->no_values = options.no_values;
    device->ops->destroy(device);
}

/* Compares registers and counters, of a run without values not those that depend on values, and prints what differs. */
static bool same_time(const struct qm_machine *machine, uint64_t seed, const char *way, const struct state *got, const struct state *step) {
    bool equal = memcmp(got->csr, step->csr, sizeof got->csr) == 0;
    if (!equal) printf("machine %s, seed %" PRIu64 ": registers differ between %s and stepping\n", machine->name, seed, way);
    for (int i = 0; i < QM_COUNTERS; i++) {
        if (got->counters.value[i] == step->counters.value[i] || (got->no_values && qm_counter_infos[i].depends_on_values)) continue;
        printf("machine %s, seed %" PRIu64 ": %s is %" PRIu64 " %s and %" PRIu64 " stepping\n", machine->name, seed,
               qm_counter_infos[i].name, got->counters.value[i], way, step->counters.value[i]);
        equal = false;
    }
    return equal;
}

static bool same(const struct qm_machine *machine, uint64_t seed, uint64_t *cycles) {
    struct state skip = {0}, step = {0}, blind = {0};
    run(machine, (struct qm_device_options){.seed = seed}, &skip);
    run(machine, (struct qm_device_options){.seed = seed, .step = true}, &step);
    run(machine, (struct qm_device_options){.seed = seed, .no_values = true}, &blind);
    bool equal = same_time(machine, seed, "skipping", &skip, &step);
    equal = same_time(machine, seed, "without values", &blind, &step) && equal;
    bool same_bytes = memcmp(skip.bytes, step.bytes, skip.size) == 0;
    if (!same_bytes) printf("machine %s, seed %" PRIu64 ": bytes differ between skipping and stepping\n", machine->name, seed);
    *cycles += step.counters.value[QM_C_cycles];
    free(skip.bytes);
    free(step.bytes);
    free(blind.bytes);
    return equal && same_bytes;
}

int main(int argc, char **argv) {
    int failed = 0;
    uint64_t count = argc > 2 ? strtoull(argv[1], NULL, 10) : 0, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    QM_CHECK(argc > 3 && qm_csr_count <= 64);
    for (int m = 3; m < argc; m++) {
        struct qm_machine machine;
        struct qm_diag diag;
        uint64_t cycles = 0;
        if (qm_machine_load(argv[m], &machine, &diag) != QM_OK) {
            fprintf(stderr, "skip_equals_step: %s\n", diag.text);
            return 2;
        }
        for (uint64_t i = 0; i < count; i++) failed += !same(&machine, first + i, &cycles);
        printf("%s: %s programs, %" PRIu64 " cycles, %d differ\n", machine.name, argv[1], cycles, failed);
    }
    return failed != 0;
}
