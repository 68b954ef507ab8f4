/* verify_random.c - a program on the pair of engines: fill both memories, run, compare everything; and random programs as program tests.
 *
 * A difference is found without looking between the blocks; the same program then runs again on a pair that does, and that run reports.
 */
#include "verify/verify_random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/prng.h"
#include "verify/found.h"
#include "verify/scene.h"

enum { NAME_BYTES = 160 };

/* What the pair found in a run that did not end, or was not equal. */
static enum qm_status judge(const struct qm_verify_random *verify, struct qm_device *pair, const struct qm_program_text *program,
                            uint64_t limit, struct qm_diag *diag) {
    const char *difference = qm_lockstep_difference(pair);
    if (difference == NULL)
        return qm_fail(diag, QM_BAD_INPUT,
                       "%s: model and RTL are both still busy after %" PRIu64 " cycles, which shows nothing: give more with --max-cycles",
                       program->file, limit);
    struct scene_program run = {.words = program->words, .count = program->insn_count};
    enum qm_status status = qm_fail(diag, QM_MISMATCH, "%s: model and RTL differ: %s", program->file, difference);
    if (verify->found != NULL) verify->found(verify->context, program, diag);
    if (verify->waves_dir != NULL) scene_report(pair, &run, verify->waves_dir);
    return status;
}

static enum qm_status run_once(const struct qm_verify_random *verify, const struct qm_program_text *program,
                               struct qm_lockstep_stats *stats, struct qm_diag *diag) {
    struct qm_device_options options = qm_program_text_options(program);
    uint64_t limit = verify->max_cycles > 0 ? verify->max_cycles : qm_program_text_limit(program);
    struct qm_device *pair;
    const struct qm_rtl *rtl = NULL;
    if (verify->builds != NULL) QM_TRY(rtl_builds_get(verify->builds, &program->machine, verify->probed, &rtl, diag));
    options.rtl_library = rtl != NULL ? rtl->library : NULL;
    options.probed = verify->probed;
    QM_TRY(qm_lockstep_create(verify->model, verify->rtl, &program->machine, &options, &pair, diag));
    qm_program_text_start(program, pair, limit);
    bool ended = pair->ops->wait(pair, limit);
    if (ended) qm_lockstep_compare_memories(pair);
    enum qm_status status = ended && qm_lockstep_difference(pair) == NULL ? QM_OK : judge(verify, pair, program, limit, diag);
    struct qm_lockstep_stats one = qm_lockstep_stats(pair);
    stats->cycles += one.cycles;
    stats->events += one.events;
    stats->runs += one.runs;
    stats->counters = one.counters;
    pair->ops->destroy(pair);
    return status;
}

/* Looks between the blocks for where the difference begins; *diag then says it better. */
static void locate(const struct qm_verify_random *verify, const struct qm_program_text *program, struct qm_diag *diag) {
    struct qm_verify_random probed = *verify;
    struct qm_lockstep_stats stats = {0};
    struct qm_diag second;
    probed.probed = true;
    probed.found = NULL;
    enum qm_status status = run_once(&probed, program, &stats, &second);
    found_take_second(status, &second, diag);
}

enum qm_status qm_verify_text(const struct qm_verify_random *verify, const struct qm_program_text *program, struct qm_lockstep_stats *stats,
                              struct qm_diag *diag) {
    enum qm_status status = run_once(verify, program, stats, diag);
    if (status == QM_MISMATCH && !verify->probed && verify->waves_dir != NULL) locate(verify, program, diag);
    return status;
}

/* Of each four seeds, one runs its program twice on the same machine, and one resets the machine in mid-program and runs it again. */
static uint64_t first_cycles_of(uint64_t seed) {
    enum { RUN_TWICE = 1, RESET_AND_RUN = 3, RESET_LIMIT = 1500, TO_THE_END = 2000000 };
    return seed % 4 == RUN_TWICE ? TO_THE_END : seed % 4 == RESET_AND_RUN ? 1 + qm_hash3(seed, RESET_AND_RUN, 0) % RESET_LIMIT : 0;
}

static struct qm_program_text *text_of(const struct qm_verify_random *verify, const struct qm_random_program *random, uint64_t seed,
                                       struct qm_arena *arena) {
    struct qm_program_text *text = QM_ARENA_NEW(arena, struct qm_program_text, 1);
    const char *malformed = random->malformed;
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "random program, seed %" PRIu64 ", machine %s%s%s", seed, verify->machine->name,
             malformed != NULL ? ", malformed: " : "", malformed != NULL ? malformed : "");
    *text = (struct qm_program_text){.file = qm_arena_strdup(arena, name),
                                     .machine = *verify->machine,
                                     .insn_count = random->count,
                                     .program_addr = random->program_addr,
                                     .program_count = random->program_count,
                                     .is_filled = true,
                                     .fill = ~seed,
                                     .first_cycles = first_cycles_of(seed),
                                     .stalls = verify->stalls,
                                     .stall_seed = seed};
    memcpy(text->insns, random->insns, sizeof random->insns);
    memcpy(text->words, random->words, sizeof random->words);
    return text;
}

struct qm_program_text *qm_verify_random_text(const struct qm_verify_random *verify, uint64_t seed, struct qm_arena *arena) {
    struct qm_random_program random;
    qm_random_program_make(verify->machine, seed, &random);
    return text_of(verify, &random, seed, arena);
}

enum qm_status qm_verify_random_one(const struct qm_verify_random *verify, uint64_t seed, struct qm_coverage *coverage,
                                    struct qm_lockstep_stats *stats, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_random_program random;
    qm_random_program_make(verify->machine, seed, &random);
    qm_coverage_add(coverage, verify->machine, &random);
    enum qm_status status = qm_verify_text(verify, text_of(verify, &random, seed, arena), stats, diag);
    qm_arena_destroy(arena);
    return status;
}
