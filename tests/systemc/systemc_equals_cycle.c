/* systemc_equals_cycle.c - the cycle model alone and in the SystemC platform, as a pair: every event with its cycle, every beat's data,
 * every counter, register and byte must be the same. Random programs (also broken ones), then program tests.
 *
 *   build/systemc_equals_cycle COUNT SEED FILE.prog...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/lockstep/lockstep.h"
#include "verify/program_text.h"
#include "verify/random_program.h"
#include "verify/verify_random.h"

static uint64_t failures; /* destroy has no other way to tell */

/* So that every program test also shows that nothing is left of a run that a reset has ended. */
static enum qm_status reset_in_mid_program(struct qm_device *pair, struct qm_diag *diag) {
    const struct qm_insn load = {.opcode = QM_LOAD, .dram_addr = 1024, .row_bytes = 64, .row_count = 3, .plane_count = 2};
    uint32_t words[QM_INSN_WORDS];
    QM_TRY(qm_insn_pack(&load, words, diag));
    pair->ops->write_memory(pair, QM_TEXT_MEMORY_BASE, words, sizeof words);
    pair->ops->write_csr(pair, QM_CSR_MEMORY_BASE, QM_TEXT_MEMORY_BASE);
    pair->ops->write_csr(pair, QM_CSR_PROGRAM_COUNT, 1);
    pair->ops->write_csr(pair, QM_CSR_MEMORY_SIZE, 4096);
    pair->ops->write_csr(pair, QM_CSR_CONTROL, QM_CONTROL_START);
    if (pair->ops->wait(pair, 50)) return qm_fail(diag, QM_MISMATCH, "the LOAD is done too early");
    pair->ops->reset(pair);
    return QM_OK;
}

static enum qm_status create_pair(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                                  struct qm_diag *diag) {
    QM_TRY(qm_lockstep_create(&qm_device_cycle, &qm_device_systemc, machine, options, device, diag));
    return reset_in_mid_program(*device, diag);
}

static void destroy_pair(struct qm_device *pair) {
    qm_lockstep_compare_memories(pair);
    const char *difference = qm_lockstep_difference(pair);
    if (difference != NULL || qm_lockstep_stats(pair).runs != 1) failures++;
    if (difference != NULL) printf("model and SystemC differ: %s\n", difference);
    pair->ops->destroy(pair);
}

static enum qm_status run_random(const char *name, double stalls, uint64_t count, uint64_t seed, struct qm_diag *diag) {
    struct qm_machine machine;
    struct qm_verify_random verify = {.machine = &machine, .model = &qm_device_cycle, .rtl = &qm_device_systemc, .stalls = stalls};
    struct qm_lockstep_stats stats = {0};
    QM_TRY(qm_machine_load(name, &machine, diag));
    struct qm_coverage *coverage = qm_coverage_create();
    enum qm_status status = QM_OK;
    for (uint64_t i = 0; i < count && status == QM_OK; i++) status = qm_verify_random_one(&verify, seed + i, coverage, &stats, diag);
    qm_coverage_destroy(coverage);
    printf("%s, stalls %g: %" PRIu64 " runs, %" PRIu64 " cycles, %" PRIu64 " events\n", name, stalls, stats.runs, stats.cycles,
           stats.events);
    return status;
}

static enum qm_status run_file(const char *file, struct qm_diag *diag) {
    static const struct qm_device_ops pair = {.name = "cycle and systemc", .create = create_pair, .destroy = destroy_pair};
    struct qm_arena *arena = qm_arena_create();
    struct qm_program_text *program;
    enum qm_status status = qm_program_text_read(file, arena, &program, diag);
    if (status == QM_OK) status = qm_program_text_run(program, &pair, false, diag);
    qm_arena_destroy(arena);
    return status;
}

int main(int argc, char **argv) {
    static const char *const machines[] = {"one", "tiny", "m3x5", "fixed8", "edge"};
    struct qm_diag diag;
    enum qm_status status = QM_OK;
    if (argc < 4) return 2;
    uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    for (size_t i = 0; i < sizeof machines / sizeof *machines && status == QM_OK; i++)
        status = run_random(machines[i], i % 2 ? 0.2 : 0, count, seed, &diag);
    for (int i = 3; i < argc && status == QM_OK; i++) status = run_file(argv[i], &diag);
    if (status != QM_OK) printf("%s\n", diag.text);
    printf("%d program tests, %" PRIu64 " differ\n", argc - 3, failures);
    return status != QM_OK || failures > 0;
}
