/* verify_random.c - one random program on the pair of engines: fill both memories from the seed, run, compare everything. */
#include "tools/qmac/verify_random.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/prng.h"
#include "tools/qmac/scene.h"

enum { CYCLE_LIMIT = 2000000, RESET_LIMIT = 1500, ARENA_BASE = 0x10000 };
enum { RUN_AGAIN = 1, RESET_AND_RUN = 3 }; /* seed modulo 4 */

/* Random bytes everywhere, so that a wrong address shows. */
static void fill(struct qm_device *device, const struct qm_machine *machine, const struct qm_random_program *program,
                 struct qm_prng *prng) {
    size_t sums = (size_t)machine->accumulator_rows * machine->cols;
    uint8_t *arena = malloc(QM_RANDOM_ARENA_BYTES), *scratchpad = malloc(machine->scratchpad_bytes);
    int32_t *accumulator = malloc(sums * sizeof *accumulator);
    QM_CHECK(arena != NULL && scratchpad != NULL && accumulator != NULL);
    qm_prng_fill(prng, arena, QM_RANDOM_ARENA_BYTES);
    qm_prng_fill(prng, scratchpad, machine->scratchpad_bytes);
    for (size_t i = 0; i < sums; i++) accumulator[i] = (int32_t)(uint32_t)qm_prng_next(prng);
    device->ops->write_memory(device, ARENA_BASE, arena, QM_RANDOM_ARENA_BYTES);
    device->ops->write_memory(device, ARENA_BASE + program->program_addr / 256 * 256, program->words, program->count * QM_INSN_BYTES);
    device->ops->write_internal(device, scratchpad, accumulator);
    free(arena);
    free(scratchpad);
    free(accumulator);
}

static void start(struct qm_device *device, const struct qm_random_program *program) {
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->program_addr);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, program->program_count);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE, ARENA_BASE);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE_HI, 0);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, QM_RANDOM_ARENA_BYTES);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}

/* Runs the program; of each four seeds, one runs it once more on the same machine, and one after a reset in mid-program. Returns whether it ended. */
static bool run(struct qm_device *pair, const struct qm_machine *machine, const struct qm_random_program *program, uint64_t seed) {
    struct qm_prng prng;
    qm_prng_init(&prng, ~seed);
    fill(pair, machine, program, &prng);
    start(pair, program);
    if (seed % 4 == RUN_AGAIN || seed % 4 == RESET_AND_RUN) {
        uint64_t limit = seed % 4 == RUN_AGAIN ? CYCLE_LIMIT : qm_prng_next(&prng) % RESET_LIMIT;
        if (!pair->ops->wait(pair, limit) || seed % 4 == RESET_AND_RUN) pair->ops->reset(pair);
        fill(pair, machine, program, &prng);
        start(pair, program);
    }
    bool ended = pair->ops->wait(pair, CYCLE_LIMIT);
    if (ended) qm_lockstep_compare_memories(pair);
    return ended;
}

/* What the pair found in a run that did not end, or was not equal. */
static enum qm_status judge(const struct qm_verify_random *verify, uint64_t seed, struct qm_device *pair,
                            const struct qm_random_program *program, struct qm_diag *diag) {
    const char *difference = qm_lockstep_difference(pair), *malformed = program->malformed;
    if (difference == NULL)
        return qm_fail(diag, QM_MISMATCH, "random program, seed %" PRIu64 ", machine %s: still busy after %d cycles", seed,
                       verify->machine->name, CYCLE_LIMIT);
    struct scene_program run = {.words = program->words, .count = program->count};
    QM_TRY(scene_report(pair, &run, verify->waves_dir, diag));
    return qm_fail(diag, QM_MISMATCH, "random program, seed %" PRIu64 ", machine %s%s%s: model and RTL differ: %s", seed,
                   verify->machine->name, malformed != NULL ? ", malformed: " : "", malformed != NULL ? malformed : "", difference);
}

static enum qm_status run_once(const struct qm_verify_random *verify, uint64_t seed, const struct qm_random_program *program,
                               struct qm_lockstep_stats *stats, struct qm_diag *diag) {
    struct qm_device_options options = {.seed = seed,
                                        .stalls = verify->stalls,
                                        .rtl_dir = verify->rtl_dir,
                                        .probed = verify->probed,
                                        .memory_base = ARENA_BASE,
                                        .memory_bytes = QM_RANDOM_ARENA_BYTES};
    struct qm_device *pair;
    QM_TRY(qm_lockstep_create(verify->model, verify->rtl, verify->machine, &options, &pair, diag));
    bool ended = run(pair, verify->machine, program, seed);
    enum qm_status status = ended && qm_lockstep_difference(pair) == NULL ? QM_OK : judge(verify, seed, pair, program, diag);
    struct qm_lockstep_stats one = qm_lockstep_stats(pair);
    stats->cycles += one.cycles;
    stats->events += one.events;
    stats->runs += one.runs;
    pair->ops->destroy(pair);
    return status;
}

enum qm_status qm_verify_random_one(const struct qm_verify_random *verify, uint64_t seed, struct qm_coverage *coverage,
                                    struct qm_lockstep_stats *stats, struct qm_diag *diag) {
    struct qm_random_program *program = malloc(sizeof *program);
    QM_CHECK(program != NULL);
    qm_random_program_make(verify->machine, seed, program);
    qm_coverage_add(coverage, program);
    enum qm_status status = run_once(verify, seed, program, stats, diag);
    struct qm_verify_random probed = *verify;
    probed.probed = true;
    if (status == QM_MISMATCH && !verify->probed && verify->rtl->probe != NULL) status = run_once(&probed, seed, program, stats, diag);
    free(program);
    return status;
}
